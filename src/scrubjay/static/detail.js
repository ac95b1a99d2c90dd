// One record in full: what it is, in a head; its parts as tabs; what to do with it as buttons. The parts are modules of their own.

import { attachmentsOf, attachmentsTab } from './attachments.js';
import { contextTab } from './context.js';
import { crumbsOf, crumbsTab } from './crumbs.js';
import { badge, bytes, exact, h, present, tabs, when } from './dom.js';
import { jobs } from './jobs.js';
import { KINDS } from './kinds.js';
import { levelBadge } from './levels.js';
import { parseEnvelope, rawTab } from './raw.js';
import { relatedTab } from './related.js';
import { fateOf, scrubTab } from './scrub.js';
import { brief, plain, shown } from './shown.js';
import { hasStack, stackTab } from './stack.js';
import { index, marked, tree } from './tree.js';

const MAX_TAGS = 40;

/** A pane in which records are read. `base`: the view that its addresses belong to. */
export function openDetail(app, root, { base = 'errors' } = {}) {
  let open = null; // { id, record, select, end }
  let asked = 0;
  const hint = (text) => root.replaceChildren(h('p', { class: 'hint' }, text));
  const end = () => { open?.end(); open = null; };

  async function load(id, tab) {
    const mine = (asked += 1);
    try {
      const record = await app.api.event(id);
      if (mine !== asked) return;
      end();
      open = { id, ...render(app, root, record, tab, base) };
    } catch (error) {
      if (mine !== asked) return;
      end();
      hint(error.status === 404 ? 'This record is not there (any more): it was cleared, or others took its place.' : error.message);
    }
  }

  return {
    async show(id, tab) {
      if (!id) {
        asked += 1;
        end();
        hint('Choose a record to read it. Keys: j and k move, Enter opens, d shows what scrubbing did, ? lists the others.');
        return;
      }
      if (open?.id === id) open.select(tab);
      else {
        root.scrollTop = 0;
        await load(id, tab);
      }
    },
    /** A report that is ready changes what is shown, but not under the hands of whoever reads: only the scrub tab is drawn anew. */
    changed(records) {
      const found = open && records.find((record) => record.id === open.record.id);
      if (found) open.changed(found);
    },
    cleared(ids) {
      if (open && (ids === null || ids.includes(open.record.id))) {
        end();
        hint('This record was cleared.');
      }
    },
    close: end,
  };
}

function render(app, root, record, tab, base) {
  const endings = [];
  const onClose = (fn) => { if (fn) endings.push(fn); };
  const view = { app, record, onClose, notes: index(record.remarks ?? []), report: kept(() => app.api.report(record.id)), envelope: kept(() => envelopeOf(app, record)) };
  const parts = partsOf(view);
  const strip = tabs(parts, { selected: tab, label: 'Parts of the record', onSelect: (id) => app.go(`${base}/${encodeURIComponent(record.id)}/${id}`, undefined, { replace: true }) });
  const actions = jobs(view, base);
  root.replaceChildren(...present([
    h('a', { class: 'back', href: app.href(base) }, '← Back to the list'),
    head(view, actions.element), strip.element,
  ]));
  onClose(app.keys({ ...actions.keys, d: () => app.go(`${base}/${encodeURIComponent(record.id)}/scrub`, undefined, { replace: true }) }));
  return {
    record,
    select: (id) => strip.select(id || parts[0].id),
    changed(summary) {
      const scrub = parts.find((part) => part.id === 'scrub');
      if (JSON.stringify(summary.scrub) === JSON.stringify(record.scrub)) return;
      record.scrub = summary.scrub;
      view.report = kept(() => app.api.report(record.id));
      scrub.redraw?.();
    },
    end: () => endings.forEach((fn) => fn()),
  };
}

/** What is asked for once, when it is needed; a failure is not kept. */
function kept(ask) {
  let answer = null;
  return () => {
    answer ??= ask().catch((error) => { answer = null; throw error; });
    return answer;
  };
}

async function envelopeOf(app, record) {
  const raw = new Uint8Array(await app.api.rawEnvelope(record.capture_id));
  return { raw, ...parseEnvelope(raw) };
}

// The head

function head({ record, app, notes }, actions) {
  const level = record.level && record.level !== record.type ? levelBadge(record.level) : null;
  return h('header', { class: 'recordhead' },
    h('p', { class: 'badges' }, badge(plain(record.type, 30).replaceAll('_', ' '), 'type'), level, record.source ? badge(plain(record.source, 20), 'source') : null,
      record.outcome && record.outcome !== 'accepted' ? badge(plain(record.outcome, 30).replaceAll('_', ' '), 'outcome') : null,
      h('span', { class: 'quiet' }, when(record.timestamp ?? record.received_at))),
    h('h2', {}, title(record, notes)),
    record.culprit ? h('p', { class: 'quiet' }, brief(record.culprit, 300)) : null,
    actions,
    facts(record, app),
    tags(record.tags, app));
}

function title(record, notes) {
  const said = typeof record.payload?.message === 'string' && record.payload.message === record.title ? marked(record.title, notes.at('/message')) : brief(record.title || '(untitled)', 300);
  return said;
}

function facts(record, app) {
  const id = record.event_id;
  const user = record.user && Object.entries(record.user).map(([name, value]) => `${name}: ${typeof value === 'object' ? JSON.stringify(value) : value}`).join(', ');
  const rows = [
    ['event', id ? copyId(id, app) : null],
    ['trace', record.trace_id ? h('a', { href: app.href(`traces/${encodeURIComponent(record.trace_id)}`) }, h('code', {}, brief(record.trace_id, 40))) : null],
    ['span', record.span_id ? h('code', {}, brief(record.span_id, 40)) : null],
    ['user', user], ['release', record.release], ['environment', record.environment], ['SDK', record.sdk], ['platform', record.platform],
    ['transaction', record.transaction], ['logger', record.logger], ['project', record.project], ['came by', record.via],
    ['received', h('time', { datetime: record.received_at, title: exact(record.received_at) }, String(record.received_at).slice(11, 23))],
    ['size', record.bytes === undefined ? null : bytes(record.bytes)],
  ].filter(([, value]) => value);
  return h('dl', { class: 'facts' }, rows.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, typeof value === 'string' ? brief(value, 200) : value))));
}

const copyId = (id, app) => h('button', {
  type: 'button', class: 'small bare', title: 'Copy the event id',
  onclick: () => navigator.clipboard.writeText(id).then(() => app.toast('Event id copied.'), () => app.toast('Cannot copy.')),
}, h('code', {}, brief(id, 40)));

function tags(given, app) {
  const list = Object.entries(given ?? {});
  if (!list.length) return null;
  const chip = ([name, value]) => h('a', { class: 'tag', title: `Records with ${plain(name, 60)} ${plain(value, 60)}`, href: app.href('errors', { [`tag.${name}`]: String(value) }) },
    h('span', { class: 'quiet' }, brief(name, 60)), ' ', brief(value, 120));
  return h('div', { class: 'tags' }, list.slice(0, MAX_TAGS).map(chip), list.length > MAX_TAGS ? h('span', { class: 'quiet' }, `and ${list.length - MAX_TAGS} more`) : null);
}

// The tabs

function partsOf(view) {
  const { record, app } = view;
  const payload = record.payload;
  const kind = KINDS[record.type];
  const crumbs = crumbsOf(payload).length;
  const panel = (make) => (body) => body.append(make(view));
  const scrub = { id: 'scrub', title: 'Scrub', count: (record.scrub?.changes ?? 0) || '', fill: (body) => { scrub.redraw = () => body.replaceChildren(scrubTab(view)); scrub.redraw(); } };
  const files = { id: 'attachments', title: record.type === 'attachment' ? 'Attachment' : 'Attachments', count: record.attachments ?? '', fill: (body) => fillAttachments(body, view) };
  return present([
    kind ? { id: 'view', title: kind.title, fill: (body) => body.append(kind.render(record, app)) } : null,
    hasStack(payload) ? { id: 'stack', title: 'Stack trace', fill: (body) => body.append(...present([fateOf(record), stackTab(view)])) } : null,
    record.type === 'attachment' ? files : null,
    !kind && !hasStack(payload) && record.type !== 'attachment' ? { id: 'message', title: 'Message', fill: (body) => body.append(...present([fateOf(record), message(view)])) } : null,
    crumbs ? { id: 'breadcrumbs', title: 'Breadcrumbs', count: crumbs, fill: panel(crumbsTab) } : null,
    payload && typeof payload === 'object' ? { id: 'context', title: 'Context', fill: panel(contextTab) } : null,
    scrub,
    record.attachments && record.type !== 'attachment' ? files : null,
    { id: 'related', title: 'Related', count: (record.links ?? []).length || '', fill: panel(relatedTab) },
    { id: 'raw', title: 'Raw', fill: panel(rawTab) },
  ]);
}

/** What a record without a stack trace says. */
function message({ record, notes }) {
  const payload = record.payload;
  const said = payload?.logentry?.formatted ?? payload?.logentry?.message ?? payload?.message;
  const path = payload?.logentry?.formatted ? '/logentry/formatted' : payload?.logentry?.message ? '/logentry/message' : '/message';
  const params = payload?.logentry?.params;
  if (typeof said === 'string') {
    return h('div', { class: 'message' }, marked(said, notes.at(path)),
      params ? tree(params, { remarks: notes, path: '/logentry/params', depth: 2 }).element : null);
  }
  if (record.payload_text !== undefined) return h('pre', { class: 'text', tabindex: 0 }, shown(record.payload_text, { tag: 'span' }));
  if (payload && typeof payload === 'object') return tree(payload, { remarks: notes, search: true }).element;
  return h('p', { class: 'quiet' }, record.payload_omitted ? 'The payload is not kept: it was too large, or could not be scrubbed.' : 'It has no text; see “Raw”.');
}

function fillAttachments(body, view) {
  const fate = view.record.type === 'attachment' ? fateOf(view.record) : null;
  const fill = (content) => body.replaceChildren(...present([fate, content]));
  fill(h('p', { class: 'quiet' }, 'Reading…'));
  view.envelope().then(
    ({ items }) => {
      const list = attachmentsOf(items);
      const own = view.record.type === 'attachment' ? list.filter((one) => items.indexOf(one.item) === view.record.item_index) : list;
      fill(own.length ? attachmentsTab(view, own) : h('p', { class: 'quiet' }, 'None is left in the envelope: they were dropped, or are too large to keep.'));
    },
    (error) => fill(h('p', { class: 'problem' }, error.message)),
  );
}
