// A JSON document as a tree: built branch by branch as it is opened, in portions where a branch is wide, with search, and with what scrubbing
// changed marked in place. The depth and size of a document cost nothing until somebody looks.

import { h, present } from './dom.js';
import { isContainer, isPair, join, members, positioned, split } from './pointer.js';
import { brief, plain, shown, shownPieces } from './shown.js';

const OPEN_DEPTH = 1;
const OPEN_WIDTH = 12;
const PORTION = 100;
const MAX_SEARCHED = 200_000;
const MAX_FOUND = 500;

/** Remarks by place: `at(path)` those of a place, `below(path)` whether any are there or deeper. */
export function index(remarks = []) {
  const byPath = new Map();
  const touched = new Set();
  for (const remark of remarks) {
    byPath.set(remark.path, [...(byPath.get(remark.path) ?? []), remark]);
    for (let path = remark.path; path && !touched.has(path); path = path.slice(0, path.lastIndexOf('/'))) touched.add(path);
  }
  return { at: (path) => byPath.get(path) ?? [], below: (path) => touched.has(path) };
}

/**
 * `remarks`: as the API lists them (or an `index` of them), `path`: where `document` stands in the payload that they speak of, `search`: with
 * a field to search keys and values, `depth`: how far it is open at first. Gives the element and `reveal(path)`.
 */
export function tree(document, { remarks = [], path = '', search = false, depth = OPEN_DEPTH } = {}) {
  const notes = Array.isArray(remarks) ? index(remarks) : remarks;
  const root = h('ul', { class: 'tree' });
  const start = { notes, depth };
  if (isContainer(document)) portions(root, members(document).filter(([key]) => key !== '_meta' || path), path, 0, start);
  else root.append(leafItem('', document, path, start, null));
  const reveal = (target) => revealPath(root, path, path + positioned(document, target.slice(path.length)));
  return { element: search ? h('div', { class: 'searched' }, searchBar(document, path, reveal), root) : root, reveal };
}

/** Fills a list with its first members; the others follow on demand. `ensure(key)` goes as far as that member. */
function portions(list, entries, path, depth, context, parent = null) {
  let at = 0;
  let more = null;
  const next = (upTo) => {
    more?.remove();
    const end = Math.min(entries.length, upTo);
    for (; at < end; at += 1) list.append(node(entries[at][0], entries[at][1], join(path, entries[at][0]), depth, context, parent));
    if (at === entries.length) return;
    const label = `show ${Math.min(PORTION * 5, entries.length - at)} of ${(entries.length - at).toLocaleString('en')} more`;
    more = h('li', {}, h('button', { type: 'button', class: 'more', onclick: () => next(at + PORTION * 5) }, label));
    list.append(more);
  };
  next(PORTION);
  list.ensure = (key) => {
    const wanted = entries.findIndex(([name]) => String(name) === key);
    if (wanted >= at) next(wanted + 1);
  };
}

function node(key, value, path, depth, context, parent) {
  if (!isContainer(value)) return leafItem(key, value, path, context, parent);
  const entries = members(value);
  const remarks = context.notes.at(path);
  const size = Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`;
  const label = [keyLabel(key, value, parent), ' ', h('span', { class: 'quiet' }, size), ...badges(remarks)];
  if (!entries.length) return h('li', { 'data-path': path }, label);
  const isOpen = context.notes.below(path) ? depth < 8 : depth < context.depth && entries.length <= OPEN_WIDTH;
  const branch = h('details', { open: isOpen }, h('summary', {}, label));
  branch.fill = () => {
    if (branch.list) return;
    branch.list = h('ul');
    portions(branch.list, entries, path, depth + 1, context, value);
    branch.append(branch.list);
  };
  branch.addEventListener('toggle', () => { if (branch.open) branch.fill(); });
  if (isOpen) branch.fill();
  return h('li', { 'data-path': path }, branch);
}

function leafItem(key, value, path, context, parent) {
  const label = key === '' && !parent ? null : [keyLabel(key, value, parent), ': '];
  return h('li', { 'data-path': path }, label, leaf(value, context.notes.at(path)));
}

/** A key; for a pair of a list its name beside the position. */
function keyLabel(key, value, parent) {
  const name = h('span', { class: 'key' }, typeof key === 'number' ? String(key) : brief(key, 200));
  return Array.isArray(parent) && isPair(value) ? [name, ' ', h('span', { class: 'pair' }, brief(value[0], 80))] : name;
}

/** A value that is no container, as its type looks. */
export function leaf(value, remarks = [], options = {}) {
  if ((value === null || value === undefined) && remarks.length) return h('span', {}, ...badges(remarks));
  if (typeof value !== 'string') return h('span', { class: `value ${value === null || value === undefined ? 'null' : typeof value}` }, String(value), ...badges(remarks));
  return h('span', { class: 'value string' }, marked(value, remarks, options));
}

/** A text, its redacted ranges marked. Ranges of remarks count bytes of UTF-8. */
export function marked(value, remarks = [], options = {}) {
  const ranged = remarks.filter((remark) => remark.range).sort((a, b) => a.range[0] - b.range[0]);
  if (!ranged.length) return present([shown(value, options), ...badges(remarks)]);
  const raw = new TextEncoder().encode(value);
  const slice = (from, to) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(raw.subarray(from, to));
  const pieces = [];
  let at = 0;
  for (const remark of ranged) {
    const [from, to] = remark.range;
    if (from < at || to > raw.length) continue;
    const wrap = () => h('mark', { class: `redaction ${remark.action}`, title: explain(remark) }, from === to ? '▯' : null);
    pieces.push({ text: slice(at, from) }, { text: slice(from, to), wrap });
    at = to;
  }
  pieces.push({ text: slice(at, raw.length) });
  return [shownPieces(pieces, options), ...badges(remarks.filter((remark) => !remark.range))];
}

const badges = (remarks) =>
  remarks.map((remark) => h('mark', { class: `redaction badge ${remark.action}`, title: explain(remark) }, `${remark.action} by ${plain(remark.rule, 60)}`));

export const explain = (remark) =>
  `${remark.action} by ${plain(remark.rule)}${remark.len_before === undefined ? '' : `; it had ${remark.len_before} characters`}`;

function revealPath(root, base, path) {
  let list = root;
  let found = null;
  let prefix = base;
  for (const part of split(path.slice(base.length))) {
    list.ensure?.(part);
    prefix = join(prefix, part);
    const item = [...list.children].find((child) => child.dataset.path === prefix);
    if (!item) break;
    found = item;
    const branch = item.querySelector(':scope > details');
    if (!branch) break;
    branch.fill();
    branch.open = true;
    list = branch.list;
  }
  if (found) flash(found);
  return found;
}

export function flash(element) {
  element.scrollIntoView({ block: 'center' });
  element.classList.remove('flash');
  void element.offsetWidth; // starts the animation anew
  element.classList.add('flash');
}

// Search

function searchBar(document, path, reveal) {
  let places = [];
  let at = -1;
  const told = h('output', { class: 'quiet' });
  const step = (by) => {
    if (!places.length) return;
    at = (at + by + places.length) % places.length;
    told.textContent = `${at + 1} of ${places.length}${places.length === MAX_FOUND ? '+' : ''}`;
    reveal(places[at]);
  };
  const field = h('input', { type: 'search', placeholder: 'Search keys and values', 'aria-label': 'Search keys and values', autocomplete: 'off' });
  let timer = 0;
  field.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      places = field.value ? search(document, field.value, path) : [];
      at = -1;
      told.textContent = field.value && !places.length ? 'nothing found' : '';
      step(1);
    }, 150);
  });
  field.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') step(event.shiftKey ? -1 : 1);
  });
  const button = (label, by, title) => h('button', { type: 'button', class: 'small', title, 'aria-label': title, onclick: () => step(by) }, label);
  return h('div', { class: 'treesearch' }, field, button('↑', -1, 'Previous hit'), button('↓', 1, 'Next hit'), told);
}

/** Places whose key or value has the text, without case, in the order of the document; looks at a bounded number of nodes. */
export function search(document, text, base = '') {
  const wanted = text.toLowerCase();
  const found = [];
  const todo = [[base, '', document]];
  for (let looked = 0; todo.length && looked < MAX_SEARCHED && found.length < MAX_FOUND; looked += 1) {
    const [path, key, value] = todo.pop();
    const isHit = String(key).toLowerCase().includes(wanted) || (!isContainer(value) && String(value).toLowerCase().includes(wanted));
    if (isHit && path !== base) found.push(path);
    if (isContainer(value)) for (const [name, child] of members(value).reverse()) if (name !== '_meta' || path) todo.push([join(path, name), name, child]);
  }
  return found;
}
