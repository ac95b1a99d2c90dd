// Logs: as a terminal shows them, the newest at the bottom; one line each, the line that is chosen beside them.

import { badge, copyButton, exact, h, plural } from './dom.js';
import { ansi, stripped } from './ansi.js';
import { logPane } from './logline.js';
import { marked, terms } from './search.js';
import { brief, plain } from './shown.js';
import { traceAddress } from './span.js';
import { virtualList } from './virtual.js';
import { waiting } from './waiting.js';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
const PAGE = 500;
const MOST_LINES = 20_000;
const MOST_CHIPS = 6;

export default { open };

function open(app, root) {
  let lines = []; // oldest first
  let known = new Set();
  let next = '';
  let loading = null;
  let following = true;
  let chosen = '';
  let filters = null;

  const scroller = h('div', { class: 'rows log-rows', tabindex: '-1' });
  const levels = h('div', { class: 'levels', role: 'group', 'aria-label': 'Levels' });
  const total = h('span', { class: 'quiet total', role: 'status' });
  const follow = h('button', { type: 'button', class: 'small follow', 'aria-pressed': 'true', onclick: () => setFollowing(!following) }, '↓ Follow');
  const tools = h('div', { class: 'log-tools' }, levels, total, h('span', { class: 'spring' }), trace(), follow,
    h('button', { type: 'button', class: 'small', onclick: download }, 'Export'));
  const empty = h('div', { class: 'empty', hidden: true });
  const side = h('aside', { class: 'log-side', 'aria-label': 'Log line', hidden: true });
  root.append(h('section', { class: 'log-list', 'aria-label': 'Logs' }, h('h2', { class: 'hidden' }, 'Logs'), tools, h('div', { class: 'log-body' }, scroller, side), empty));
  const list = virtualList(scroller, { render: row, label: 'Log lines' });

  function trace() {
    return h('span', { class: 'of-trace' });
  }

  // Lines

  async function page(limit) {
    const asked = new AbortController();
    loading?.abort();
    loading = asked;
    try {
      const answer = await app.api.events(app.filters({ type: 'log', limit, ...(next ? { cursor: next } : {}) }), asked.signal);
      if (asked.signal.aborted) return;
      next = answer.more ? answer.cursor : '';
      const older = answer.events.filter(({ id }) => !known.has(id)).sort(byTime);
      for (const { id } of older) known.add(id);
      lines = older.concat(lines).sort(byTime);
      const above_px = scroller.scrollHeight - scroller.scrollTop;
      list.setItems(lines);
      if (following) toEnd();
      else scroller.scrollTop = scroller.scrollHeight - above_px; // the reader stays where the lines grow above
      report();
    } finally {
      if (loading === asked) loading = null;
    }
  }

  async function load() {
    lines = [];
    known = new Set();
    next = '';
    list.setItems(lines);
    await page(PAGE);
  }

  function arrived(records) {
    const fresh = records.filter(({ id }) => !known.has(id)).sort(byTime);
    for (const { id } of fresh) known.add(id);
    const inOrder = !lines.length || !fresh.length || byTime(lines.at(-1), fresh[0]) <= 0;
    lines = lines.concat(fresh);
    if (!inOrder) lines.sort(byTime);
    for (const { id } of lines.splice(0, Math.max(0, lines.length - MOST_LINES))) known.delete(id);
    list.setItems(lines);
    if (following) toEnd();
    report();
  }

  function report() {
    total.textContent = `${plural(lines.length, 'line')}${next ? ', more above' : ''}`;
    const nothing = !lines.length;
    empty.hidden = !nothing;
    scroller.hidden = nothing;
    if (nothing) empty.replaceChildren(...waiting(app, 'log'));
  }

  function row(record) {
    const level = LEVELS.includes(record.level) ? record.level : 'info';
    const { attributes = {} } = record.digest ?? {};
    const words = terms(app.params().q);
    const chips = Object.entries(attributes).slice(0, MOST_CHIPS);
    const button = h('button', {
      type: 'button', class: `log-row ${level}`, 'data-id': record.id, 'aria-pressed': String(record.id === chosen), onclick: () => choose(record.id),
    },
    h('time', { datetime: record.timestamp, title: exact(record.timestamp) }, clock(record.timestamp)),
    h('span', { class: `severity ${level}` }, plain(record.level ?? '', 8)),
    h('span', { class: 'said' }, words.length ? marked(stripped(record.title), words) : ansi(record.title, { limit: 400 })),
    h('span', { class: 'attrs' }, chips.map(([name, value]) => h('span', { class: 'attr' }, h('span', { class: 'quiet' }, brief(name, 40), ' '), brief(value, 60)))));
    const traced = record.trace_id && h('a', {
      class: 'log-trace', href: app.href(traceAddress(record)), title: `Trace ${plain(record.trace_id, 40)}`,
    }, h('span', { class: 'hidden' }, 'Trace '), plain(record.trace_id, 6).replace('…', ''));
    return h('div', { class: 'log-line' }, button, traced);
  }

  // Choosing, following, filtering

  async function choose(id) {
    chosen = id === chosen ? '' : id;
    side.hidden = !chosen;
    list.redraw();
    if (!chosen) return;
    setFollowing(false);
    const wanted = chosen;
    try {
      const detail = await app.api.event(wanted);
      if (chosen === wanted) side.replaceChildren(closer(), logPane(detail, app), h('p', { class: 'links-row' }, h('a', { href: app.href(`errors/${detail.id}`) }, 'Whole record'), copyButton('Copy message', () => stripped(detail.message ?? detail.title))));
    } catch (error) {
      if (chosen === wanted) side.replaceChildren(closer(), h('p', { class: 'hint' }, error.message));
    }
    side.scrollTop = 0;
  }

  const closer = () => h('button', { type: 'button', class: 'small close', 'aria-label': 'Close', onclick: () => choose(chosen) }, '✕');

  function setFollowing(on) {
    following = on;
    follow.setAttribute('aria-pressed', String(on));
    if (on) toEnd();
  }

  function toEnd() {
    scroller.scrollTop = scroller.scrollHeight;
  }

  let before = 0;
  scroller.addEventListener('scroll', () => {
    const up = scroller.scrollTop < before;
    before = scroller.scrollTop;
    const atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 4;
    if (atEnd !== following && (atEnd || up) && !(atEnd && chosen)) {
      following = atEnd;
      follow.setAttribute('aria-pressed', String(following));
    }
    if (scroller.scrollTop < 400 && next && !loading && lines.length < MOST_LINES) page(PAGE).catch((error) => app.toast(error.message));
  }, { passive: true });

  function showTools(params) {
    const on = new Set([params.level ?? []].flat());
    levels.replaceChildren(...LEVELS.map((level) => h('button', {
      type: 'button', class: `small level-chip ${level}`, 'aria-pressed': String(on.has(level)),
      onclick: () => {
        if (!on.delete(level)) on.add(level);
        app.go('logs', { ...app.params(), level: [...on] }, { replace: true });
      },
    }, level)));
    const shownTrace = tools.querySelector('.of-trace');
    shownTrace.replaceChildren();
    if (params.trace_id) {
      shownTrace.append(badge(`trace ${plain(params.trace_id, 8)}`), h('button', {
        type: 'button', class: 'small', 'aria-label': 'Lines of all traces', onclick: () => app.go('logs', { ...app.params(), trace_id: '' }),
      }, '✕'));
    }
  }

  async function download() {
    try {
      const text = await app.api.exportOf(app.filters({ type: 'log' }));
      const url = URL.createObjectURL(new Blob([text], { type: 'application/x-ndjson' }));
      h('a', { href: url, download: 'logs.ndjson' }).click();
      URL.revokeObjectURL(url);
    } catch (error) {
      app.toast(`Not exported: ${error.message}`);
    }
  }

  function step(by) {
    const at = lines.findIndex(({ id }) => id === (document.activeElement?.dataset?.id ?? chosen));
    const index = at < 0 ? lines.length - 1 : Math.max(0, Math.min(lines.length - 1, at + by));
    if (!lines.length) return;
    setFollowing(false);
    list.reveal(index)?.querySelector('button')?.focus({ preventScroll: true });
  }

  const dropKeys = app.keys({
    j: () => step(1),
    k: () => step(-1),
    f: () => setFollowing(!following),
    Escape: () => { if (chosen) choose(chosen); },
  });

  return {
    async show(segments, params) {
      showTools(params);
      const wanted = JSON.stringify(app.filters());
      if (wanted === filters) return;
      filters = wanted;
      await load();
    },
    arrived,
    cleared(ids) {
      const gone = ids && new Set(ids);
      lines = gone ? lines.filter(({ id }) => !gone.has(id)) : [];
      known = new Set(lines.map(({ id }) => id));
      if (!gone) next = '';
      list.setItems(lines);
      report();
    },
    close() { dropKeys(); loading?.abort(); list.close(); },
  };
}

const byTime = (a, b) => (a.timestamp === b.timestamp ? a.id.localeCompare(b.id, 'en', { numeric: true }) : a.timestamp < b.timestamp ? -1 : 1);

function clock(iso) {
  const moment = new Date(iso);
  if (Number.isNaN(moment.valueOf())) return '';
  return `${moment.toLocaleTimeString('en-GB')}.${String(moment.getMilliseconds()).padStart(3, '0')}`;
}
