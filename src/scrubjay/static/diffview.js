// The before and after of one payload, side by side or in one pane: changed branches open, the rest folded with a count, each change labelled with
// its rule, what was removed still there as a ghost. It shows a model of `diff.js`; which changes, and whether originals may be seen, others decide.

import { h, plural } from './dom.js';
import { compose, offsets, trie } from './diff.js';
import { isContainer, isPair, join, members, pairNamed, split } from './pointer.js';
import { brief, count, moreButton, plain, shown, shownPieces } from './shown.js';
import { flash, leaf, tree } from './tree.js';

const CONTEXT = 60; // characters of unchanged text shown beside a change
const PORTION = 100;
const MAX_OPEN = 400; // rows that are open at first; further branches open on demand
const MAX_DEPTH = 14; // levels that are indented
const MAX_TEXT = 4000;

/**
 * `view`: `{ document, changes, suspects, notes, split, masked, onRule(rule), onSuspect(suspect) }`. Gives the element, `reveal(path)` and
 * `rows(rule)`, the rows that a rule changed.
 */
export function diffView(view) {
  const root = branch(trie(view.changes), trie(view.suspects ?? []));
  const list = h('ul', { class: view.split ? 'diff split' : 'diff' });
  fillList(list, view.document, root, '', 0, { ...view, opened: { rows: 0 } });
  return {
    element: list,
    reveal: (path) => reveal(list, path),
    rows: (rule) => [...list.querySelectorAll('[data-rules]')].filter((row) => row.dataset.rules.split('\n').includes(rule)),
  };
}

/** Changes and suspects of one place, in one node. */
function branch(changed, suspected) {
  const keys = new Set([...(changed?.children.keys() ?? []), ...(suspected?.children.keys() ?? [])]);
  return {
    changes: changed?.changes ?? [],
    suspects: suspected?.changes ?? [],
    total: changed?.total ?? 0,
    keys,
    child: (key) => branch(changed?.children.get(key), suspected?.children.get(key)),
  };
}

// Lists and rows

/** Members with changes first, in their order; those without are one folded row, with what `groups` brings along. */
function fillList(list, value, node, path, depth, view, groups = []) {
  const present = isContainer(value) ? members(value).filter(([key]) => key !== '_meta' || path) : [];
  const names = new Set(present.map(([key]) => String(key)));
  const pairs = new Set();
  const others = [...node.keys].filter((key) => !names.has(key)).map((key) => {
    const pair = pairNamed(value, key); // a report calls a pair of a list by its name
    if (pair) pairs.add(pair);
    return [key, pair?.[1]];
  });
  const rows = [...present.filter(([key]) => node.keys.has(String(key))), ...others];
  const same = present.filter(([key, child]) => !node.keys.has(String(key)) && !pairs.has(child));
  const folds = [...groups, ...(same.length ? [{ entries: same, path }] : [])];
  let at = 0;
  const next = (upTo) => {
    for (; at < Math.min(rows.length, upTo); at += 1) list.append(row(rows[at], value, node, path, depth, view));
    if (at < rows.length) {
      const go = (end) => { more.remove(); next(end); };
      const more = h('li', { class: 'plain' }, moreButton(`show more of ${plural(rows.length - at, 'place')}`, () => go(at + PORTION * 3)));
      list.append(more);
      list.rest = () => go(rows.length);
    } else {
      list.rest = null;
      if (folds.length) list.append(sameRow(folds, depth, view));
    }
  };
  next(PORTION);
}

function row([key, child], parent, node, path, depth, view) {
  view.opened.rows += 1;
  const place = join(path, key);
  const inner = node.child(String(key));
  const label = labelOf(key, child, parent);
  const { value, node: at, path: where } = isNamed(child, parent, inner) ? { value: child[1], node: inner.child('1'), path: join(place, 1) } : { value: child, node: inner, path: place };
  if (!at.keys.size) return h('li', rowAttributes(where, at), pair(depth, sides(label, value, at, effective(at), where, view)));
  return branchRow({ label, value, node: at, path: where, groups: [] }, depth, view);
}

/** A pair of a list whose second half alone changed: a row of its own by its name. */
const isNamed = (child, parent, node) => Array.isArray(parent) && isPair(child) && !node.changes.length && !node.suspects.length && node.keys.size === 1 && node.keys.has('1');

/** What took effect: rules on trial change nothing. */
const effective = (node) => node.changes.filter((change) => !change.dry_run);

/** A container in which something changed; levels with one changed member alone are one row, what is beside them is folded together. */
function branchRow(start, depth, view) {
  const { label, value, node, path, groups } = chain(start);
  const open = view.opened.rows < MAX_OPEN;
  const own = effective(node);
  const kind = h('span', { class: 'quiet' }, ' ', Array.isArray(value) ? '[…]' : isContainer(value) ? '{…}' : value === undefined ? '' : 'inside this text');
  const told = node.total ? h('span', { class: 'quiet tally' }, ' ', plural(node.total, 'change')) : null;
  const copies = () => [label.cloneNode(true), kind.cloneNode(true)];
  const head = own.length || node.suspects.length ? sides(label, value, node, own, path, view) : view.split ? { before: copies(), after: [copies(), told] } : { inline: [copies(), told] };
  const details = h('details', { open }, indented(h('summary', {}, pair(depth, head)), depth));
  details.fill = () => {
    if (details.list) return;
    details.list = h('ul');
    fillList(details.list, value, node, path, depth + 1, view, groups);
    details.append(details.list);
  };
  details.addEventListener('toggle', () => { if (details.open) details.fill(); });
  if (open) details.fill();
  return h('li', { ...rowAttributes(path, node), class: 'branch' }, details);
}

function chain({ label, value, node, path, groups }) {
  const labels = [label];
  let at = { value, node, path };
  while (at.node.keys.size === 1 && !at.node.changes.length && !at.node.suspects.length && isContainer(at.value)) {
    const [key] = at.node.keys;
    const child = Object.hasOwn(at.value, key) ? at.value[key] : undefined; // a pair's name leads nowhere here
    const inner = at.node.child(key);
    if (!isContainer(child) || (Array.isArray(at.value) && isPair(child)) || !inner.keys.size || inner.changes.length || inner.suspects.length) break;
    const others = members(at.value).filter(([name]) => String(name) !== key);
    if (others.length) groups.push({ entries: others, path: at.path });
    labels.push(h('span', { class: 'joint' }, ' › '), labelOf(key, child, at.value));
    at = { value: child, node: inner, path: join(at.path, key) };
  }
  return { ...at, groups, label: h('span', {}, labels) };
}

const rowAttributes = (path, node) => ({
  'data-path': path,
  'data-rules': node.changes.length ? node.changes.map((change) => change.rule).join('\n') : null,
  class: node.changes.length ? 'changed' : node.suspects.length ? 'suspected' : null,
});

const side = (name, content) => h('div', { class: `side ${name}` }, h('span', { class: 'hidden' }, `${name}: `), content);

function pair(depth, { before, after, inline }) {
  const element = before
    ? h('div', { class: 'pair' }, side('before', before), side('after', after))
    : h('div', { class: 'pair' }, h('div', { class: 'side' }, inline));
  return indented(element, depth);
}

function indented(element, depth) {
  element.style.setProperty('--depth', String(Math.min(depth, MAX_DEPTH)));
  return element;
}

/** Members without a change, of one place or of several: `groups` are `{ entries, path }`. */
function sameRow(groups, depth, view) {
  const all = groups.flatMap((group) => group.entries);
  const names = all.slice(0, 4).map(([key, child]) => plain(isPair(child) && /^\d+$/.test(key) ? child[0] : key, 24)).join(', ');
  const body = h('div', { class: 'same', hidden: true });
  const button = h('button', { type: 'button', class: 'more', 'aria-expanded': 'false' }, `${count(all.length)} unchanged`, h('span', { class: 'names' }, all.length > 4 ? `${names}, …` : names));
  const element = h('li', { class: 'plain' }, pair(depth, { inline: [button, body] }));
  const trees = new Map();
  element.holds = (path) => groups.some((group) => group.entries.some(([key]) => within(path, join(group.path, key))));
  element.unfold = (path) => {
    for (const group of trees.size ? [] : groups) {
      trees.set(group, tree(Object.fromEntries(group.entries), { remarks: view.notes, path: group.path, depth: 0 }));
      body.append(...[groups.length > 1 ? h('p', { class: 'at' }, brief(split(group.path).join(' › '), 200)) : null, trees.get(group).element].filter(Boolean));
    }
    body.hidden = false;
    button.setAttribute('aria-expanded', 'true');
    const group = path && groups.find(({ entries, path: base }) => entries.some(([key]) => within(path, join(base, key))));
    return group ? trees.get(group).reveal(path) : null;
  };
  button.addEventListener('click', () => {
    if (body.hidden) element.unfold();
    else {
      body.hidden = true;
      button.setAttribute('aria-expanded', 'false');
    }
  });
  return element;
}

const within = (path, base) => path === base || path.startsWith(`${base}/`);

/** A key; pairs of a list go by their names. */
function labelOf(key, child, parent) {
  const name = Array.isArray(parent) && isPair(child) ? child[0] : key;
  return h('span', { class: 'key' }, brief(name, 120, 'span'));
}

// One changed place

/** What stands on both sides, or in the one pane. */
function sides(label, value, node, own, path, view) {
  const tags = [...alike(node.changes).map(([change, times]) => ruleLabel(change, view, times)), ...node.suspects.map((suspect) => suspectLabel(suspect, view))];
  const isKey = own.some((change) => change.kind === 'key');
  if (!own.length) return unchangedSides(label, value, node, tags, view);
  if (isKey) return keySides(own, tags, view);
  const last = own.at(-1);
  const isGone = last.after === null || last.action === 'removed' && (value === null || value === undefined);
  const steps = own.length > 1 && own[0].before !== undefined ? [stepList(own, view)] : [];
  const texts = textSides(own, value, isGone, path, view);
  const ghost = isGone ? h('s', { class: 'ghost' }, label.cloneNode(true)) : null;
  const colon = h('span', { class: 'colon' }, ': ');
  const after = [ghost ?? label.cloneNode(true), isGone ? ' ' : [colon.cloneNode(true), texts.after], ' ', tags, steps];
  if (view.split) return { before: [label, colon, texts.before], after };
  return { inline: [ghost ?? label, colon, texts.inline, ' ', tags, steps] };
}

function unchangedSides(label, value, node, tags, view) {
  const ranges = node.suspects.filter((suspect) => suspect.kind !== 'key').flatMap((suspect) => suspect.ranges ?? []);
  const show = () => {
    if (isContainer(value)) return h('span', { class: 'quiet' }, Array.isArray(value) ? '[…]' : '{…}');
    return typeof value === 'string' && ranges.length ? suspectText(value, ranges) : leaf(value);
  };
  if (view.split) return { before: [label, ': ', show()], after: [label.cloneNode(true), ': ', show(), ' ', tags] };
  return { inline: [label, ': ', show(), ' ', tags] };
}

function suspectText(value, ranges) {
  const pieces = [];
  let at = 0;
  for (const [start, end] of offsets(value, ranges).sort((a, b) => a[0] - b[0])) {
    if (start < at) continue;
    pieces.push({ text: value.slice(at, start) }, { text: value.slice(start, end), wrap: () => h('mark', { class: 'suspect', title: 'still looks personal' }) });
    at = end;
  }
  pieces.push({ text: value.slice(at) });
  return h('span', { class: 'value string' }, shownPieces(pieces, { fold: CONTEXT, limit: MAX_TEXT }));
}

function keySides(own, tags, view) {
  const { before, after } = own.at(-1);
  const old = h('del', {}, before === undefined || view.masked ? 'a key' : brief(before, 200));
  const fresh = after === null || after === undefined ? h('s', { class: 'ghost' }, 'key') : h('ins', {}, brief(after, 200));
  if (view.split) return { before: [h('span', { class: 'key' }, old)], after: [h('span', { class: 'key' }, fresh), ' ', tags] };
  return { inline: [h('span', { class: 'key' }, old, ' ', fresh), ' ', tags] };
}

/** The values: with originals piece by piece, else what is known of them. */
function textSides(own, value, isGone, path, view) {
  const first = own[0];
  if (typeof first.before !== 'string') {
    const was = shapeOf(first, view);
    const now = isGone ? null : isContainer(value) ? h('span', { class: 'quiet' }, '…') : leaf(value, view.notes.at(path).filter((remark) => remark.range));
    return { before: was, after: now, inline: [was, isGone ? null : [' → ', now]] };
  }
  if (isGone && isJson(first)) {
    const was = view.masked ? mask(first.before) : jsonBefore(first.before);
    return { before: was, after: null, inline: was };
  }
  const texts = own.filter((change) => change.kind === 'string' || change.kind === undefined || change.kind === 'number');
  const pieces = compose(texts.length ? texts : own);
  const del = (piece) => h('del', { title: rulesOf(piece, own) });
  const ins = (piece) => h('ins', { title: rulesOf(piece, own) });
  const secret = (piece) => (view.masked ? maskText(piece.before) : piece.before);
  const before = pieces.filter((piece) => piece.before).map((piece) => (piece.steps.length ? { ...piece, text: secret(piece), wrap: del } : { text: piece.before }));
  const after = pieces.filter((piece) => piece.after).map((piece) => (piece.steps.length ? { ...piece, text: piece.after, wrap: ins } : { text: piece.after }));
  const both = pieces.flatMap((piece) => (piece.steps.length
    ? [{ ...piece, text: secret(piece), wrap: del }, { ...piece, text: piece.after, wrap: ins }].filter((part) => part.text)
    : [{ text: piece.before }]));
  const text = (list) => h('span', { class: 'value string' }, shownPieces(list, { fold: CONTEXT, limit: MAX_TEXT }));
  return view.split ? { before: text(before), after: isGone ? null : text(after) } : { inline: text(isGone ? before : both) };
}

const rulesOf = (piece, own) => piece.steps.map((step) => `${own[step].action} by ${plain(own[step].rule, 60)}`).join(', then ');
const isJson = (change) => change.kind === 'object' || change.kind === 'array';

function jsonBefore(text) {
  try {
    return h('span', { class: 'was' }, tree(JSON.parse(text), { depth: 0, path: '/' }).element);
  } catch {
    return h('del', {}, shown(text, { limit: MAX_TEXT }));
  }
}

const maskText = (text) => '•'.repeat(Math.min(12, text.length));
const mask = (text) => h('del', { class: 'masked', title: 'hidden: safe to share' }, maskText(text));

/** What is told of a value that was not kept. */
function shapeOf(change, view) {
  const shape = change.shape_before;
  if (!shape) return h('span', { class: 'shape' }, change.len_before === undefined ? 'not kept' : plural(change.len_before, 'character'), change.cut ? ', too long to show' : '');
  const classes = [shape.classes ?? []].flat().map((name) => plain(name, 20)).join(', ');
  const ends = !view.masked && (shape.first || shape.last) ? h('code', {}, shown(shape.first ?? '', { tag: 'span' }), '…', shown(shape.last ?? '', { tag: 'span' })) : null;
  return h('span', { class: 'shape', title: 'Values are not kept; this is their shape.' }, plural(shape.length, 'character'), classes ? `: ${classes}` : '', ends ? [' ', ends] : null);
}

/** What one change did to a text. What stands around it may be what a later change takes, so it is masked whole. */
export function changeText(change, view) {
  if (change.before === undefined) return shapeOf(change, view);
  if (view.masked) return [mask(change.before), ' → ', change.after === undefined ? null : mask(change.after)];
  const pieces = compose([change]).flatMap((piece) => (piece.steps.length
    ? [{ text: piece.before, wrap: () => h('del') }, { text: piece.after, wrap: () => h('ins') }].filter((part) => part.text) : [{ text: piece.before }]));
  return shownPieces(pieces, { fold: CONTEXT, limit: MAX_TEXT });
}

function stepList(own, view) {
  const inside = h('ol', { class: 'steps' });
  const details = h('details', {}, h('summary', {}, plural(own.length, 'step')), inside);
  details.addEventListener('toggle', () => {
    if (details.open && !inside.children.length) inside.append(...own.map((change) => h('li', {}, ruleLabel(change, view), ' ', changeText(change, view))));
  });
  return details;
}

/** Steps of one rule at one place have one label. */
function alike(changes) {
  const found = new Map();
  for (const change of changes) {
    const name = `${change.rule} ${change.action} ${change.dry_run}`;
    found.set(name, [change, (found.get(name)?.[1] ?? 0) + 1]);
  }
  return [...found.values()];
}

function ruleLabel(change, view, times = 1) {
  const told = [
    `${change.action} by ${change.rule}`, change.by && change.by !== change.rule && `through ${change.by}`, originOf(change),
    change.selector && `selector ${change.selector}`, change.by_key && 'the key decided', change.dry_run && 'on trial: nothing was changed',
  ];
  return h('button', {
    type: 'button', class: `rule ${change.action}${change.dry_run ? ' trial' : ''}`, title: plain(told.filter(Boolean).join(' · '), 400),
    onclick: (event) => { event.preventDefault(); view.onRule?.(change.rule); },
  }, plain(change.dry_run ? `${change.rule} (on trial)` : change.rule, 60), times > 1 ? ` × ${times}` : '');
}

export function originOf({ origin }) {
  if (!origin) return '';
  return { builtin: 'built in', default: 'by the settings', upstream: 'from the server' }[origin] ?? String(origin).replace(/^config:?/, 'configuration ').trim();
}

const suspectLabel = (suspect, view) => h('button', {
  type: 'button', class: 'rule suspect', title: 'Still looks personal: make a rule', onclick: (event) => { event.preventDefault(); view.onSuspect?.(suspect); },
}, `${plain(suspect.detector, 40)}?`);

function reveal(list, path) {
  const at = (matches) => [...list.children].find(matches);
  const here = (item) => item.dataset.path !== undefined && within(path, item.dataset.path);
  const found = at(here) ?? (list.rest?.(), at(here));
  const details = found?.querySelector(':scope > details');
  if (details && found.dataset.path !== path) {
    details.fill();
    details.open = true;
    return reveal(details.list, path) ?? shownAt(found);
  }
  const fold = found ? null : at((item) => item.holds?.(path));
  return fold ? fold.unfold(path) : shownAt(found);
}

function shownAt(item) {
  if (item) flash(item);
  return item ?? null;
}
