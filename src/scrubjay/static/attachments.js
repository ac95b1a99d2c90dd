// Attachments of an event: what they are, a preview where that is safe, and the bytes to keep.
//
// Images are shown from memory (`blob:`), never as documents: markup and SVG are shown as source.

import { badge, bytes, details, h } from './dom.js';
import { hex } from './raw.js';
import { brief, plain, shown } from './shown.js';
import { tree } from './tree.js';

const IMAGES = /^image\/(png|jpeg|gif|webp|avif|bmp)$/;
const VIDEOS = /^video\/(mp4|webm|ogg)$/;
const TEXTS = /^(text\/|application\/(json|xml|javascript|x-ndjson))|\+(json|xml)$/;
const MAX_TEXT = 200_000;
const MAX_ROWS = 200;
const MAX_CELLS = 40;

/** `list`: as `attachmentsOf` makes it. */
export function attachmentsTab({ record, app, onClose }, list) {
  const urls = [];
  onClose(() => urls.forEach((url) => URL.revokeObjectURL(url)));
  return h('ul', { class: 'attachments' }, list.map((one) => h('li', { class: 'card' }, attachment(one, record, app, urls))));
}

/** The attachments among the items of an envelope, numbered as their route wants it. */
export const attachmentsOf = (items) =>
  items.filter((item) => item.type === 'attachment').map((item, number) => ({
    item,
    number,
    name: item.headers.filename ?? 'unnamed',
    kind: item.headers.attachment_type ?? 'event.attachment',
    type: String(item.headers.content_type ?? guessed(item.headers.filename ?? '')).split(';')[0].trim().toLowerCase(),
    payload: item.payload,
  }));

const ENDINGS = {
  png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', gif: 'image/gif', webp: 'image/webp', svg: 'image/svg+xml', mp4: 'video/mp4', webm: 'video/webm',
  txt: 'text/plain', log: 'text/plain', csv: 'text/csv', html: 'text/html', xml: 'text/xml', json: 'application/json',
};

const guessed = (name) => {
  const ending = String(name).split('.').pop().toLowerCase();
  return Object.hasOwn(ENDINGS, ending) ? ENDINGS[ending] : 'application/octet-stream';
};

function attachment(one, record, app, urls) {
  const { name, kind, type, payload } = one;
  const objectUrl = (as) => {
    const url = URL.createObjectURL(new Blob([payload], { type: as }));
    urls.push(url);
    return url;
  };
  const download = h('button', { type: 'button', class: 'small' }, 'Download');
  download.addEventListener('click', () => {
    const link = h('a', { href: objectUrl('application/octet-stream'), download: plain(name, 100).replaceAll(/[/\\]/g, '_') });
    link.click();
  });
  return [
    h('header', {},
      h('strong', {}, brief(name, 200)), ' ', badge(plain(type, 60)), ' ', kind === 'event.attachment' ? null : badge(plain(kind, 40), 'info'), ' ',
      h('span', { class: 'quiet' }, bytes(payload.length)), ' ', download),
    preview(one, objectUrl),
  ];
}

function preview({ name, kind, type, payload }, objectUrl) {
  if (!payload.length) return h('p', { class: 'quiet' }, 'It is empty.');
  if (IMAGES.test(type)) return h('img', { class: 'preview', src: objectUrl(type), alt: plain(name), loading: 'lazy' });
  if (VIDEOS.test(type)) return h('video', { class: 'preview', src: objectUrl(type), controls: true });
  if (type === 'image/svg+xml' || TEXTS.test(type) || kind === 'event.view_hierarchy') return textual(payload, type, kind, name);
  return details('As hexadecimal digits', (body) => body.append(hex(payload)));
}

function textual(payload, type, kind, name) {
  const text = new TextDecoder().decode(payload.length > MAX_TEXT * 4 ? payload.subarray(0, MAX_TEXT * 4) : payload);
  const isJson = type.includes('json') || kind === 'event.view_hierarchy' || /\.json$/i.test(name);
  if (isJson && payload.length <= 4 * MAX_TEXT) {
    try {
      const document = JSON.parse(text);
      return kind === 'event.view_hierarchy' ? windows(document) : tree(document, { search: text.length > 2000, path: '/' }).element;
    } catch {
      // What is no JSON after all is shown as the text that it is.
    }
  }
  if (type === 'text/csv') return csv(text);
  return h('pre', { class: 'text', tabindex: 0 }, shown(text, { limit: 4000, tag: 'span' }));
}

/** A view hierarchy: each window and its views, by type and identifier. */
function windows(document) {
  const view = (one, depth) => {
    if (!one || typeof one !== 'object') return null;
    const facts = [one.width && one.height ? `${plain(one.width, 8)} × ${plain(one.height, 8)}` : '', one.visible === false || one.visibility === 'gone' ? 'hidden' : ''].filter(Boolean).join(', ');
    const label = [
      h('code', {}, brief(one.type ?? '?', 100)), one.identifier ? [' ', h('span', { class: 'key' }, '#', brief(one.identifier, 80))] : null,
      facts ? h('span', { class: 'quiet' }, ` ${facts}`) : null,
    ];
    const children = Array.isArray(one.children) ? one.children : [];
    if (!children.length) return h('li', {}, label);
    return h('li', {}, details(label, (body) => body.append(h('ul', {}, children.slice(0, 500).map((child) => view(child, depth + 1)))), { open: depth < 4 }));
  };
  const list = Array.isArray(document?.windows) ? document.windows : [];
  return h('div', { class: 'hierarchy' },
    document?.rendering_system ? h('p', { class: 'quiet' }, brief(document.rendering_system, 80)) : null,
    h('ul', { class: 'tree' }, list.slice(0, 50).map((one) => view(one, 0))),
    details('As JSON', (body) => body.append(tree(document, { search: true, path: '/' }).element)));
}

function csv(text) {
  const rows = csvRows(text, MAX_ROWS + 1);
  const [head, ...rest] = rows;
  if (!head) return null;
  return h('div', { class: 'table', tabindex: 0, role: 'region', 'aria-label': 'Table' }, h('table', {},
    h('thead', {}, h('tr', {}, head.map((cell) => h('th', { scope: 'col' }, brief(cell, 100))))),
    h('tbody', {}, rest.map((row) => h('tr', {}, row.map((cell) => h('td', {}, brief(cell, 200))))))),
  rows.length > MAX_ROWS ? h('p', { class: 'quiet' }, `The first ${MAX_ROWS} rows.`) : null);
}

/** Rows of comma-separated values; quotes as usual. */
function csvRows(text, most) {
  const rows = [[]];
  const pattern = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/gy;
  for (let found = pattern.exec(text); found && rows.length <= most; found = pattern.exec(text)) {
    if (rows.at(-1).length < MAX_CELLS) rows.at(-1).push(found[1] === undefined ? found[2] : found[1].replaceAll('""', '"'));
    if (found[3] !== ',') {
      if (!found[3] || pattern.lastIndex >= text.length) break;
      rows.push([]);
    }
  }
  return rows.slice(0, most);
}
