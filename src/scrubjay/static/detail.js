// One record in full: what it is, what scrubbing changed, the stack trace, the payload.

import { bytes, copyButton, h, present } from './dom.js';
import { typeBadge } from './list.js';
import { explain, text, tree } from './tree.js';

const MAX_LISTED_CHANGES = 200;

export function renderDetail(target, record) {
  const remarks = record.remarks ?? [];
  const payload = record.payload === undefined ? null : tree(record.payload, remarks);
  const sections = [
    head(record),
    facts(record),
    changes(record.payload, remarks, payload),
    stack(record.payload, remarks),
    body(record, payload),
    more('Envelope header', record.envelope_header),
    more('Item header', record.item_header),
    links(record.links ?? []),
  ];
  target.replaceChildren(...present(sections));
}

function head(record) {
  return h('header', {},
    h('p', { class: 'badges' },
      typeBadge(record.type),
      record.level && record.level !== record.type && h('span', { class: `badge level ${record.level}` }, record.level),
      h('span', { class: 'badge' }, record.source)),
    h('h2', {}, record.title),
    record.culprit && h('p', { class: 'quiet' }, record.culprit),
    h('p', { class: 'buttons' },
      record.event_id && copyButton('Copy event id', () => record.event_id),
      record.payload !== undefined && copyButton('Copy as JSON', () => JSON.stringify(record.payload, null, 2)),
      h('a', { class: 'button small', href: `api/capture/events/${record.id}` }, 'Open JSON')));
}

function facts(record) {
  const rows = [
    ['event id', record.event_id], ['received', record.received_at],
    ['time', record.timestamp_guessed ? null : record.timestamp], ['project', record.project], ['key', record.public_key],
    ['environment', record.environment], ['release', record.release], ['platform', record.platform], ['SDK', record.sdk],
    ['transaction', record.transaction], ['trace', record.trace_id], ['user', record.user && Object.values(record.user).join(', ')],
    ['size', bytes(record.bytes)], ['attachments', record.attachments],
  ].filter(([, value]) => value);
  const tags = Object.entries(record.tags ?? {});
  return h('section', { 'aria-label': 'Facts' },
    h('dl', { class: 'facts' }, rows.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, String(value))))),
    tags.length ? h('p', { class: 'tags' }, tags.map(([name, value]) => h('span', { class: 'tag' }, `${name}: ${value}`))) : null);
}

function changes(document, remarks, payload) {
  if (!payload) return null;
  const title = remarks.length ? `Scrubbing changed ${remarks.length} ${remarks.length === 1 ? 'place' : 'places'}` : 'Scrubbing changed nothing';
  const section = h('section', { class: `changes ${remarks.length ? 'some' : 'none'}` }, h('h3', {}, title));
  if (!remarks.length) return section;
  const row = (remark) => h('tr', {},
    h('td', {}, h('button', { type: 'button', class: 'path', onclick: () => payload.reveal(remark.path) }, readable(document, remark.path))),
    h('td', {}, h('span', { class: `redaction badge ${remark.action}`, title: explain(remark) }, remark.action)),
    h('td', {}, h('code', {}, remark.rule)));
  section.append(h('table', {},
    h('thead', {}, h('tr', {}, ['where', 'what', 'rule'].map((name) => h('th', { scope: 'col' }, name)))),
    h('tbody', {}, remarks.slice(0, MAX_LISTED_CHANGES).map(row))));
  if (remarks.length > MAX_LISTED_CHANGES) section.append(h('p', { class: 'quiet' }, `and ${remarks.length - MAX_LISTED_CHANGES} more`));
  return section;
}

/** The path for people: of a list of pairs, as headers are, the name instead of the position. */
function readable(document, path) {
  const parts = path.split('/').slice(1).map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  const shown = [];
  let value = document;
  for (let at = 0; at < parts.length; at += 1) {
    value = value?.[parts[at]];
    const isPair = /^\d+$/.test(parts[at]) && Array.isArray(value) && value.length === 2 && typeof value[0] === 'string';
    if (isPair && parts[at + 1] === '1') {
      shown.push(value[0]);
      value = value[1];
      at += 1;
    } else shown.push(parts[at]);
  }
  return shown.join(' › ') || '(the whole)';
}

function stack(payload, remarks) {
  const chain = payload?.exception?.values ?? payload?.exception;
  if (!Array.isArray(chain)) return null;
  const path = payload.exception === chain ? '/exception' : '/exception/values';
  const section = h('section', { class: 'stack' }, h('h3', {}, 'Stack trace'));
  for (const [index, exception] of [...chain.entries()].reverse()) {
    if (!exception) continue;
    const said = text(String(exception.value ?? ''), remarks.filter((remark) => remark.path === `${path}/${index}/value`));
    section.append(h('h4', {}, exception.type ?? 'Exception', ': ', said));
    const frames = [...(exception.stacktrace?.frames ?? [])].filter(Boolean).reverse();
    if (frames.length) section.append(h('ol', { class: 'frames' }, groups(frames).map(group)));
  }
  return section;
}

/** Frames of the application one by one, those of libraries in between folded together. */
function groups(frames) {
  const found = [];
  for (const frame of frames) {
    const last = found.at(-1);
    if (frame.in_app === false && last?.library) last.frames.push(frame);
    else found.push({ library: frame.in_app === false, frames: [frame] });
  }
  return found;
}

function group({ library, frames }) {
  if (!library) return frameItem(frames[0]);
  const noun = frames.length === 1 ? 'library frame' : 'library frames';
  return h('li', { class: 'library' }, h('details', {}, h('summary', {}, `${frames.length} ${noun}`), h('ol', { class: 'frames' }, frames.map(frameItem))));
}

function frameItem(frame) {
  const place = [frame.filename ?? frame.module ?? frame.abs_path, frame.lineno].filter((part) => part !== undefined && part !== null).join(':');
  const lines = [...(frame.pre_context ?? []), frame.context_line, ...(frame.post_context ?? [])];
  const first = (frame.lineno ?? 0) - (frame.pre_context ?? []).length;
  const source = typeof frame.context_line === 'string'
    ? h('pre', { class: 'source', tabindex: 0 }, lines.map((line, index) =>
      h('span', { class: first + index === frame.lineno ? 'line here' : 'line' }, `${String(first + index).padStart(5)}  ${line ?? ''}\n`)))
    : null;
  const label = [h('code', {}, frame.function ?? '?'), ' ', h('span', { class: 'quiet' }, place)];
  return h('li', {}, source ? h('details', { open: frame.in_app !== false }, h('summary', {}, label), source) : h('div', { class: 'plain' }, label));
}

function body(record, payload) {
  const section = h('section', {}, h('h3', {}, 'Payload, as it would leave'));
  if (payload) section.append(payload.element);
  else if (record.payload_text !== undefined) section.append(h('pre', { tabindex: 0 }, record.payload_text));
  else if (record.payload_base64 !== undefined) section.append(h('pre', { tabindex: 0 }, hex(record.payload_base64)));
  else section.append(h('p', { class: 'quiet' }, 'The envelope was too large to keep its payloads.'));
  if (record.payload_cut) section.append(h('p', { class: 'quiet' }, 'Only the beginning is shown.'));
  return section;
}

function hex(base64) {
  const raw = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const lines = [];
  for (let at = 0; at < Math.min(raw.length, 4096); at += 16) {
    const row = [...raw.subarray(at, at + 16)];
    const digits = row.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const letters = row.map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${at.toString(16).padStart(6, '0')}  ${digits.padEnd(47)}  ${letters}`);
  }
  return lines.join('\n');
}

function more(title, document) {
  if (!document || !Object.keys(document).length) return null;
  return h('section', {}, h('details', {}, h('summary', {}, h('h3', {}, title)), tree(document, []).element));
}

function links(related) {
  if (!related.length) return null;
  const item = (link) => h('li', {}, typeBadge(link.type), ' ', h('a', { href: `#id=${link.id}` }, link.title), ' ',
    h('span', { class: 'quiet' }, link.by === 'event_id' ? 'same event' : 'same trace'));
  return h('section', {}, h('h3', {}, 'Related'), h('ul', { class: 'links' }, related.map(item)));
}
