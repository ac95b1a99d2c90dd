// A live list of records, newest on top: loads page by page, takes in what arrives, shows only what is in sight.

import { h } from './dom.js';
import { virtualList } from './virtual.js';

const FIRST_PAGE = 100;
const PAGE = 500;
const MOST_ROWS = 10_000;

/**
 * `row(record)` gives an `<a>`; `types` restricts what is asked for; `onChange(records)` tells when something came, went or changed,
 * at most a few times a second. `shownIn`: the element to build in.
 */
export function recordList(app, shownIn, { types, row, label, onChange = () => {} }) {
  const scroller = h('div', { class: 'rows' });
  const news = h('div', { class: 'news', role: 'status', 'aria-live': 'polite' });
  shownIn.append(news, scroller);
  const list = virtualList(scroller, { render: row, label, onEnd: () => more() });

  let records = [];
  let byId = new Map();
  let next = '';
  let loading = null;
  let unseen = 0;
  let reporting = 0;

  function report(now = false) {
    if (now) clearTimeout(reporting);
    else if (reporting) return;
    const tell = () => { reporting = 0; onChange(records); };
    if (now) tell();
    else reporting = setTimeout(tell, 300);
  }

  /** Takes in records in any order; those that are known are replaced. Returns how many are new above all others. */
  function merge(given) {
    const fresh = [];
    let replaced = false;
    for (const record of given) {
      if (byId.has(record.id)) replaced = true;
      else fresh.push(record);
      byId.set(record.id, record);
    }
    if (replaced) records = records.map((record) => byId.get(record.id));
    fresh.sort(newestFirst);
    const top = records[0];
    const above = top ? fresh.filter((record) => newestFirst(record, top) < 0).length : 0;
    records = above === fresh.length && top ? fresh.concat(records) : records.concat(fresh).sort(newestFirst);
    for (const record of records.splice(MOST_ROWS)) byId.delete(record.id);
    return above;
  }

  async function page(limit) {
    const asked = new AbortController();
    loading?.abort();
    loading = asked;
    try {
      const answer = await app.api.events(app.filters({ limit, ...(types ? { type: types } : {}), ...(next ? { cursor: next } : {}) }), asked.signal);
      if (asked.signal.aborted) return;
      next = answer.more && records.length < MOST_ROWS ? answer.cursor : '';
      merge(answer.events);
    } finally {
      if (loading === asked) loading = null;
    }
    list.setItems(records);
    report(true);
  }

  function more() {
    if (next && !loading) page(PAGE).catch((error) => app.toast(error.message));
  }

  const find = (id) => records.findIndex((record) => record.id === id || record.event_id === id || record.capture_id === id);

  function showNews() {
    const up = () => { scroller.scrollTop = 0; };
    news.replaceChildren(...(unseen ? [h('button', { type: 'button', class: 'pill', onclick: up }, `↑ ${unseen.toLocaleString('en')} new`)] : []));
  }

  scroller.addEventListener('scroll', () => {
    if (scroller.scrollTop > 4 || !unseen) return;
    unseen = 0;
    showNews();
  }, { passive: true });

  return {
    records: () => records,
    busy: () => loading !== null,
    redraw: list.redraw,

    /** Everything anew, for the present filters. */
    async load() {
      records = [];
      byId = new Map();
      next = '';
      unseen = 0;
      showNews();
      scroller.scrollTop = 0;
      await page(FIRST_PAGE);
    },

    arrived(given) {
      const reading = scroller.scrollTop > 4;
      const above = merge(given);
      list.prepend(records, above);
      if (reading) {
        unseen += above;
        showNews();
      }
      report();
    },

    changed(given) {
      merge(given.filter((record) => byId.has(record.id)));
      list.setItems(records);
      report();
    },

    /** `ids` null: all. */
    cleared(ids) {
      const gone = ids && new Set(ids);
      records = gone ? records.filter((record) => !gone.has(record.id)) : [];
      byId = new Map(records.map((record) => [record.id, record]));
      if (!gone) next = '';
      list.setItems(records);
      report(true);
    },

    /** What came before the envelope `oldest` is not kept any more. */
    evicted(oldest) {
      const gone = records.findIndex((record) => record.capture_id < oldest);
      if (gone < 0) return;
      for (const record of records.splice(gone)) byId.delete(record.id);
      next = '';
      list.setItems(records);
      report();
    },

    /** Brings the row of `id` (or of an event with that id) into sight, if there is one. */
    reveal(id) {
      const index = find(id);
      if (index >= 0) list.reveal(index, { toMiddle: true });
    },

    /** The row `step` below that of `id`, scrolled into sight; without one the first. */
    neighbour(id, step) {
      const at = find(id);
      const index = at < 0 ? 0 : Math.max(0, Math.min(records.length - 1, at + step));
      return records[index] ? { record: records[index], element: list.reveal(index) } : null;
    },

    close() {
      clearTimeout(reporting);
      loading?.abort();
      list.close();
    },
  };
}

/** Newest envelope first; inside an envelope in its own order. */
function newestFirst(a, b) {
  if (a.capture_id !== b.capture_id) return a.capture_id < b.capture_id ? 1 : -1;
  return a.id.slice(36).localeCompare(b.id.slice(36), 'en', { numeric: true });
}
