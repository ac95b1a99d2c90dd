// The envelope as it would leave: headers and items set apart, with byte counts; JSON as a tree or as text, everything else as hexadecimal digits.

import { badge, bytes, copyButton, details, h } from './dom.js';
import { plain, shown } from './shown.js';
import { tree } from './tree.js';

const MAX_HEX = 64 * 1024;
const HEX_STEP = 4096;
const MAX_JSON = 8 * 1024 * 1024;
const NEWLINE = 0x0a;

/** An envelope's bytes in parts: `{ header, headerText, items: [{ type, headers, headerText, offset, payload }] }`. */
export function parseEnvelope(raw) {
  const lineFrom = (at) => {
    const end = raw.indexOf(NEWLINE, at);
    return { text: decode(raw.subarray(at, end < 0 ? raw.length : end)), next: end < 0 ? raw.length : end + 1 };
  };
  const first = lineFrom(0);
  const items = [];
  let at = first.next;
  while (at < raw.length) {
    const line = lineFrom(at);
    const headers = parsed(line.text);
    if (!headers) {
      if (line.text.trim()) break;
      at = line.next;
      continue;
    }
    const length = Number.isInteger(headers.length) ? headers.length : (raw.indexOf(NEWLINE, line.next) + 1 || raw.length + 1) - 1 - line.next;
    const end = Math.min(raw.length, line.next + length);
    items.push({ type: String(headers.type ?? ''), headers, headerText: line.text, offset: line.next, payload: raw.subarray(line.next, end) });
    at = raw[end] === NEWLINE ? end + 1 : end;
  }
  return { header: parsed(first.text) ?? {}, headerText: first.text, items };
}

const decode = (part) => new TextDecoder().decode(part);

function parsed(text) {
  try {
    const value = JSON.parse(text);
    return value && typeof value === 'object' && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

export function rawTab({ record, app, envelope }) {
  const root = h('div', { class: 'raw' }, h('p', { class: 'quiet' }, 'Reading the envelope…'));
  envelope().then(
    ({ raw, ...parts }) => root.replaceChildren(...rawParts(parts, raw, record, app)),
    (error) => root.replaceChildren(h('p', { class: 'problem' }, `The envelope cannot be read: ${error.message}`)),
  );
  return root;
}

function rawParts({ headerText, items }, raw, record, app) {
  return [
    h('p', { class: 'quiet' }, `${bytes(raw.length)} in ${items.length} ${items.length === 1 ? 'item' : 'items'}, as it would leave. `,
      h('a', { href: app.href(`envelopes/${encodeURIComponent(record.capture_id)}`) }, 'Show it among all envelopes')),
    part('Envelope header', headerText.length, jsonBody(headerText)),
    ...items.map((item, at) => section(item, at, at === record.item_index)),
  ];
}

function section(item, at, isOwn) {
  const title = [`Item ${at + 1} `, badge(plain(item.type, 40), isOwn ? 'info' : ''), h('span', { class: 'quiet' }, ` ${bytes(item.payload.length)} from byte ${item.offset.toLocaleString('en')}`)];
  return details(title, (body) => body.append(
    part('Item header', item.headerText.length, jsonBody(item.headerText)),
    part('Payload', item.payload.length, payloadBody(item))), { open: isOwn, class: 'rawitem' });
}

const part = (title, size, content) => h('section', { class: 'rawpart' }, h('h3', {}, title, ' ', h('span', { class: 'quiet' }, bytes(size))), content);

function payloadBody({ payload, type, headers }) {
  const isText = !/^(replay_recording|replay_video|profile_binary)$/.test(type) && !payload.subarray(0, 2000).includes(0);
  if (!isText) return hex(payload);
  const isJson = payload.length <= MAX_JSON && (payload[0] === 0x7b || payload[0] === 0x5b);
  if (isJson) return jsonBody(decode(payload));
  return type === 'attachment' && !/^text\/|json|xml/.test(String(headers.content_type ?? 'text/')) ? hex(payload) : pre(decode(payload));
}

const pre = (text) => h('pre', { class: 'text', tabindex: 0 }, shown(text, { limit: 10_000, tag: 'span' }));

/** JSON as a tree with search, or as the text that was sent. */
function jsonBody(text) {
  let document;
  try {
    document = JSON.parse(text);
  } catch {
    return pre(text);
  }
  const place = h('div');
  let asText = false;
  const button = h('button', { type: 'button', class: 'small', 'aria-pressed': 'false' }, 'As text');
  const draw = () => place.replaceChildren(asText ? pre(text) : tree(document, { search: text.length > 600, depth: 1 }).element);
  button.addEventListener('click', () => {
    asText = !asText;
    button.setAttribute('aria-pressed', String(asText));
    draw();
  });
  draw();
  return h('div', { class: 'json' }, h('div', { class: 'toolbar' }, button, copyButton('Copy', () => text)), place);
}

/** Bytes as people read them: position, digits, letters; a portion at a time. */
export function hex(raw) {
  const text = document.createElement('code');
  const box = h('pre', { class: 'hex', tabindex: 0, 'aria-label': 'Hexadecimal digits' }, text);
  let at = 0;
  const end = Math.min(raw.length, MAX_HEX);
  const button = h('button', { type: 'button', class: 'more' });
  const next = () => {
    const upTo = Math.min(end, at + HEX_STEP);
    const lines = [];
    for (; at < upTo; at += 16) lines.push(hexLine(raw, at));
    at = upTo;
    text.append(`${lines.join('\n')}\n`);
    button.textContent = `show more, up to ${bytes(end)}`;
    button.hidden = at >= end;
  };
  button.addEventListener('click', next);
  next();
  return h('div', {}, box, button, raw.length > MAX_HEX ? h('p', { class: 'quiet' }, `The first ${bytes(MAX_HEX)} of ${bytes(raw.length)}.`) : null);
}

function hexLine(raw, at) {
  const row = [...raw.subarray(at, at + 16)];
  const digits = row.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const letters = row.map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '·')).join('');
  return `${at.toString(16).padStart(6, '0')}  ${digits.padEnd(47)}  ${letters}`;
}
