// One profile or chunk of one: where the time went, as a table of functions and as a flame graph.

import { duration, h, plural, table } from './dom.js';
import { flame } from './flame.js';
import { callTree, functionTimes, readProfile } from './samples.js';
import { plain } from './shown.js';

const LISTED = 60;

/** `detail`: as `GET /events/{id}` answers. */
export function profilePane(detail) {
  const profile = readProfile(detail.payload);
  if (!profile?.threads.length) {
    return h('p', { class: 'quiet' }, 'This profile is of a format without samples that a browser can count (Android traces are binary): the raw item has its bytes.');
  }
  const body = h('div', {});
  const select = h('select', { 'aria-label': 'Thread', onchange: () => show(Number(select.value)) },
    profile.threads.map((thread, index) => h('option', { value: index }, `${plain(thread.name, 60)} (${plural(thread.samples.length, 'sample')})`)));
  const onlyApp = h('input', { type: 'checkbox', onchange: () => show(Number(select.value)) });

  function show(index) {
    const { samples } = profile.threads[index];
    const top = callTree(samples, profile.frames);
    const rows = functionTimes(samples, profile.frames).filter((row) => !onlyApp.checked || row.inApp);
    body.replaceChildren(
      h('h3', {}, `Flame graph of ${duration(top.total_ms)}`), flame(top),
      h('h3', {}, plural(rows.length, 'function')), functions(rows, top.total_ms));
  }

  show(0);
  return h('section', { class: 'kind-pane profile-pane' },
    h('p', { class: 'profile-tools' }, select, h('label', {}, onlyApp, ' only functions of the application')), body);
}

function functions(rows, whole_ms) {
  const time = (ms) => {
    const part = h('span', { class: 'length' });
    part.style.width = `${(ms / whole_ms) * 100}%`;
    return h('span', { class: 'lasts' }, h('span', { class: 'number' }, duration(ms)), h('span', { class: 'length-track' }, part));
  };
  return h('div', {},
    table([
      { title: 'self', class: 'time-cell', cell: (row) => time(row.self_ms) },
      { title: 'total', class: 'time-cell', cell: (row) => time(row.total_ms) },
      { title: 'function', class: 'mono', cell: (row) => h('span', { class: row.inApp ? '' : 'quiet' }, plain(row.name)) },
      { title: 'place', class: 'mono quiet', cell: (row) => plain(row.place) },
    ], rows.slice(0, LISTED), { caption: 'Functions by their own time' }),
    rows.length > LISTED ? h('p', { class: 'quiet' }, `and ${rows.length - LISTED} more`) : null);
}
