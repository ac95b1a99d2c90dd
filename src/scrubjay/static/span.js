// One span of a trace: what it is, what it worked on, and what happened during it.

import { badge, copyButton, duration, exact, h, plural, table } from './dom.js';
import { ansi } from './ansi.js';
import { familyOf, hasFailed } from './families.js';
import { levelBadge } from './levels.js';
import { plain, shown } from './shown.js';

const STATEMENTS = ['db.query.text', 'db.statement', 'db.query', 'sentry.normalized_db_query'];
const MAX_LISTED = 100;

/** Where a trace is shown, with the span if one is named. Ids are what events say: any text. */
export const traceAddress = ({ trace_id: trace, span_id: span = '' }) => ['traces', trace, span].filter(Boolean).map(encodeURIComponent).join('/');

/** `trace`: where errors and logs of the span are found. */
export function spanPane(app, trace, span) {
  if (span.missing_parent) return missing(span);
  const attributes = Object.entries(span.attributes ?? {});
  const statement = STATEMENTS.map((name) => span.attributes?.[name]).find(Boolean) ?? (familyOf(span.op) === 'db' ? span.description || span.name : '');
  const errors = trace.errors.filter((error) => error.span_id && error.span_id === span.span_id);
  const logs = trace.logs.filter((log) => log.span_id && log.span_id === span.span_id);
  return h('article', { class: 'span-pane' },
    h('header', {},
      h('p', { class: 'badges' },
        span.op ? h('span', { class: `op fam-${familyOf(span.op)}` }, plain(span.op)) : null,
        span.is_transaction ? badge('transaction', 'transaction') : null,
        span.status ? badge(plain(span.status, 40), hasFailed(span.status) ? 'error' : 'accepted') : null),
      h('h3', {}, shown(span.name, { limit: 300 }))),
    facts(span),
    statement ? part('Statement', h('pre', { class: 'statement', tabindex: '0' }, shown(statement, { limit: 5000 })), copyButton('Copy', () => statement)) : null,
    span.description && span.description !== statement && span.description !== span.name
      ? part('Description', h('p', {}, shown(span.description))) : null,
    errors.length ? part(plural(errors.length, 'error'), records(app, errors)) : null,
    logs.length ? part(plural(logs.length, 'log line'), records(app, logs)) : null,
    attributes.length ? part('Attributes', pairs(attributes, 'Attributes')) : null,
    Object.keys(span.tags ?? {}).length ? part('Tags', pairs(Object.entries(span.tags), 'Tags')) : null,
    span.links?.length ? part('Links', links(app, span.links)) : null,
    h('p', {}, h('a', { href: app.href(`errors/${span.record_id}`) }, span.is_transaction ? 'Open the whole record' : 'Open the record it came in')));
}

function missing(span) {
  return h('article', { class: 'span-pane' },
    h('h3', {}, 'Missing parent'),
    h('p', { class: 'quiet' }, `${plural(span.children, 'span')} say that ${span.children === 1 ? 'its' : 'their'} parent is `, h('code', {}, plain(span.span_id)),
      ', and no such span was captured. It may belong to a service that sends elsewhere, may not have ended yet, may have been sampled away, or was evicted.'));
}

function facts(span) {
  const rows = [
    ['started', exact(span.start)], ['after the start', duration(span.offset_ms)], ['duration', duration(span.duration_ms)],
    ['self time', span.self_ms === undefined ? '' : `${duration(span.self_ms)} (${share(span)})`],
    ['clocks', span.skew_ms ? `starts ${duration(span.skew_ms)} before its parent: the clocks of the two services differ` : ''],
    ['service', span.service], ['project', span.project], ['span', span.span_id], ['parent', span.parent_span_id],
  ].filter(([, value]) => value);
  return h('dl', { class: 'facts' }, rows.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, plain(value, 400)))));
}

const share = (span) => (span.duration_ms ? `${Math.round((span.self_ms / span.duration_ms) * 100)} %` : '100 %');

const part = (title, ...content) => h('section', {}, h('h4', {}, title), ...content);

export const pairs = (entries, caption = 'Names and values') => table([
  { title: 'name', class: 'name', cell: ([name]) => shown(name, { limit: 200 }) },
  { title: 'value', class: 'mono', cell: ([, value]) => shown(typeof value === 'object' ? JSON.stringify(value) : value) },
], entries, { caption });

/** Records as a list of links, the first hundred. */
export function records(app, list) {
  const row = (record) => h('li', {},
    h('a', { href: app.href(`errors/${record.id}`) }, record.level ? levelBadge(record.level) : null, ' ', ansi(record.title, { limit: 300 })));
  return h('div', {},
    h('ul', { class: 'records-list' }, list.slice(0, MAX_LISTED).map(row)),
    list.length > MAX_LISTED ? h('p', { class: 'quiet' }, `and ${list.length - MAX_LISTED} more`) : null);
}

function links(app, list) {
  return h('ul', { class: 'records-list' }, list.map((one) => h('li', {},
    h('a', { href: app.href(traceAddress(one)) }, `trace ${plain(one.trace_id, 8)} span ${plain(one.span_id, 16)}`),
    Object.keys(one.attributes ?? {}).length ? pairs(Object.entries(one.attributes)) : null)));
}
