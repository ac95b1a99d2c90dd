// Everything that is no error, trace, log or feedback: one section each, chosen by tabs; `#/other/<section>`.

import { h } from './dom.js';
import attachments from './attached.js';
import checkIns from './checkins.js';
import metrics from './metrics.js';
import profiles from './profiles.js';
import replays from './replays.js';
import reports from './reports.js';
import security from './security.js';
import sessions from './sessions.js';
import { waiting } from './waiting.js';

/** A section: `{ id, title, types, noun, render(records, app) → element }`; records come newest first. */
const SECTIONS = [checkIns, sessions, reports, metrics, profiles, replays, security, attachments];
const MOST = 2000;
const PAGE = 500;
const PAUSE_MS = 300;

export default { open };

function open(app, root) {
  let section = null;
  let records = [];
  let filters = null;
  let asked = null;
  let timer = 0;
  const strip = h('nav', { class: 'sections', 'aria-label': 'Kinds' });
  const body = h('div', { class: 'section-body', tabindex: '-1' });
  root.append(strip, body);

  function showStrip() {
    const kept = app.status().kept?.records ?? {};
    strip.replaceChildren(...SECTIONS.map((one) => {
      const count = one.types.reduce((sum, type) => sum + (kept[type] ?? 0), 0);
      return h('a', { href: app.href(`other/${one.id}`, {}), class: 'section-tab', 'aria-current': one === section ? 'page' : null },
        one.title, h('span', { class: 'count' }, count ? String(count) : ''));
    }));
  }

  async function load() {
    asked?.abort();
    asked = new AbortController();
    const { signal } = asked;
    const found = [];
    let cursor = '';
    do {
      const answer = await app.api.events(app.filters({ type: section.types, limit: PAGE, cursor }), signal);
      if (signal.aborted) return;
      found.push(...answer.events);
      cursor = answer.more ? answer.cursor : '';
    } while (cursor && found.length < MOST);
    records = found;
    render();
  }

  function render() {
    clearTimeout(timer);
    timer = 0;
    showStrip();
    if (records.length) body.replaceChildren(h('h2', { class: 'hidden' }, section.title), section.render(records, app));
    else body.replaceChildren(h('div', { class: 'empty' }, ...waiting(app, section.noun)));
  }

  const soon = () => { timer ||= setTimeout(render, PAUSE_MS); };

  return {
    async show([id = '']) {
      const kept = app.status().kept?.records ?? {};
      const next = SECTIONS.find((one) => one.id === id) ?? SECTIONS.find((one) => one.types.some((type) => kept[type])) ?? SECTIONS[0];
      const wanted = JSON.stringify(app.filters());
      if (next === section && wanted === filters) return;
      const moved = next !== section;
      section = next;
      filters = wanted;
      showStrip();
      await load();
      if (moved) body.scrollTop = 0;
    },
    arrived(came) {
      const known = new Set(records.map((record) => record.id));
      const fresh = came.filter((record) => section?.types.includes(record.type) && !known.has(record.id));
      records = [...fresh.sort((a, b) => (a.id < b.id ? 1 : -1)), ...records].slice(0, MOST);
      soon();
    },
    cleared(ids) {
      const gone = ids && new Set(ids);
      records = gone ? records.filter(({ id }) => !gone.has(id)) : [];
      render();
    },
    close() { clearTimeout(timer); asked?.abort(); },
  };
}
