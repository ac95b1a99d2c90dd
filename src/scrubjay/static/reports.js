// Client reports: what the SDK itself dropped, and why, so that nobody looks for it here.

import { h, table, when } from './dom.js';
import { plain } from './shown.js';

const LISTED = 200;

/** What an application developer can do about each reason. */
const MEANINGS = {
  __proto__: null,
  before_send: 'your before_send returned nothing',
  before_send_transaction: 'your before_send_transaction returned nothing',
  before_send_span: 'your before_send_span returned nothing',
  before_send_log: 'your before_send_log returned nothing',
  event_processor: 'an event processor or integration dropped it',
  sample_rate: 'sampled away in the SDK: sample_rate or traces_sample_rate',
  insufficient_data: 'too little in it to be sent',
  ratelimit_backoff: 'the server had asked for a pause',
  queue_overflow: 'the queue of the SDK was full',
  cache_overflow: 'the offline cache of the SDK was full',
  buffer_overflow: 'the buffer of the SDK was full',
  network_error: 'it could not be sent',
  send_error: 'the server refused it',
  internal_sdk_error: 'an error inside the SDK',
  backpressure: 'the SDK was under pressure and sampled less',
  no_parent_span: 'a span without a parent, which the SDK does not send',
  ignored: 'matches ignore_errors, ignore_transactions or the like',
};

export default { id: 'client-reports', title: 'Client reports', types: ['client_report'], noun: 'client report', render };

function render(records, app) {
  const sums = new Map();
  for (const record of records) {
    for (const { reason, category, quantity } of record.digest?.discarded ?? []) {
      const key = JSON.stringify([reason, category]);
      const row = sums.get(key) ?? { reason, category, quantity: 0, reports: 0, last: record.received_at };
      row.quantity += quantity ?? 0;
      row.reports += 1;
      sums.set(key, row);
    }
  }
  return h('div', {},
    h('p', { class: 'lead quiet' }, 'SDKs report what they dropped before sending. None of it reached this sink.'),
    discarded([...sums.values()].sort((a, b) => b.quantity - a.quantity)),
    h('h3', { class: 'section-title' }, 'Reports'),
    table([
      { title: 'time', cell: (record) => h('a', { href: app.href(`errors/${record.id}`) }, when(record.received_at)) },
      { title: 'says', cell: (record) => plain(record.title) },
      { title: 'SDK', cell: (record) => plain(record.sdk ?? '') },
      { title: 'project', cell: (record) => plain(record.project ?? '') },
    ], records.slice(0, LISTED), { caption: 'Reports' }));
}

const discarded = (rows) => table([
  { title: 'dropped', class: 'number', cell: (row) => row.quantity?.toLocaleString('en') ?? '?' },
  { title: 'category', cell: (row) => plain(row.category) },
  { title: 'reason', class: 'mono', cell: (row) => plain(row.reason) },
  { title: 'meaning', class: 'wide', cell: (row) => MEANINGS[row.reason] ?? '' },
], rows, { caption: 'What SDKs dropped' });

export const clientReportPane = ({ payload }) => h('section', { class: 'kind-pane' },
  discarded((Array.isArray(payload?.discarded_events) ? payload.discarded_events : []).filter(Boolean).map((line) => ({
    reason: String(line.reason ?? ''), category: String(line.category ?? ''), quantity: Number(line.quantity) || 0,
  }))));
