// The list of records, newest on top, and the row of types above it.

import { ago, byId, h } from './dom.js';

const MAX_ROWS = 1000;
const TYPES = [
  ['', 'Everything'], ['error', 'Errors'], ['transaction', 'Transactions'], ['span', 'Spans'], ['log', 'Logs'], ['metric', 'Metrics'],
  ['feedback', 'Feedback'], ['check_in', 'Check-ins'], ['replay', 'Replays'], ['profile', 'Profiles'], ['attachment', 'Attachments'],
  ['release_health', 'Sessions'], ['client_report', 'Client reports'], ['security', 'Security'], ['other', 'Other'],
];

export const typeBadge = (type) => h('span', { class: `badge type ${type}` }, type === 'release_health' ? 'session' : type.replaceAll('_', ' '));

export function renderTypes(counts, chosen, hrefOf) {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const shown = TYPES.filter(([type]) => type === '' || counts[type] || type === chosen);
  byId('types').replaceChildren(h('ul', {}, shown.map(([type, label]) => h('li', {},
    h('a', { href: hrefOf(type), 'aria-current': type === chosen ? 'page' : null, 'data-type': type || 'all' },
      label, ' ', h('span', { class: 'count' }, String(type ? counts[type] ?? 0 : total)))))));
}

/** Replaces the list. */
export function showRecords(records, hrefOf, selected) {
  byId('records').replaceChildren(...records.map((record) => row(record, hrefOf, selected)));
}

/** Puts `records`, newest first, on top without moving what is being read. */
export function addRecords(records, hrefOf, selected) {
  const list = byId('records');
  const scroller = list.parentElement;
  const before = scroller.scrollHeight;
  const atTop = scroller.scrollTop < 10;
  const known = new Set([...list.children].slice(0, 500).map((item) => item.dataset.id));
  const fresh = records.filter((record) => !known.has(record.id)).map((record) => row(record, hrefOf, selected));
  fresh.forEach((item) => item.classList.add('new'));
  list.prepend(...fresh);
  while (list.children.length > MAX_ROWS) list.lastElementChild.remove();
  if (!atTop) scroller.scrollTop += scroller.scrollHeight - before;
  return { added: fresh.length, atTop };
}

export function select(id) {
  for (const link of byId('records').querySelectorAll('a')) {
    const chosen = link.parentElement.dataset.id === id;
    if (chosen) link.setAttribute('aria-current', 'true');
    else link.removeAttribute('aria-current');
  }
}

/** The record `step` rows below the chosen one. */
export function neighbour(id, step) {
  const rows = [...byId('records').children];
  const at = rows.findIndex((item) => item.dataset.id === id);
  return rows[Math.max(0, Math.min(rows.length - 1, at < 0 ? 0 : at + step))];
}

export function refreshTimes() {
  for (const time of byId('records').querySelectorAll('time')) time.textContent = ago(time.dateTime);
}

function row(record, hrefOf, selected) {
  const changes = record.scrub?.changes ?? 0;
  const place = [record.culprit, record.environment, record.release].filter(Boolean).join(' · ');
  return h('li', { 'data-id': record.id },
    h('a', { href: hrefOf(record.id), 'aria-current': record.id === selected ? 'true' : null },
      h('span', { class: 'first' },
        typeBadge(record.type),
        record.level && record.level !== record.type && h('span', { class: `badge level ${record.level}` }, record.level),
        h('span', { class: 'title' }, record.title)),
      h('span', { class: 'second' },
        h('time', { datetime: record.received_at, title: record.received_at }, ago(record.received_at)),
        h('span', { class: 'quiet' }, `project ${record.project}`),
        place && h('span', { class: 'quiet cut' }, place),
        changes ? h('span', { class: 'badge scrubbed', title: (record.scrub.rules ?? []).join(', ') }, `${changes} scrubbed`) : null)));
}
