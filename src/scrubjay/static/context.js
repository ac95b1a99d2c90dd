// The context of an event: request, user, device, runtime and whatever else came with it, as cards.

import { details, h } from './dom.js';
import { isContainer, isPair, join } from './pointer.js';
import { leaf, tree } from './tree.js';
import { address, brief, plain } from './shown.js';

const FIRST = ['device', 'os', 'runtime', 'browser', 'app', 'client_os', 'gpu', 'culture', 'response', 'trace', 'profile', 'state'];
const MAX_ROWS = 60;
const SHORT = 500; // of a value in a card

export function contextTab({ record, notes, app }) {
  const payload = record.payload ?? {};
  const contexts = isContainer(payload.contexts) ? payload.contexts : {};
  const flags = contexts.flags?.values;
  const names = Object.keys(contexts).filter((name) => name !== 'flags' || !Array.isArray(flags));
  const ordered = [...FIRST.filter((name) => names.includes(name)), ...names.filter((name) => !FIRST.includes(name))];
  const cards = [
    request(payload.request, notes),
    card('User', payload.user, '/user', notes),
    card('Tags', payload.tags, '/tags', notes),
    ...ordered.map((name) => card(titleOf(name), contexts[name], join('/contexts', name), notes, name === 'trace' ? traceLink(contexts.trace, app) : null)),
    Array.isArray(flags) ? featureFlags(flags) : null,
    card('Extra', payload.extra, '/extra', notes),
    card('Message', payload.logentry, '/logentry', notes),
    card('SDK', payload.sdk, '/sdk', notes),
    modules(payload.modules),
    card('Debug images', payload.debug_meta, '/debug_meta', notes),
  ].filter(Boolean);
  return cards.length ? h('div', { class: 'cards' }, cards) : h('p', { class: 'quiet' }, 'No context came with it.');
}

const NAMES = { __proto__: null, os: 'OS', client_os: 'Client OS', gpu: 'GPU' };
const titleOf = (name) => NAMES[name] ?? plain(name.charAt(0).toUpperCase() + name.slice(1).replaceAll('_', ' '), 60);

function traceLink(trace, app) {
  return typeof trace?.trace_id === 'string' ? h('a', { href: app.href(`traces/${encodeURIComponent(trace.trace_id)}`) }, 'open the trace') : null;
}

function box(title, note, ...content) {
  return h('section', { class: 'card' }, h('h3', {}, title, note ? h('span', { class: 'note' }, note) : null), content);
}

/** Values side by side with their names; what is nested opens as a tree. */
function card(title, value, path, notes, note = null) {
  if (value === null || value === undefined) return notes.at(path).length ? box(title, note, leaf(value, notes.at(path))) : null;
  if (!isContainer(value)) return box(title, note, leaf(value, notes.at(path)));
  const entries = rowsOf(value, path).filter(([name]) => name !== 'type' || title.toLowerCase() !== String(value.type ?? '').toLowerCase());
  if (!entries.length) return null;
  const rest = entries.slice(MAX_ROWS);
  const others = () => tree(Object.fromEntries(rest.map(([name, child]) => [name, child])), { remarks: notes, path, search: true }).element;
  return box(title, note, grid(entries.slice(0, MAX_ROWS), notes),
    rest.length ? details(`${rest.length.toLocaleString('en')} more`, (body) => body.append(others())) : null);
}

/** Rows `[name, value, path]`; lists of pairs, as headers and tags are sent, have their names. */
function rowsOf(value, path) {
  if (!Array.isArray(value)) return Object.entries(value).map(([name, child]) => [name, child, join(path, name)]);
  return value.map((child, at) => (isPair(child) ? [child[0], child[1], `${path}/${at}/1`] : [String(at), child, `${path}/${at}`]));
}

function grid(entries, notes) {
  return h('dl', { class: 'grid' }, entries.map(([name, value, path]) => h('div', {},
    h('dt', {}, brief(name, 120)),
    h('dd', {}, isContainer(value) && Object.keys(value).length ? tree(value, { remarks: notes, path, depth: 0 }).element : leaf(value, notes.at(path), { limit: SHORT })))));
}

function request(value, notes) {
  if (!isContainer(value) || !Object.keys(value).length) return null;
  const part = (title, name) => {
    const child = value[name];
    const path = join('/request', name);
    if (child === undefined || (child === null && !notes.at(path).length)) return null;
    const isWide = isContainer(child);
    const entries = isWide ? rowsOf(child, path) : [];
    if (isWide && !entries.length) return null;
    const wide = () => (name === 'data' ? tree(child, { remarks: notes, path }).element : grid(entries.slice(0, 200), notes));
    return h('div', { class: 'part' }, h('h4', {}, title), isWide ? wide() : leaf(child, notes.at(path)));
  };
  const known = new Set(['method', 'url', 'query_string', 'headers', 'cookies', 'data', 'env']);
  const others = Object.entries(value).filter(([name, child]) => !known.has(name) && child !== null);
  const where = typeof value.url === 'string' && !notes.at('/request/url').length ? address(value.url) : leaf(value.url ?? '', notes.at('/request/url'));
  return h('section', { class: 'card wide' }, h('h3', {}, 'Request'),
    h('p', { class: 'address' }, h('code', {}, brief(value.method ?? 'GET', 20)), ' ', where),
    part('Query', 'query_string') ?? queryOf(value.url), part('Headers', 'headers'), part('Cookies', 'cookies'), part('Body', 'data'), part('Environment', 'env'),
    others.length ? grid(others.map(([name, child]) => [name, child, join('/request', name)]), notes) : null);
}

/** The query of an address that has it inside. */
function queryOf(url) {
  const query = typeof url === 'string' ? url.split('#')[0].split('?')[1] : '';
  if (!query) return null;
  const rows = [...new URLSearchParams(query.slice(0, 20_000))].slice(0, 100);
  return h('div', { class: 'part' }, h('h4', {}, 'Query'), h('dl', { class: 'grid' }, rows.map(([name, value]) => h('div', {}, h('dt', {}, brief(name, 120)), h('dd', {}, leaf(value))))));
}

function featureFlags(flags) {
  const rows = flags.filter((flag) => flag && typeof flag === 'object').slice(0, 200);
  return rows.length ? box('Feature flags', null, h('dl', { class: 'grid' }, rows.map(({ flag, result }) => h('div', {}, h('dt', {}, brief(flag ?? '?', 120)), h('dd', {}, leaf(result)))))) : null;
}

function modules(value) {
  if (!isContainer(value) || !Object.keys(value).length) return null;
  const size = Object.keys(value).length;
  return box('Modules', String(size), details('Show all', (body) => body.append(tree(value, { search: size > 20, depth: 2 }).element)));
}
