// A JSON document as a tree that opens on demand, with what scrubbing changed marked in place.

import { h } from './dom.js';

const OPEN_DEPTH = 1;
const LONG_TEXT = 2000;

/** `remarks`: as the API lists them; ranges count bytes of UTF-8. Returns the element and a function that shows a path. */
export function tree(document, remarks) {
  const byPath = new Map();
  const touched = new Set();
  for (const remark of remarks) {
    byPath.set(remark.path, [...(byPath.get(remark.path) ?? []), remark]);
    for (let path = remark.path; path; path = path.slice(0, path.lastIndexOf('/'))) touched.add(path);
  }
  const root = h('ul', { class: 'tree' });
  const shown = typeof document === 'object' && document !== null ? members(document) : [['', document]];
  for (const [key, value] of shown) if (key !== '_meta') root.append(node(key, value, pointer('', key), 0, byPath, touched));
  return { element: root, reveal: (path) => reveal(root, path) };
}

const pointer = (path, key) => `${path}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`;
const members = (value) => (Array.isArray(value) ? value.map((child, index) => [index, child]) : Object.entries(value));

function node(key, value, path, depth, byPath, touched) {
  const label = h('span', { class: 'key' }, String(key));
  const remarks = byPath.get(path) ?? [];
  if (typeof value !== 'object' || value === null) {
    return h('li', { 'data-path': path }, label, ': ', leaf(value, remarks));
  }
  const children = members(value);
  const size = Array.isArray(value) ? `[${children.length}]` : `{${children.length}}`;
  if (!children.length) return h('li', { 'data-path': path }, label, ': ', h('span', { class: 'quiet' }, size), ...badges(remarks));
  const open = touched.has(path) || (depth < OPEN_DEPTH && children.length <= 12);
  const summary = h('summary', {}, label, ' ', h('span', { class: 'quiet' }, size), ...badges(remarks));
  const details = h('details', { open }, summary);
  const fill = () => {
    if (details.querySelector('ul')) return;
    details.append(h('ul', {}, children.map(([name, child]) => node(name, child, pointer(path, name), depth + 1, byPath, touched))));
  };
  details.addEventListener('toggle', () => { if (details.open) fill(); });
  details.fill = fill;
  if (open) fill();
  return h('li', { 'data-path': path }, details);
}

function leaf(value, remarks) {
  if (value === null && remarks.length) return h('span', {}, ...badges(remarks));
  if (typeof value !== 'string') return h('span', { class: `value ${value === null ? 'null' : typeof value}` }, String(value));
  return h('span', { class: 'value string' }, ...text(value, remarks));
}

/** The text, its redacted ranges marked. */
export function text(value, remarks) {
  const ranged = remarks.filter((remark) => remark.range).sort((a, b) => a.range[0] - b.range[0]);
  const rest = remarks.filter((remark) => !remark.range);
  const raw = new TextEncoder().encode(value);
  const slice = (from, to) => new TextDecoder().decode(raw.subarray(from, to));
  const parts = [];
  let at = 0;
  for (const remark of ranged) {
    const [from, to] = remark.range;
    if (from < at || to > raw.length) continue;
    parts.push(slice(at, from), h('mark', { class: `redaction ${remark.action}`, title: explain(remark) }, slice(from, to) || '▯'));
    at = to;
  }
  parts.push(slice(at, raw.length));
  const long = value.length > LONG_TEXT ? h('span', { class: 'long' }, ...parts.filter((part) => part !== '')) : null;
  return [...(long ? [long] : parts), ...badges(rest)];
}

const badges = (remarks) =>
  remarks.map((remark) => h('mark', { class: `redaction badge ${remark.action}`, title: explain(remark) }, `${remark.action} by ${remark.rule}`));

export const explain = (remark) =>
  `${remark.action} by ${remark.rule}${remark.len_before === undefined ? '' : `; it was ${remark.len_before} long`}`;

function reveal(root, path) {
  let found = null;
  let prefix = '';
  for (const part of path.split('/').slice(1)) {
    prefix += `/${part}`;
    const item = root.querySelector(`[data-path="${CSS.escape(prefix)}"]`);
    if (!item) break;
    found = item;
    const details = item.querySelector(':scope > details');
    if (details) {
      details.fill();
      details.open = true;
    }
  }
  if (!found) return;
  found.scrollIntoView({ block: 'center' });
  found.classList.remove('flash');
  void found.offsetWidth; // starts the animation anew
  found.classList.add('flash');
}
