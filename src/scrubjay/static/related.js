// What belongs to the same event or the same trace: transactions, spans, logs, feedback, replays, profiles, attachments.

import { h, plural, when } from './dom.js';
import { levelBadge } from './levels.js';
import { brief, plain } from './shown.js';

const ORDER = ['error', 'transaction', 'span', 'log', 'feedback', 'replay', 'profile', 'attachment'];
const LIMIT = 200;

export function relatedTab({ record, app }) {
  const root = h('div', { class: 'related' }, h('p', { class: 'quiet' }, 'Looking…'));
  find(record, app).then(
    (found) => root.replaceChildren(...relatedParts(found, record, app)),
    (error) => root.replaceChildren(h('p', { class: 'problem' }, error.message)),
  );
  return root;
}

/** Records of the same event, then those of the same trace, each once. */
async function find(record, app) {
  const ask = (name) => (record[name] ? app.api.events({ [name]: record[name], limit: LIMIT }) : { events: [] });
  const [sameEvent, sameTrace] = await Promise.all([ask('event_id'), ask('trace_id')]);
  const seen = new Set([record.id]);
  const take = (list, by) => list.filter((one) => !seen.has(one.id) && seen.add(one.id)).map((one) => ({ ...one, by }));
  return [...take(sameEvent.events, 'the same event'), ...take(sameTrace.events, 'the same trace')];
}

function relatedParts(found, record, app) {
  const types = [...new Set(found.map((one) => one.type))].sort((a, b) => rank(a) - rank(b));
  const trace = record.trace_id ? h('p', {}, h('a', { class: 'button small', href: app.href(`traces/${encodeURIComponent(record.trace_id)}`) }, 'Open the trace')) : null;
  if (!found.length) return [trace, h('p', { class: 'quiet' }, 'Nothing else belongs to this event or its trace.')].filter(Boolean);
  return [trace, ...types.map((type) => group(type, found.filter((one) => one.type === type), app))].filter(Boolean);
}

const rank = (type) => (ORDER.indexOf(type) + 1 || ORDER.length + 1);

function group(type, records, app) {
  const name = type.replaceAll('_', ' ');
  return h('section', {}, h('h3', {}, plain(name.charAt(0).toUpperCase() + name.slice(1), 40), h('span', { class: 'quiet' }, ` ${plural(records.length, 'record')}`)),
    h('ul', { class: 'links' }, records.map((one) => h('li', {},
      when(one.timestamp ?? one.received_at), ' ',
      one.level ? [levelBadge(one.level), ' '] : null,
      h('a', { href: app.href(`errors/${encodeURIComponent(one.id)}`) }, brief(one.title || '(untitled)', 200)), ' ',
      h('span', { class: 'quiet' }, one.by)))));
}
