// Text of events as it may be shown: isolated from the direction of the text around it, with every character visible that would otherwise
// steer, hide or reorder what people read, and cut where it is long. Nothing here parses markup; text stays text.

import { h, link } from './dom.js';

const LIMIT = 2000;
const SLACK = 40; // nobody presses a button for that little
const STEP = 20_000; // how much more one press shows: laying out one paragraph of two directions takes time with the square of its length
const MAX_CONTROLS = 500; // each is an element; what comes after is shown as one sign

const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}\ud800-\udfff]|\r(?!\n)/gu;

const NAMES = {
  0x00: ['NUL', 'null'], 0x07: ['BEL', 'bell'], 0x08: ['BS', 'backspace'], 0x0d: ['CR', 'carriage return'], 0x1b: ['ESC', 'escape'],
  0x7f: ['DEL', 'delete'], 0xad: ['SHY', 'soft hyphen'], 0x61c: ['ALM', 'Arabic letter mark'], 0x200b: ['ZWSP', 'zero width space'],
  0x200e: ['LRM', 'left-to-right mark'], 0x200f: ['RLM', 'right-to-left mark'], 0x2028: ['LS', 'line separator'],
  0x2029: ['PS', 'paragraph separator'], 0x202a: ['LRE', 'left-to-right embedding'], 0x202b: ['RLE', 'right-to-left embedding'],
  0x202c: ['PDF', 'end of a direction'], 0x202d: ['LRO', 'left-to-right override'], 0x202e: ['RLO', 'right-to-left override'],
  0x2066: ['LRI', 'left-to-right isolate'], 0x2067: ['RLI', 'right-to-left isolate'], 0x2068: ['FSI', 'isolate'],
  0x2069: ['PDI', 'end of an isolate'], 0xfeff: ['BOM', 'byte order mark'],
};

/** A text. `limit`: characters before "show more"; `tag`: the element. */
export const shown = (text, options) => shownPieces([{ text: String(text) }], options);

/** A button that shows more of something. */
export const moreButton = (label, run) => h('button', { type: 'button', class: 'more', onclick: run }, label);

/** For labels, links and buttons: what is beyond `limit` is only counted. */
export const brief = (text, limit = 200, tag = 'bdi') => shownPieces([{ text: String(text) }], { limit, tag, isBrief: true });

/**
 * A text in pieces, each `{ text, wrap? }`, where `wrap` makes the element around a piece. `fold`: plain pieces longer than twice that are
 * shortened to their ends beside the marked ones, the rest one press away.
 */
export function shownPieces(pieces, { limit = LIMIT, fold = 0, tag = 'bdi', isBrief = false } = {}) {
  const element = h(tag, { class: 'shown' });
  const budget = { controls: 0, isBrief, home: element };
  const todo = fold ? folded(pieces, fold) : pieces;
  show(element, todo, { at: 0, from: 0 }, limit, budget);
  return element;
}

function show(element, pieces, { at, from }, room, budget) {
  let index = at;
  let start = from;
  while (index < pieces.length) {
    const piece = pieces[index];
    if (piece.hidden) element.append(foldButton(piece.hidden));
    else {
      const end = piece.text.length - start <= room + SLACK ? piece.text.length : whole(piece.text, start + Math.max(0, room));
      const target = piece.wrap ? piece.wrap(piece) : element;
      visible(target, piece.text.slice(start, end), budget);
      if (target !== element) element.append(target);
      room -= end - start;
      if (end < piece.text.length) {
        element.append(budget.isBrief ? ellipsis(piece.text.length - end) : nextButton(budget.home, pieces, { at: index, from: end }));
        return;
      }
    }
    index += 1;
    start = 0;
  }
}

const ellipsis = (left) => h('span', { class: 'quiet', title: `${count(left)} more characters` }, '…');

function nextButton(home, pieces, place) {
  const left = pieces.slice(place.at).reduce((sum, piece) => sum + (piece.text ?? piece.hidden).length, -place.from);
  const label = left <= STEP ? `show all, ${count(left)} more characters` : `show ${count(STEP)} of ${count(left)} more characters`;
  const button = h('button', { type: 'button', class: 'more' }, label);
  button.addEventListener('click', (event) => {
    event.preventDefault(); // inside a summary it would fold the whole
    event.stopPropagation();
    const next = h('span', { class: 'next' }); // a paragraph of its own, for the same reason
    button.remove();
    home.append(next);
    show(next, pieces, place, STEP, { controls: 0, home });
  });
  return button;
}

function foldButton(text) {
  const button = h('button', { type: 'button', class: 'more fold', title: 'Show what is between' }, `⋯ ${count(text.length)} characters ⋯`);
  button.addEventListener('click', (event) => {
    event.preventDefault();
    event.stopPropagation();
    button.replaceWith(shown(text, { limit: STEP, tag: 'span' }));
  });
  return button;
}

/** Plain pieces shortened to what stands beside the marked ones. */
function folded(pieces, context) {
  return pieces.flatMap((piece, index) => {
    if (piece.wrap || piece.text.length <= 2 * context + 40) return [piece];
    const head = index === 0 ? 0 : whole(piece.text, context);
    const tail = index === pieces.length - 1 ? piece.text.length : whole(piece.text, piece.text.length - context);
    return [{ text: piece.text.slice(0, head) }, { hidden: piece.text.slice(head, tail) }, { text: piece.text.slice(tail) }];
  });
}

function visible(target, text, budget) {
  let at = 0;
  CONTROL.lastIndex = 0;
  for (let found = CONTROL.exec(text); found && budget.controls < MAX_CONTROLS; found = CONTROL.exec(text)) {
    if (found.index > at) target.append(text.slice(at, found.index));
    target.append(mark(found[0].codePointAt(0)));
    at = found.index + found[0].length;
    budget.controls += 1;
  }
  const rest = text.slice(at);
  target.append(budget.controls < MAX_CONTROLS ? rest : rest.replace(CONTROL, '\ufffd'));
}

function mark(code) {
  const number = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
  const [name, meaning] = NAMES[code] ?? [number.slice(2), code >= 0xd800 && code <= 0xdfff ? 'half of a character' : 'control character'];
  return h('span', { class: 'control', title: `${number} ${meaning}` }, name);
}

/** Text for places that hold no elements (attributes, options): controls become one sign. */
export const plain = (text, limit = 200) => {
  const cut = String(text).slice(0, limit).replace(CONTROL, '\ufffd');
  return String(text).length > limit ? `${cut}…` : cut;
};

/** A web address as a link; anything else that calls itself one, such as `javascript:`, as text. */
export const address = (url, limit = 600) => (/^https?:\/\//i.test(url) ? link(url, brief(url, limit)) : shown(url, { limit }));

/** Not between the halves of one character. */
const whole = (text, at) => (at > 0 && at < text.length && (text.charCodeAt(at - 1) & 0xfc00) === 0xd800 ? at + 1 : at);

export const count = (number) => number.toLocaleString('en');
