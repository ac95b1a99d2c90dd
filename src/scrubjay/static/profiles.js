// Profiles: the list, whole ones beside their transactions and the chunks of continuous ones.

import { h, table, when } from './dom.js';
import { plain } from './shown.js';

const LISTED = 300;

export default { id: 'profiles', title: 'Profiles', types: ['profile'], noun: 'profile', render };

function render(records, app) {
  return table([
    { title: 'time', cell: (record) => h('a', { href: app.href(`errors/${record.id}`) }, when(record.received_at)) },
    { title: 'profile', cell: (record) => h('a', { href: app.href(`errors/${record.id}`) }, plain(record.digest?.transaction || (record.item_type === 'profile_chunk' ? `chunk of ${plain(record.digest?.profiler_id ?? '', 8)}` : 'of a transaction'))) },
    { title: 'samples', class: 'number', cell: (record) => (record.digest?.samples ?? 0).toLocaleString('en') },
    { title: 'stacks', class: 'number', cell: (record) => (record.digest?.stacks ?? 0).toLocaleString('en') },
    { title: 'platform', cell: (record) => plain(record.platform ?? '') },
    { title: 'environment', cell: (record) => plain(record.environment ?? '') },
    { title: 'release', cell: (record) => plain(record.release ?? '') },
  ], records.slice(0, LISTED), { caption: 'Profiles' });
}
