// One piece of feedback, of the present form or of the older `user_report`.

import { badge, bytes, exact, h, link } from './dom.js';
import { shown } from './shown.js';

const MAX_SHOTS = 10;
const PICTURES = /^image\/(png|jpeg|gif|webp|avif|bmp)$/;

/** `detail`: as `GET /events/{id}` answers. Screenshots are fetched after it stands. */
export function feedbackPane(detail, app) {
  const payload = detail.payload ?? {};
  const given = payload.contexts?.feedback ?? { message: payload.comments, name: payload.name, contact_email: payload.email, associated_event_id: payload.event_id };
  const event = given.associated_event_id ?? '';
  const rows = [
    ['name', given.name && shown(given.name)], ['e-mail', given.contact_email && shown(given.contact_email)],
    ['page', given.url && link(given.url)], ['written', exact(detail.timestamp)], ['source', given.source && shown(given.source)],
    ['error', event && h('a', { href: app.href(`errors/${encodeURIComponent(event)}`) }, `event ${String(event).slice(0, 8)}`)],
    ['trace', detail.trace_id && h('a', { href: app.href(`traces/${encodeURIComponent(detail.trace_id)}`) }, `trace ${String(detail.trace_id).slice(0, 8)}`)],
    ['replay', given.replay_id && shown(given.replay_id)],
    ['release', detail.release && shown(detail.release)], ['environment', detail.environment && shown(detail.environment)],
  ].filter(([, value]) => value);
  const shots = h('div', { class: 'shots' });
  if (detail.attachments) showAttachments(shots, detail, app);
  return h('section', { class: 'feedback-pane' },
    h('p', { class: 'badges' }, badge(detail.item_type === 'user_report' ? 'user report, the older form' : 'feedback', 'feedback')),
    h('blockquote', {}, shown(given.message ?? detail.title, { limit: 10_000 })),
    h('dl', { class: 'facts' }, rows.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value)))),
    shots);
}

/** Addresses of what is shown now; those of what was shown before are given back. */
const lent = [];

function lend(blob) {
  const url = URL.createObjectURL(blob);
  lent.push(url);
  return url;
}

async function showAttachments(target, detail, app) {
  for (const url of lent.splice(0)) URL.revokeObjectURL(url);
  for (let number = 0; number < Math.min(detail.attachments, MAX_SHOTS); number += 1) {
    try {
      const blob = await app.api.attachment(detail.id, number);
      target.append(PICTURES.test(blob.type) ? picture(blob, number) : file(blob, number));
    } catch (error) {
      target.append(h('p', { class: 'quiet' }, `Attachment ${number + 1}: ${error.message}`));
    }
  }
}

function picture(blob, number) {
  const url = lend(blob);
  const image = h('img', { src: url, alt: `Screenshot ${number + 1}` });
  const figure = h('figure', {}, h('a', { href: url, download: `screenshot-${number + 1}` }, image), h('figcaption', { class: 'quiet' }, `${blob.type}, ${bytes(blob.size)}`));
  image.addEventListener('error', () => image.replaceWith(h('span', { class: 'quiet' }, 'This picture cannot be shown: its bytes are no image.')));
  return figure;
}

const file = (blob, number) => h('p', {},
  h('a', { href: lend(blob), download: `attachment-${number + 1}` }, `Attachment ${number + 1}`), h('span', { class: 'quiet' }, ` ${blob.type}, ${bytes(blob.size)}`));
