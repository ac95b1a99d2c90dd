// Breadcrumbs: what happened before, on a time line that ends at the event.

import { badge, duration, exact, h } from './dom.js';
import { levelBadge, levelClass } from './levels.js';
import { leaf, marked, tree } from './tree.js';
import { address, brief, moreButton, plain } from './shown.js';

const FOLD = 50;
const SIGNS = { __proto__: null, http: '⇄', navigation: '→', user: '☞', ui: '☞', error: '!', query: '⛁', debug: '·', info: 'i', console: '>' };

export const crumbsOf = (payload) => {
  const holder = payload?.breadcrumbs;
  const list = Array.isArray(holder) ? holder : holder?.values;
  const base = Array.isArray(holder) ? '/breadcrumbs' : '/breadcrumbs/values';
  return Array.isArray(list) ? list.map((crumb, at) => ({ crumb, path: `${base}/${at}` })).filter(({ crumb }) => crumb && typeof crumb === 'object') : [];
};

export function crumbsTab({ record, notes }) {
  const crumbs = crumbsOf(record.payload).map((one) => ({ ...one, at_ms: moment(one.crumb.timestamp) }));
  const end_ms = Date.parse(record.timestamp);
  const state = { newestFirst: true, level: '', type: '', all: false };
  const list = h('ol', { class: 'crumbs' });
  const draw = () => {
    const chosen = crumbs.filter(({ crumb }) => (!state.level || levelOf(crumb) === state.level) && (!state.type || typeOf(crumb) === state.type));
    if (state.newestFirst) chosen.reverse();
    const visible = state.all || chosen.length <= FOLD ? chosen : state.newestFirst ? chosen.slice(0, FOLD) : chosen.slice(-FOLD);
    const rows = visible.map((one) => row(one, end_ms, notes));
    const showAll = () => { state.all = true; draw(); };
    const more = visible.length === chosen.length ? null : h('li', { class: 'plain' }, moreButton(`show ${chosen.length - visible.length} earlier`, showAll));
    if (more) rows[state.newestFirst ? 'push' : 'unshift'](more);
    list.replaceChildren(...(rows.length ? rows : [h('li', { class: 'quiet plain' }, 'Nothing matches.')]));
  };
  const choice = (label, name, values) => h('label', { class: 'choice' }, `${label} `,
    h('select', { onchange: (event) => { state[name] = event.target.value; draw(); } },
      h('option', { value: '' }, 'all'), [...new Set(values)].sort().slice(0, 100).map((value) => h('option', { value }, plain(value, 40)))));
  const order = h('button', { type: 'button', class: 'small', 'aria-pressed': 'false' }, 'Oldest first');
  order.addEventListener('click', () => {
    state.newestFirst = !state.newestFirst;
    order.setAttribute('aria-pressed', String(!state.newestFirst));
    draw();
  });
  draw();
  return h('div', {},
    h('div', { class: 'toolbar' }, choice('Level', 'level', crumbs.map(({ crumb }) => levelOf(crumb))), choice('Type', 'type', crumbs.map(({ crumb }) => typeOf(crumb))), order),
    list);
}

const levelOf = (crumb) => String(crumb.level ?? 'info');
const typeOf = (crumb) => String(crumb.type && crumb.type !== 'default' ? crumb.type : crumb.category ?? 'default');

function moment(value) {
  const number = typeof value === 'number' ? value : /^\d+(\.\d+)?$/.test(value ?? '') ? Number(value) : NaN;
  return Number.isNaN(number) ? Date.parse(typeof value === 'string' && !/[Z+]/.test(value.slice(10)) ? `${value}Z` : value) : number * 1000;
}

function row({ crumb, path, at_ms }, end_ms, notes) {
  const type = typeOf(crumb);
  const level = levelOf(crumb);
  const at = new Date(at_ms); // not every number is a time
  const time = Number.isNaN(at.valueOf()) ? '' : at.toISOString();
  const said = typeof crumb.message === 'string' ? marked(crumb.message, notes.at(`${path}/message`)) : leaf(crumb.message ?? '', notes.at(`${path}/message`));
  return h('li', { class: `crumb ${levelClass(level)}` },
    h('span', { class: 'sign', title: plain(type, 60), 'aria-hidden': 'true' }, SIGNS[type.split('.')[0]] ?? '•'),
    h('div', { class: 'crumbhead' },
      h('span', { class: 'category' }, brief(crumb.category ?? type, 80)),
      level === 'info' ? null : levelBadge(level),
      time ? h('time', { datetime: time, title: exact(time) }, time.slice(11, 23), ' ', h('span', { class: 'quiet' }, delta(at_ms - end_ms))) : null),
    h('div', { class: 'crumbbody' }, crumb.message === undefined || crumb.message === null ? null : h('div', {}, said), data(crumb, type, path, notes)));
}

const delta = (ms) => (Number.isNaN(ms) ? '' : ms > 0 ? `+${duration(ms)}` : ms === 0 ? '±0' : `−${duration(-ms)}`);

function data(crumb, type, path, notes) {
  const values = crumb.data;
  if (!values || typeof values !== 'object' || !Object.keys(values).length) return notes.at(`${path}/data`).length ? leaf(null, notes.at(`${path}/data`)) : null;
  const isHttp = /^(http|fetch|xhr)/.test(type) || /^(fetch|xhr|http|requests|httplib)/.test(String(crumb.category ?? ''));
  const status = values.status_code ?? values['http.response.status_code'];
  const head = isHttp ? h('div', { class: 'http' },
    h('code', {}, brief(values.method ?? values['http.method'] ?? 'GET', 20)), ' ',
    typeof values.url === 'string' ? address(values.url) : null, ' ',
    status === undefined ? null : badge(plain(status, 10), Number(status) >= 500 ? 'error' : Number(status) >= 400 ? 'warning' : 'info')) : null;
  const rest = isHttp ? Object.fromEntries(Object.entries(values).filter(([name]) => !['method', 'url', 'status_code'].includes(name))) : values;
  const hasRest = Object.keys(rest).length > 0;
  return [head, hasRest ? tree(rest, { remarks: notes, path: `${path}/data`, depth: 0 }).element : null];
}
