// Terminal colours in messages and logs, as colours of the page's own palette: whatever 16 million colours a program chose, the text stays
// readable in both themes. Every other escape sequence goes; what is left is shown by `shown`, which makes control characters visible.

import { h } from './dom.js';
import { shownPieces } from './shown.js';

/** CSI sequences (the first group: parameters of a colour), strings for the terminal such as titles and links, and two-character ones. */
const SEQUENCE = /(?:\u001b\[|\u009b)(?:([\d;:]*)m|[0-?]*[ -/]*[@-~])|(?:\u001b[\]PX^_]|[\u009d\u0090])[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?|\u001b[ -/]*[0-~]/g;
const NAMES = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'];
const PLAIN = { color: '', back: '', bold: false, dim: false, italic: false, underline: false, strike: false };
const MAX_PIECES = 2000;

/** An element with the text in its colours; `options` are those of `shown`. */
export const ansi = (text, options) => shownPieces(pieces(String(text)), options);

/** The text without any escape sequence, for copies and labels. */
export const stripped = (text) => String(text).replace(SEQUENCE, '');

function pieces(text) {
  if (!/[\u001b\u009b]/.test(text)) return [{ text }];
  const found = [];
  let look = PLAIN;
  let at = 0;
  for (const match of text.matchAll(SEQUENCE)) {
    if (found.length >= MAX_PIECES) break;
    if (match.index > at) found.push(piece(text.slice(at, match.index), look));
    at = match.index + match[0].length;
    if (match[1] !== undefined) look = changed(look, match[1].split(/[;:]/).map(Number));
  }
  if (at < text.length) found.push(piece(stripped(text.slice(at)), look));
  return found;
}

function piece(text, look) {
  const names = [look.color && `ansi-${look.color}`, look.back && `ansi-on-${look.back}`];
  for (const name of ['bold', 'dim', 'italic', 'underline', 'strike']) names.push(look[name] && `ansi-${name}`);
  const kind = names.filter(Boolean).join(' ');
  return kind ? { text, wrap: () => h('span', { class: kind }) } : { text };
}

const SWITCHES = {
  1: { bold: true }, 2: { dim: true }, 3: { italic: true }, 4: { underline: true }, 9: { strike: true },
  21: { bold: false }, 22: { bold: false, dim: false }, 23: { italic: false }, 24: { underline: false }, 29: { strike: false },
  39: { color: '' }, 49: { back: '' },
};

function changed(before, codes) {
  let look = before;
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at];
    if (code === 0) look = PLAIN;
    else if (SWITCHES[code]) look = { ...look, ...SWITCHES[code] };
    else if (code === 38 || code === 48) {
      const wide = codes[at + 1] === 2;
      const name = wide ? nearest(codes.slice(at + 2, at + 5)) : ofTable(codes[at + 2]);
      look = { ...look, [code === 38 ? 'color' : 'back']: name };
      at += wide ? 4 : 2;
    } else {
      const [start, part] = [[30, 'color'], [90, 'color'], [40, 'back'], [100, 'back']].find(([first]) => code >= first && code < first + 8) ?? [];
      if (part) look = { ...look, [part]: NAMES[code - start] };
    }
  }
  return look;
}

/** The table of 256: the sixteen, a cube of 6 × 6 × 6, and greys. */
function ofTable(number = 7) {
  if (number < 16) return NAMES[number % 8];
  if (number >= 232) return number < 244 ? 'black' : 'white';
  const place = number - 16;
  return nearest([Math.floor(place / 36), Math.floor(place / 6) % 6, place % 6].map((step) => (step ? 55 + step * 40 : 0)));
}

/** The name of the eight whose mixture comes nearest. */
function nearest([red = 0, green = 0, blue = 0]) {
  const most = Math.max(red, green, blue);
  if (most < 48) return 'black';
  const on = [red, green, blue].map((part) => part > most * 0.5);
  return NAMES[on[0] * 1 + on[1] * 2 + on[2] * 4];
}
