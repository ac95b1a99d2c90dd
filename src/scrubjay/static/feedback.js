// Feedback of people: the messages, and beside them who wrote it, from where, and the screenshots that came along.

import { badge, h, when } from './dom.js';
import { feedbackPane } from './feedbackpane.js';
import { recordList } from './list.js';
import { marked, terms } from './search.js';
import { plain } from './shown.js';
import { waiting } from './waiting.js';

export default { open };

function open(app, root) {
  let at = '';
  let filters = null;
  const empty = h('div', { class: 'empty', hidden: true });
  const frame = h('div', { class: 'frame' });
  const right = h('article', { class: 'detail', 'aria-label': 'Feedback', tabindex: '-1' });
  const split = h('div', { class: 'split' }, h('section', { class: 'list feedback-list', 'aria-label': 'Feedback' }, frame, empty), right);
  root.append(split);
  const list = recordList(app, frame, { types: ['feedback'], row: (record) => row(app, record, at), label: 'Feedback', onChange: refresh });

  function refresh(records) {
    empty.hidden = Boolean(records.length) || list.busy();
    if (!empty.hidden) empty.replaceChildren(...waiting(app, 'feedback'));
  }

  async function showOne() {
    const wanted = at;
    if (!wanted) {
      right.replaceChildren();
      return;
    }
    try {
      const detail = await app.api.event(wanted);
      if (wanted !== at) return;
      right.replaceChildren(h('a', { class: 'back', href: app.href('feedback') }, '← all feedback'), feedbackPane(detail, app),
        h('p', {}, h('a', { href: app.href(`errors/${detail.id}`) }, 'Whole record, with what scrubbing changed')));
    } catch (error) {
      if (wanted === at) right.replaceChildren(h('a', { class: 'back', href: app.href('feedback') }, '← all feedback'), h('p', { class: 'hint' }, error.message));
    }
    right.scrollTop = 0;
  }

  function step(by) {
    const found = list.neighbour(at, at ? by : 0);
    if (!found) return;
    app.go(`feedback/${found.record.id}`, undefined, { replace: true });
    found.element?.querySelector('a')?.focus({ preventScroll: true });
  }

  const dropKeys = app.keys({ j: () => step(1), k: () => step(-1), Escape: () => { if (at) app.go('feedback'); } });
  return {
    async show([id = '']) {
      const opened = id !== at;
      at = id;
      split.classList.toggle('open', Boolean(id));
      const wanted = JSON.stringify(app.filters());
      if (wanted !== filters) {
        filters = wanted;
        await list.load();
      } else list.redraw();
      if (opened) await showOne();
    },
    arrived: (records) => list.arrived(records),
    changed: (records) => list.changed(records),
    cleared: (ids) => list.cleared(ids),
    close() { dropKeys(); list.close(); },
  };
}

function row(app, record, at) {
  const { message, name, email, url } = record.digest ?? {};
  const who = [name, email].filter(Boolean).join(' · ') || 'somebody';
  return h('a', { class: 'row feedback-row', href: app.href(`feedback/${record.id}`), 'data-id': record.id, 'aria-current': record.id === at ? 'true' : null },
    h('span', { class: 'title cut' }, marked(plain(message ?? record.title, 300), terms(app.params().q))),
    h('span', { class: 'second' },
      h('span', { class: 'quiet' }, when(record.received_at)), h('span', { class: 'cut' }, plain(who)),
      url ? h('span', { class: 'quiet cut' }, plain(url, 100)) : null,
      record.attachments ? badge(`${record.attachments} attached`) : null,
      record.item_type === 'user_report' ? badge('user report') : null));
}
