// What scrubbing changed, as a model to show: pieces of one text, before and after, and a trie of changes by place. No elements here.
//
// Ranges of the API count characters (code points); offsets in here count the units of JavaScript's strings.

import { split } from './pointer.js';

const MAX_WORK = 1_000_000;
const BY_SETTINGS = 'settings'; // what follows from the settings: the report knows the whole value only

/**
 * The steps of several changes of one text as pieces `{ before, after, steps }`, which side by side give both texts: `steps` is empty where
 * nothing was changed, else it names the changes (their positions in `changes`) that made `after` of `before`.
 */
export function compose(changes) {
  let pieces = [{ before: changes[0].before, after: changes[0].before, steps: [] }];
  changes.forEach((change, step) => { pieces = applied(pieces, change, step); });
  return pieces.filter((piece) => piece.before || piece.after);
}

function applied(pieces, change, step) {
  const cameAs = pieces.map((piece) => piece.before).join('');
  const whole = (after) => [{ before: cameAs, after, steps: all(pieces, step) }];
  if (change.after === null || change.after === undefined) return whole('');
  if (pieces.map((piece) => piece.after).join('') !== change.before) return whole(change.after);
  const found = replacements(change);
  if (pieces.length === 1 && !pieces[0].steps.length) return cut(change.before, found, step);
  if (pieces.length * found.length > MAX_WORK) return whole(change.after);
  let current = pieces;
  let shift = 0;
  for (const { start, end, text } of found) {
    current = replaced(current, start + shift, end + shift, text, step);
    shift += text.length - (end - start);
  }
  return current.map((piece) => piece.after).join('') === change.after ? current : whole(change.after);
}

/** The pieces of a text that nothing changed before. */
function cut(before, found, step) {
  const pieces = [];
  let at = 0;
  for (const { start, end, text } of found) {
    pieces.push(same(before.slice(at, start)), { before: before.slice(start, end), after: text, steps: [step] });
    at = end;
  }
  return [...pieces, same(before.slice(at))];
}

const same = (text) => ({ before: text, after: text, steps: [] });

const all = (pieces, step) => [...new Set([...pieces.flatMap((piece) => piece.steps), step])];

/** Where two texts differ, if nobody says more precisely: between what both begin and end with. */
function middle(before, after) {
  const most = Math.min(before.length, after.length);
  let head = 0;
  while (head < most && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < most - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  return { start: head, end: before.length - tail, text: after.slice(head, after.length - tail) };
}

/** What stands in `after` for each range of `before`. */
export function replacements(change) {
  const { before, after } = change;
  const ranges = offsets(before, change.ranges ?? []);
  const whole = [{ start: 0, end: before.length, text: after }];
  if (!ranges.length || change.rule === BY_SETTINGS) return [middle(before, after)];
  const gaps = [before.slice(0, ranges[0][0]), ...ranges.map(([, end], index) => before.slice(end, ranges[index + 1]?.[0] ?? before.length))];
  const room = after.length - gaps.reduce((sum, gap) => sum + gap.length, 0);
  const texts = room < 0 ? null : parts(after, gaps, equally(ranges, room)) ?? parts(after, gaps, ranges.map(([start, end]) => end - start)) ?? searched(after, gaps);
  return texts ? ranges.map(([start, end], index) => ({ start, end, text: texts[index] })) : whole;
}

const equally = (ranges, room) => (room % ranges.length ? null : ranges.map(() => room / ranges.length));

/** The texts between the gaps if they have these lengths, and the gaps are where they belong. */
function parts(after, gaps, lengths) {
  if (!lengths || !after.startsWith(gaps[0])) return null;
  let at = gaps[0].length;
  const found = [];
  for (const [index, length] of lengths.entries()) {
    found.push(after.slice(at, at + length));
    at += length;
    if (!after.startsWith(gaps[index + 1], at)) return null;
    at += gaps[index + 1].length;
  }
  return at === after.length ? found : null;
}

/** The texts between the gaps, wherever the gaps are found. */
function searched(after, gaps) {
  const last = gaps.at(-1);
  if (!after.startsWith(gaps[0]) || !after.endsWith(last)) return null;
  const found = [];
  let at = gaps[0].length;
  for (const gap of gaps.slice(1, -1)) {
    const next = gap ? after.indexOf(gap, at) : -1;
    if (next < 0) return null;
    found.push(after.slice(at, next));
    at = next + gap.length;
  }
  const end = after.length - last.length;
  return at <= end ? [...found, after.slice(at, end)] : null;
}

/** Puts `text` in place of what `after` has from `start` to `end`. Of a piece that an earlier step made no part can be told apart. */
function replaced(pieces, start, end, text, step) {
  const touches = (from, to) => (start === end ? from <= start && start < to : from < end && to > start);
  const result = [];
  let joined = null;
  let to = 0;
  for (const piece of pieces) {
    const from = to;
    to += piece.after.length;
    if (!touches(from, to)) {
      result.push(piece);
      continue;
    }
    const [left, right] = [Math.max(0, start - from), Math.min(piece.after.length, end - from)];
    const isPlain = !piece.steps.length;
    if (isPlain && left) result.push(same(piece.before.slice(0, left)));
    if (!joined) {
      joined = { before: '', after: isPlain ? text : piece.after.slice(0, left) + text, steps: [] };
      result.push(joined);
    }
    joined.before += isPlain ? piece.before.slice(left, right) : piece.before;
    if (!isPlain) joined.after += piece.after.slice(right);
    joined.steps = all([joined, piece], step);
    if (isPlain && right < piece.before.length) result.push(same(piece.before.slice(right)));
  }
  return result;
}

/** Ranges of code points as offsets of the string. */
export function offsets(text, ranges) {
  if (!/[\ud800-\udbff]/.test(text)) return ranges;
  const wanted = [...new Set(ranges.flat())].sort((a, b) => a - b);
  const found = new Map();
  let points = 0;
  let at = 0;
  for (const bound of wanted) {
    while (points < bound && at < text.length) {
      at += text.codePointAt(at) > 0xffff ? 2 : 1;
      points += 1;
    }
    found.set(bound, at);
  }
  return ranges.map(([start, end]) => [found.get(start), found.get(end)]);
}

/** Changes by place: `{ changes, children: Map, total }`, where `total` counts those at the place and below it. */
export function trie(changes) {
  const root = branch();
  for (const change of changes) {
    let node = root;
    node.total += 1;
    for (const key of split(change.path)) {
      if (!node.children.has(key)) node.children.set(key, branch());
      node = node.children.get(key);
      node.total += 1;
    }
    node.changes.push(change);
  }
  return root;
}

const branch = () => ({ changes: [], children: new Map(), total: 0 });

/** Without originals the report names places and rules alone; remarks of the payload say as much. */
export const changesOf = (remarks) =>
  remarks.filter((remark) => remark.action !== 'annotated').map(({ path, rule, action, len_before }) => ({ path, rule, action, len_before }));

/** The short name of a rule that `@email:replace` stands for. */
export const family = (rule) => rule.replace(/^(@[^:]+):.*$/, '$1');
