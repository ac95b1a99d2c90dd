// Release health: what sessions say about releases, and the updates that said it.

import { badge, h, plural, table, when } from './dom.js';
import { pairs } from './span.js';
import { plain } from './shown.js';

const LISTED = 200;
const BAD = new Set(['crashed', 'abnormal', 'errored', 'unhandled']);

export default { id: 'sessions', title: 'Release health', types: ['release_health'], noun: 'session', render };

function render(records, app) {
  return h('div', {},
    table([
      { title: 'release', cell: (row) => plain(row.release || '(none)') },
      { title: 'environment', cell: (row) => plain(row.environment) },
      { title: 'sessions', class: 'number', cell: (row) => count(row.sessions) },
      { title: 'healthy', class: 'number', cell: (row) => count(row.sessions - row.errored - row.crashed - row.abnormal - row.unhandled) },
      { title: 'errored', class: 'number', cell: (row) => bad(row.errored) },
      { title: 'unhandled', class: 'number', cell: (row) => bad(row.unhandled) },
      { title: 'abnormal', class: 'number', cell: (row) => bad(row.abnormal) },
      { title: 'crashed', class: 'number', cell: (row) => bad(row.crashed) },
      { title: 'crash-free', class: 'number', cell: (row) => (row.sessions ? `${((1 - row.crashed / row.sessions) * 100).toFixed(1)} %` : '') },
    ], releases(records), { caption: 'Releases' }),
    h('h3', { class: 'section-title' }, 'Updates'),
    table([
      { title: 'time', cell: (record) => h('a', { href: app.href(`errors/${record.id}`) }, when(record.received_at)) },
      { title: 'form', cell: (record) => (record.item_type === 'sessions' ? 'counts' : 'one session') },
      { title: 'status', cell: status },
      { title: 'release', cell: (record) => plain(record.digest?.release ?? record.release ?? '') },
      { title: 'environment', cell: (record) => plain(record.digest?.environment ?? record.environment ?? '') },
      { title: 'session', class: 'mono', cell: (record) => plain(record.digest?.sid ?? '', 8) },
    ], records.slice(0, LISTED), { caption: 'Updates' }));
}

/** Several updates of one session are one session, in the state that came last. */
function releases(records) {
  const rows = new Map();
  const seen = new Set();
  for (const { digest = {}, item_type: form } of records) {
    const key = JSON.stringify([digest.release, digest.environment]);
    if (!rows.has(key)) rows.set(key, { release: digest.release ?? '', environment: digest.environment ?? '', sessions: 0, errored: 0, crashed: 0, abnormal: 0, unhandled: 0 });
    const row = rows.get(key);
    if (form === 'sessions') {
      for (const [name, number] of Object.entries(digest.counts ?? {})) {
        row.sessions += number;
        if (Object.hasOwn(row, name)) row[name] += number;
      }
    } else if (!digest.sid || !seen.has(digest.sid)) {
      seen.add(digest.sid);
      row.sessions += 1;
      if (BAD.has(digest.status)) row[digest.status] += 1;
      else if (digest.errors) row.errored += 1;
    }
  }
  return [...rows.values()];
}

function status({ digest = {}, item_type: form }) {
  if (form !== 'sessions') return [badge(plain(digest.status ?? '?', 24), BAD.has(digest.status) ? 'error' : ''), digest.init ? ' first' : '', digest.errors ? ` ${plural(digest.errors, 'error')}` : ''];
  return Object.entries(digest.counts ?? {}).map(([name, number]) => `${number} ${name}`).join(', ');
}

const count = (number) => number.toLocaleString('en');
const bad = (number) => h('span', { class: number ? 'bad' : 'none' }, number ? `✕ ${count(number)}` : '0');

export function sessionPane({ payload = {} }) {
  const { aggregates, attrs = {}, ...rest } = payload ?? {};
  return h('section', { class: 'kind-pane' },
    pairs(Object.entries({ ...rest, ...attrs }).filter(([name, value]) => value !== null && typeof value !== 'object' && name !== '_meta')),
    Array.isArray(aggregates) ? table(['started', 'exited', 'errored', 'abnormal', 'unhandled', 'crashed'].map((name) => ({
      title: name, class: name === 'started' ? '' : 'number', cell: (group) => plain(group?.[name] ?? (name === 'started' ? '' : '0')),
    })), aggregates.slice(0, LISTED), { caption: 'Counts' }) : null);
}
