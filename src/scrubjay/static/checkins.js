// Check-ins: one line of time for each monitor, and its runs.

import { badge, duration, h, table, when } from './dom.js';
import { pairs } from './span.js';
import { plain, shown } from './shown.js';

const SHOWN_RUNS = 40;
const SIGNS = { __proto__: null, ok: '✓', in_progress: '…', error: '✕', missed: '?', timeout: '!' };
const KINDS = { __proto__: null, ok: 'good', in_progress: 'running', error: 'bad', missed: 'warn', timeout: 'warn' };

export default { id: 'check-ins', title: 'Check-ins', types: ['check_in'], noun: 'check-in', render };

function render(records, app) {
  const monitors = new Map();
  for (const record of records) {
    const slug = record.digest?.slug || record.title;
    if (!monitors.has(slug)) monitors.set(slug, []);
    monitors.get(slug).push(record);
  }
  return h('div', { class: 'monitors' }, [...monitors].map(([slug, found]) => monitor(slug, runs(found), app)));
}

/** Newest first. A run says that it began and how it ended by one id; what came last counts. */
function runs(records) {
  const found = new Map();
  for (const record of records) {
    const id = record.digest?.check_in_id || record.id;
    const run = found.get(id);
    if (!run) found.set(id, { last: record, began: record });
    else run.began = record;
  }
  return [...found.values()].map(({ last, began }) => {
    const { status = '', duration_s: said_s } = last.digest ?? {};
    const between_ms = last === began ? undefined : Date.parse(last.timestamp) - Date.parse(began.timestamp);
    return { record: last, began, status, lasted_ms: said_s === undefined ? between_ms : said_s * 1000, digest: { ...began.digest, ...last.digest } };
  });
}

function monitor(slug, found, app) {
  const [last] = found;
  const longest_ms = Math.max(1, ...found.map((run) => run.lasted_ms ?? 0));
  const { schedule, timezone } = found.map((run) => run.digest).find((one) => one.schedule) ?? {};
  return h('section', { class: 'monitor' },
    h('header', {},
      h('h3', {}, shown(slug, { limit: 120 })), status(last.status),
      h('span', { class: 'quiet' }, [schedule, timezone].filter(Boolean).map((text) => plain(text)).join(', '))),
    h('ol', { class: 'run-line', 'aria-label': 'Runs, oldest first' }, found.slice(0, SHOWN_RUNS).reverse().map((run) => {
      const bar = h('span', { class: `run-bar ${KINDS[run.status] ?? ''}` });
      bar.style.height = `${run.lasted_ms === undefined ? 30 : 30 + Math.sqrt(run.lasted_ms / longest_ms) * 70}%`;
      const title = `${plain(run.status)}${run.lasted_ms === undefined ? '' : `, ${duration(run.lasted_ms)}`}, ${run.record.timestamp}`;
      return h('li', {}, h('a', { href: app.href(`errors/${run.record.id}`), title, 'aria-label': title }, bar, h('span', { class: 'run-sign', 'aria-hidden': 'true' }, SIGNS[run.status] ?? '·')));
    })),
    table([
      { title: 'time', cell: (run) => h('a', { href: app.href(`errors/${run.record.id}`) }, when(run.record.timestamp)) },
      { title: 'status', cell: (run) => status(run.status) },
      { title: 'duration', class: 'number', cell: (run) => (run.lasted_ms === undefined ? '' : duration(run.lasted_ms)) },
      { title: 'environment', cell: (run) => plain(run.record.environment ?? '') },
      { title: 'release', cell: (run) => plain(run.record.release ?? '') },
      { title: 'run', class: 'mono', cell: (run) => plain(run.digest.check_in_id ?? '', 8) },
    ], found.slice(0, 10), { caption: `Runs of ${plain(slug, 60)}` }),
    found.length > 10 ? h('p', { class: 'quiet' }, `and ${found.length - 10} earlier runs`) : null);
}

const status = (name) => badge(`${SIGNS[name] ?? '·'} ${plain(name || 'unknown', 24).replace('_', ' ')}`, `run-status ${KINDS[name] ?? ''}`);

export function checkInPane(detail) {
  const { monitor_slug: slug, status: name, duration: lasted_s, check_in_id: run, monitor_config: config } = detail.payload ?? {};
  const schedule = [config?.schedule?.type, config?.schedule?.value, config?.schedule?.unit].filter((part) => part !== undefined && part !== null).join(' ');
  const { schedule: _, ...rest } = config ?? {};
  return h('section', { class: 'kind-pane' },
    h('h3', {}, shown(slug ?? detail.title)), h('p', {}, status(name)),
    pairs(Object.entries({ run, duration: typeof lasted_s === 'number' ? duration(lasted_s * 1000) : '', schedule, ...rest }).filter(([, value]) => value !== '' && value !== undefined && value !== null)));
}
