// Envelopes: everything in the order of arrival, as it came over the wire; beside it the items of the one that is open.

import { badge, bytes, copyButton, details, duration, h, plural, present, when } from './dom.js';
import { hex } from './raw.js';
import { brief, plain, shown } from './shown.js';
import { virtualList } from './virtual.js';
import { waiting } from './waiting.js';

const MOST = 500;
const AGAIN_MS = 400;
const COLUMNS = ['Time', 'Items', 'Size', 'SDK', 'Request', 'Answer', 'Took'];

export default { open };

function open(app, root) {
  let at = '';
  let envelopes = [];
  let filters = null;
  let again = 0;
  const rows = h('div', { class: 'rows' });
  const empty = h('div', { class: 'empty', hidden: true });
  const head = h('div', { class: 'columns', 'aria-hidden': 'true' }, COLUMNS.map((name) => h('span', {}, name)));
  const right = h('article', { class: 'detail', 'aria-label': 'Envelope', tabindex: '-1' });
  const split = h('div', { class: 'split' }, h('section', { class: 'list', 'aria-label': 'Envelopes' }, head, h('div', { class: 'frame' }, rows), empty), right);
  root.append(split);
  const list = virtualList(rows, { render: (envelope) => row(app, envelope, at), label: 'Envelopes' });

  async function load() {
    const { project, since } = app.filters();
    const answer = await app.api.envelopes({ limit: MOST, project, since });
    envelopes = answer.envelopes;
    list.setItems(envelopes);
    list.redraw();
    empty.hidden = envelopes.length > 0;
    head.hidden = rows.parentElement.hidden = !empty.hidden;
    if (!envelopes.length) empty.replaceChildren(...waiting(app, 'envelope'));
  }

  function soon() {
    again ||= setTimeout(() => {
      again = 0;
      load().catch((error) => app.toast(error.message));
    }, AGAIN_MS);
  }

  function step(by) {
    const index = envelopes.findIndex(({ id }) => id === at);
    const next = envelopes[index < 0 ? 0 : Math.max(0, Math.min(envelopes.length - 1, index + by))];
    if (!next) return;
    app.go(`envelopes/${next.id}`, undefined, { replace: Boolean(at) });
    list.reveal(envelopes.indexOf(next))?.querySelector('a')?.focus({ preventScroll: true });
  }

  const dropKeys = app.keys({ j: () => step(1), k: () => step(-1), Escape: () => app.go('envelopes') });

  async function showOne(id) {
    if (!id) return right.replaceChildren();
    const envelope = await app.api.envelope(id).catch((error) => error);
    if (at !== id) return undefined;
    if (envelope instanceof Error) return right.replaceChildren(h('p', { class: 'hint' }, envelope.message));
    return right.replaceChildren(...present(one(app, envelope)));
  }

  return {
    async show([id = '']) {
      const wanted = JSON.stringify(app.filters());
      at = id;
      split.classList.toggle('open', Boolean(id));
      if (wanted !== filters) await load();
      else list.redraw();
      filters = wanted;
      await showOne(id);
    },
    arrived: soon,
    changed: soon,
    cleared: soon,
    close() { clearTimeout(again); dropKeys(); list.close(); },
  };
}

function row(app, envelope, at) {
  const kinds = new Map();
  for (const { type } of envelope.items ?? []) kinds.set(type, (kinds.get(type) ?? 0) + 1);
  return h('a', { href: app.href(`envelopes/${envelope.id}`), class: 'row', 'data-id': envelope.id, 'aria-current': envelope.id === at ? 'true' : null },
    h('span', { class: 'time' }, when(envelope.received_at)),
    h('span', { class: 'items' }, [...kinds].map(([type, count]) => badge(count > 1 ? `${count} × ${plain(type, 40)}` : plain(type, 40)))),
    h('span', { class: 'size' }, bytes(envelope.bytes)),
    h('span', { class: 'sdk' }, plain(envelope.sdk ?? envelope.headers?.sdk?.name ?? '')),
    h('span', { class: 'request' }, plain([envelope.method, envelope.path].filter(Boolean).join(' ') || envelope.via)),
    h('span', { class: 'answer' }, envelope.status ?? ''),
    h('span', { class: 'took' }, envelope.took_ms === undefined ? '' : duration(envelope.took_ms)));
}

const FACTS = [
  ['id', ({ id }) => id], ['received', ({ received_at }) => received_at], ['project', ({ project }) => project], ['key', ({ public_key }) => public_key],
  ['via', ({ via }) => via], ['request', ({ method, path }) => [method, path].filter(Boolean).join(' ')], ['client', ({ client }) => client],
  ['encoding', ({ encoding }) => encoding], ['on the wire', ({ wire_bytes }) => wire_bytes && bytes(wire_bytes)], ['size', (envelope) => bytes(envelope.bytes)],
  ['answer', ({ status }) => status], ['took', ({ took_ms }) => took_ms !== undefined && duration(took_ms)], ['SDK', ({ sdk }) => sdk],
];

function one(app, envelope) {
  const facts = FACTS.map(([name, value]) => [name, value(envelope)]).filter(([, value]) => value || value === 0);
  const { items = [] } = envelope;
  return [
    h('a', { class: 'back', href: app.href('envelopes') }, '← back to the list'),
    h('header', {},
      h('h2', {}, brief(items.map(({ type }) => type).join(', ') || 'Envelope')),
      h('p', { class: 'buttons' },
        copyButton('Copy id', () => envelope.id),
        h('a', { class: 'button small', href: app.api.rawEnvelopeUrl(envelope.id), download: `${envelope.id}.envelope` }, 'Download'),
        envelope.records?.length > 0 && h('a', { class: 'button small', href: app.href(`errors/${envelope.records[0]}`, {}) }, 'Open as a record'))),
    h('dl', { class: 'facts' }, facts.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, brief(value))))),
    h('section', {}, h('h3', {}, 'Envelope header'), h('pre', { tabindex: '0' }, shown(envelope.header ?? JSON.stringify(envelope.headers ?? {})))),
    h('section', {}, h('h3', {}, plural(items.length, 'item')), items.map((item) => details(itemTitle(item), (body) => body.append(...itemBody(item)), { open: items.length === 1, class: 'item' }))),
  ];
}

function itemTitle(item) {
  const { outcome = 'accepted', outcome_reason: reason } = item;
  const place = item.offset === undefined ? '' : `, bytes ${item.offset.toLocaleString('en')} to ${item.end.toLocaleString('en')}`;
  return [h('strong', {}, brief(item.type)), ' ', h('span', { class: 'quiet' }, `${bytes(item.bytes)}${place} `), badge(outcome, outcome === 'accepted' ? 'good' : 'outcome', reason)];
}

function itemBody(item) {
  const header = h('pre', { tabindex: '0' }, shown(typeof item.header === 'string' ? item.header : JSON.stringify(item.header ?? item.headers ?? {})));
  if (item.payload_omitted) return [header, h('p', { class: 'quiet' }, 'The payload is not kept: the envelope was too large, or nothing of it may be shown.')];
  const cut = item.payload_cut && h('p', { class: 'quiet' }, 'Only the beginning is shown; the download has all of it.');
  if (item.payload_base64 !== undefined) return present([header, hex(Uint8Array.from(atob(item.payload_base64), (char) => char.charCodeAt(0))), cut]);
  return present([header, h('pre', { tabindex: '0' }, shown(item.payload_text ?? '')), cut]);
}
