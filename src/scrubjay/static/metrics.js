// Metrics: one line for each name, with the course of its values, and each entry of a container.

import { h, table, when } from './dom.js';
import { plain } from './shown.js';
import { pairs } from './span.js';

const COURSE = 60;
const LISTED = 300;
const SVG = 'http://www.w3.org/2000/svg';

export default { id: 'metrics', title: 'Metrics', types: ['metric'], noun: 'metric', render };

function render(records, app) {
  const rows = new Map();
  for (const record of [...records].reverse()) {
    for (const one of record.digest?.metrics ?? []) {
      const key = JSON.stringify([one.name, one.type, one.unit]);
      if (!rows.has(key)) rows.set(key, { ...one, values: [], record });
      const row = rows.get(key);
      row.record = record;
      if (typeof one.value === 'number') row.values.push(one.value);
    }
  }
  const plainOnes = records.filter((record) => !record.digest?.metrics);
  return h('div', {},
    rows.size ? table([
      { title: 'metric', class: 'mono', cell: (row) => plain(row.name || '(unnamed)') },
      { title: 'type', cell: (row) => plain(row.type) },
      { title: 'course', cell: (row) => course(row.values.slice(-COURSE)) },
      { title: 'count', class: 'number', cell: (row) => String(row.values.length) },
      { title: 'sum', class: 'number', cell: (row) => (row.type === 'counter' ? number(row.values.reduce((sum, value) => sum + value, 0)) : '') },
      { title: 'least', class: 'number', cell: (row) => number(row.values.reduce((least, value) => Math.min(least, value), Infinity)) },
      { title: 'most', class: 'number', cell: (row) => number(row.values.reduce((most, value) => Math.max(most, value), -Infinity)) },
      { title: 'last', class: 'number', cell: (row) => [number(row.values.at(-1)), row.unit ? ` ${plain(row.unit, 20)}` : ''] },
      { title: 'received', cell: (row) => h('a', { href: app.href(`errors/${row.record.id}`) }, when(row.record.received_at)) },
    ], [...rows.values()].sort((a, b) => a.name.localeCompare(b.name)), { caption: 'Metrics' }) : null,
    plainOnes.length ? h('h3', { class: 'section-title' }, 'Of older forms') : null,
    plainOnes.length ? table([
      { title: 'time', cell: (record) => h('a', { href: app.href(`errors/${record.id}`) }, when(record.received_at)) },
      { title: 'item', cell: (record) => plain(record.item_type ?? '') },
      { title: 'says', class: 'mono', cell: (record) => plain(record.title) },
    ], plainOnes.slice(0, LISTED), { caption: 'Metrics of older forms' }) : null);
}

/** A line through the values; one value is a dot. */
function course(values) {
  if (!values.length) return '';
  const least = Math.min(...values);
  const range = Math.min(Math.max(...values) - least, Number.MAX_VALUE) || 1;
  const points = values.map((value, index) => [
    values.length === 1 ? 50 : 2 + (index / (values.length - 1)) * 96, 17 - Math.min(1, (value - least) / range) * 14,
  ]);
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 100 20');
  svg.setAttribute('class', 'course');
  svg.setAttribute('aria-hidden', 'true');
  const line = document.createElementNS(SVG, 'polyline');
  line.setAttribute('points', points.map((point) => point.map((part) => part.toFixed(1)).join(',')).join(' '));
  const dot = document.createElementNS(SVG, 'circle');
  for (const [name, value] of [['cx', points.at(-1)[0]], ['cy', points.at(-1)[1]], ['r', 2]]) dot.setAttribute(name, value);
  svg.append(line, dot);
  return svg;
}

const number = (value) => (Number.isFinite(value) ? value.toLocaleString('en', { maximumFractionDigits: 3 }) : '');

/** `detail`: as `GET /events/{id}` answers. */
export function metricPane({ payload, payload_text: text }) {
  const entries = Array.isArray(payload?.items) ? payload.items.filter((one) => one && typeof one === 'object') : [];
  if (!entries.length) return text ? h('pre', {}, plain(text, 10_000)) : null;
  return h('section', { class: 'kind-pane' }, table([
    { title: 'metric', class: 'mono', cell: (one) => plain(one.name ?? '') },
    { title: 'type', cell: (one) => plain(one.type ?? '') },
    { title: 'value', class: 'number', cell: (one) => [plain(one.value ?? ''), one.unit ? ` ${plain(one.unit, 20)}` : ''] },
    { title: 'attributes', class: 'wide', cell: (one) => details(one) },
  ], entries.slice(0, LISTED), { caption: 'Metrics' }));
}

function details({ attributes = {} }) {
  const own = Object.entries(attributes ?? {}).map(([name, one]) => [name, one && typeof one === 'object' && 'value' in one ? one.value : one]);
  if (!own.length) return '';
  return h('details', {}, h('summary', {}, own.filter(([name]) => !name.startsWith('sentry.')).map(([name, value]) => `${plain(name, 40)}=${plain(value, 40)}`).join(' ') || `${own.length} attributes`), pairs(own));
}
