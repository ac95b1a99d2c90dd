// Attachments, those that came with an event and those that came alone, and items of types that nobody knows.

import { bytes, h, table, when } from './dom.js';
import { plain } from './shown.js';

const LISTED = 300;

export default { id: 'attachments', title: 'Attachments, other', types: ['attachment', 'other'], noun: 'attachment', render };

function render(records, app) {
  return table([
    { title: 'time', cell: (record) => h('a', { href: app.href(`errors/${record.id}`) }, when(record.received_at)) },
    { title: 'item', cell: (record) => plain(record.item_type ?? record.type) },
    { title: 'name', class: 'mono', cell: (record) => h('a', { href: app.href(`errors/${record.id}`) }, plain(record.title)) },
    { title: 'size', class: 'number', cell: (record) => bytes(record.bytes ?? 0) },
    { title: 'event', class: 'mono', cell: (record) => (record.event_id ? h('a', { href: app.href(`errors/${encodeURIComponent(record.event_id)}`) }, plain(record.event_id, 8)) : '') },
    { title: 'project', cell: (record) => plain(record.project ?? '') },
  ], records.slice(0, LISTED), { caption: 'Attachments and items of other types' });
}
