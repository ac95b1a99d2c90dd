// Errors: the list with its filter chips, and beside it the record that is open.

import { stripped } from './ansi.js';
import { badge, h, when } from './dom.js';
import { facets } from './facets.js';
import { icon } from './icons.js';
import { levelBadge } from './levels.js';
import { recordList } from './list.js';
import { marked, terms } from './search.js';
import { plain } from './shown.js';
import { waiting } from './waiting.js';

const TYPES = ['error', 'security', 'unparsable'];
const COLUMNS = ['Time', 'Level', 'Title', 'Culprit', 'Project', 'Environment', 'Release', 'Marks'];

export default { open };

function open(app, root) {
  let at = { id: '', tab: '' };
  let shown = null;
  const chips = facets(app, ['level', 'exception', 'project', 'environment', 'outcome']);
  const empty = h('div', { class: 'empty', hidden: true });
  const frame = h('div', { class: 'frame' });
  const head = h('div', { class: 'columns', 'aria-hidden': 'true' }, COLUMNS.map((name) => h('span', {}, name)));
  const left = h('section', { class: 'list', 'aria-label': 'Errors' }, chips.element, head, frame, empty);
  const right = h('article', { class: 'detail', 'aria-label': 'Record', tabindex: '-1' });
  const split = h('div', { class: 'split' }, left, right);
  root.append(split);

  const list = recordList(app, frame, { types: TYPES, row: (record) => row(app, record, at), label: 'Errors', onChange: refresh });

  // The details come when the list stands, or when one is asked for: the list is what people wait for.
  let pane = null;
  let coming = null;
  const details = () => (coming ??= import('./detail.js').then(({ openDetail }) => (pane = openDetail(app, right, { base: 'errors' }))));
  const showDetail = async (id, tab) => (pane || id ? (await details()).show(id, tab) : undefined);

  function refresh(records) {
    chips.show(records);
    const nothing = !records.length && !list.busy();
    empty.hidden = !nothing;
    head.hidden = frame.hidden = nothing;
    if (nothing) empty.replaceChildren(...waiting(app, 'error'));
  }

  function step(by) {
    const focused = document.activeElement.closest?.('.rows a')?.dataset.id;
    const found = list.neighbour(at.id || focused || '', at.id || focused ? by : 0);
    if (!found) return;
    if (at.id) app.go(['errors', found.record.id, at.tab].filter(Boolean).join('/'), undefined, { replace: true });
    found.element?.querySelector('a')?.focus({ preventScroll: true });
  }

  const dropKeys = app.keys({
    j: () => step(1),
    k: () => step(-1),
    Escape: () => { if (at.id) app.go('errors'); },
  });

  return {
    async show([id = '', tab = '']) {
      const filters = JSON.stringify(app.filters());
      const opened = id !== at.id;
      at = { id, tab };
      split.classList.toggle('open', Boolean(id));
      if (filters !== shown) {
        shown = filters;
        chips.show([]);
        await Promise.all([list.load(), showDetail(id, tab)]);
        details();
      } else {
        list.redraw();
        await showDetail(id, tab);
      }
      if (opened && id) list.reveal(id);
    },
    arrived: (records) => { list.arrived(records); pane?.arrived?.(records); },
    changed: (records) => { list.changed(records); pane?.changed?.(records); },
    evicted: (oldest) => list.evicted(oldest),
    cleared: (ids) => { shown = JSON.stringify(app.filters()); list.cleared(ids); pane?.cleared?.(ids); },
    close() { dropKeys(); chips.close(); list.close(); coming?.then((one) => one.close?.()); },
  };
}

function row(app, record, at) {
  const words = terms(app.params().q);
  const current = at.id && (at.id === record.id || at.id === record.event_id || at.id === record.capture_id);
  return h('a', {
    href: app.href(`errors/${record.id}`), class: 'row', 'data-id': record.id, 'aria-current': current ? 'true' : null,
  },
  h('span', { class: 'time' }, when(record.received_at)),
  h('span', { class: 'level' }, levelBadge(record.type === 'error' ? record.level ?? 'error' : record.type)),
  h('span', { class: 'title' }, marked(plain(stripped(record.title)), words)),
  h('span', { class: 'culprit' }, marked(plain(record.culprit ?? record.transaction ?? ''), words)),
  h('span', { class: 'project' }, plain(record.project ?? '', 60)),
  h('span', { class: 'environment' }, plain(record.environment ?? '', 60)),
  h('span', { class: 'release' }, plain(record.release ?? '', 80)),
  h('span', { class: 'marks' }, marks(record)));
}

function marks(record) {
  const { changes = 0, suspects = 0, rules = [] } = record.scrub ?? {};
  const why = [record.outcome_reason ?? record.outcome, 'it would not leave'].join(': ');
  return [
    record.outcome && record.outcome !== 'accepted' && badge(record.outcome.replace('_', ' '), 'outcome', why),
    record.attachments > 0 && h('span', { class: 'badge plain', title: `${record.attachments} attached` }, icon('attachment'), record.attachments),
    record.source && badge(record.source, 'source'),
    changes + suspects > 0 && h('span', {
      class: `badge scrubbed ${suspects ? 'suspect' : ''}`,
      title: [`${changes} changed by ${rules.join(', ') || 'scrubbing'}`, suspects && `${suspects} look like personal data still`].filter(Boolean).join('; '),
    }, icon(suspects ? 'warning' : 'shield'), changes, suspects ? ` · ${suspects} left` : ''),
  ];
}
