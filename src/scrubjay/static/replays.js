// Session replays: their segments and what they say about themselves. Playing them is not what this page is for.

import { bytes, exact, h, link, plural, table, when } from './dom.js';
import { plain, shown } from './shown.js';

export default { id: 'replays', title: 'Replays', types: ['replay'], noun: 'replay', render };

function render(records, app) {
  const replays = new Map();
  for (const record of records) {
    const id = record.digest?.replay_id || record.event_id || record.id;
    if (!replays.has(id)) replays.set(id, []);
    replays.get(id).push(record);
  }
  return h('div', {}, [...replays].map(([id, found]) => replay(id, found, app)));
}

function replay(id, found, app) {
  const events = found.filter((record) => record.digest);
  const recordings = found.filter((record) => record.item_type !== 'replay_event');
  const urls = [...new Set(events.flatMap((record) => record.digest.urls ?? []))];
  const errors = events.reduce((sum, record) => sum + (record.digest.errors ?? 0), 0);
  const recorded = recordings.reduce((sum, record) => sum + (record.bytes ?? 0), 0);
  const segments = [...found].sort((a, b) => (a.digest?.segment_id ?? 1e9) - (b.digest?.segment_id ?? 1e9) || (a.id < b.id ? -1 : 1));
  return h('section', { class: 'monitor' },
    h('header', {},
      h('h3', {}, urls[0] ? shown(urls[0], { limit: 120 }) : `Replay ${plain(id, 8)}`),
      h('span', { class: 'quiet' }, [
        plural(events.length, 'segment'), `${bytes(recorded)} recorded`, errors ? plural(errors, 'error') : '',
        events.find((record) => record.digest.replay_type)?.digest.replay_type ?? '', `id ${plain(id, 8)}`,
      ].filter(Boolean).join(' · '))),
    table([
      { title: 'segment', cell: (record) => String(record.digest?.segment_id ?? '') },
      { title: 'time', cell: (record) => h('a', { href: app.href(`errors/${record.id}`) }, when(record.received_at)) },
      { title: 'item', cell: (record) => ({ replay_event: 'metadata', replay_recording: 'recording', replay_video: 'video' }[record.item_type] ?? plain(record.item_type ?? '')) },
      { title: 'size', class: 'number', cell: (record) => bytes(record.bytes ?? 0) },
      { title: 'pages', class: 'wide', cell: (record) => (record.digest?.urls ?? []).map((url) => h('div', {}, link(url, plain(url)))) },
    ], segments, { caption: `Segments of replay ${plain(id, 8)}` }));
}

/** `detail`: as `GET /events/{id}` answers. */
export function replayPane(detail, app) {
  const { payload } = detail;
  if (!payload || detail.item_type !== 'replay_event') {
    return h('p', { class: 'quiet' }, `A recording of ${bytes(detail.bytes ?? 0)}: the events of the page between two moments, packed. It is scrubbed like everything else; playback is not part of this page.`);
  }
  const list = (value) => (Array.isArray(value) ? value : []);
  const rows = [
    ['replay', payload.replay_id], ['segment', payload.segment_id], ['kind', payload.replay_type],
    ['started', time(payload.replay_start_timestamp)], ['until', time(payload.timestamp)],
  ].filter(([, value]) => value !== undefined && value !== null && value !== '');
  const ids = (title, values, base) => values.length && h('section', {}, h('h3', {}, title), h('ul', { class: 'records-list' }, values.slice(0, 100).map((id) => h('li', {}, h('a', { href: app.href(`${base}/${encodeURIComponent(id)}`), class: 'mono' }, plain(id))))));
  return h('section', { class: 'kind-pane' },
    h('dl', { class: 'facts' }, rows.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, plain(value))))),
    list(payload.urls).length ? h('section', {}, h('h3', {}, 'Pages'), h('ul', { class: 'records-list' }, payload.urls.slice(0, 100).map((url) => h('li', {}, link(url, plain(url)))))) : null,
    ids('Errors', list(payload.error_ids), 'errors'), ids('Traces', list(payload.trace_ids), 'traces'));
}

const time = (value) => {
  const moment = new Date(typeof value === 'number' ? value * 1000 : value ?? '');
  return Number.isNaN(moment.valueOf()) ? '' : exact(moment.toISOString());
};
