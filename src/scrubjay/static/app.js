// The page: keeps the address, the list and the details in step, and listens for what arrives.

import * as api from './api.js';
import { renderDetail } from './detail.js';
import { byId, copyButton, h } from './dom.js';
import { addRecords, neighbour, refreshTimes, renderTypes, select, showRecords } from './list.js';
import { startTheme, toggleTheme } from './theme.js';

const FILTERS = ['type', 'message', 'project', 'level'];
const state = { filters: {}, id: '', cursor: '', paused: false, unseen: 0, listening: null };

// The address: #id=…&type=…&message=…

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  if (given.get('token')) {
    api.keepToken(given.get('token'));
    given.delete('token');
    history.replaceState(null, '', `#${given}`);
  }
  const filters = {};
  for (const name of FILTERS) if (given.get(name)) filters[name] = given.get(name);
  return { filters, id: given.get('id') ?? '' };
}

function address(changes) {
  const wanted = { ...state.filters, id: state.id, ...changes };
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(wanted)) if (value) params.set(name, value);
  return `#${params}`;
}

const hrefOfRecord = (id) => address({ id });
const hrefOfType = (type) => address({ type });

async function followAddress() {
  const { filters, id } = readAddress();
  const sameFilters = JSON.stringify(filters) === JSON.stringify(state.filters);
  const sameId = id === state.id;
  state.filters = filters;
  state.id = id;
  for (const name of ['message', 'project', 'level']) {
    const field = byId(name);
    if (field !== document.activeElement) field.value = filters[name] ?? '';
  }
  if (!sameFilters) await reload();
  select(id);
  if (!sameId) await showDetail();
}

// The list

async function reload() {
  state.listening?.abort();
  try {
    const { body, cursor } = await api.events(state.filters);
    state.cursor = cursor;
    showRecords(body.events, hrefOfRecord, state.id);
    await refreshCounts(body.total);
    connected();
  } catch (error) {
    failed(error);
  }
}

async function refreshCounts() {
  const { body } = await api.status();
  renderTypes(body.kept.records, state.filters.type ?? '', hrefOfType);
  const errors = body.kept.records.error ?? 0;
  document.title = errors ? `(${errors}) scrubjay capture` : 'scrubjay capture';
  const nothing = !byId('records').children.length;
  byId('empty').hidden = !nothing;
  if (nothing) byId('empty').replaceChildren(...howTo(body));
}

function howTo(status) {
  if (Object.keys(state.filters).length) return [h('h2', {}, 'Nothing matches'), h('p', {}, h('a', { href: '#' }, 'Show everything'))];
  const snippet = `sentry_sdk.init(dsn="${status.dsn}")`;
  const line = (label, text) => h('p', {}, label, h('br'), h('code', {}, text), ' ', copyButton('Copy', () => text));
  return [
    h('h2', {}, 'Waiting for the first event'),
    line('Point any SDK at this DSN:', status.dsn),
    line('In Python:', snippet),
    h('p', { class: 'quiet' }, 'Events show up here scrubbed, as they would leave. Nothing leaves this machine.'),
  ];
}

// Listening

async function listen() {
  let pause_ms = 500;
  for (;;) {
    if (state.paused) {
      await sleep(200);
      continue;
    }
    const listening = new AbortController();
    state.listening = listening;
    try {
      const { body, cursor } = await api.wait(state.filters, state.cursor, listening.signal);
      if (listening.signal.aborted) continue;
      state.cursor = cursor || state.cursor;
      pause_ms = 500;
      connected();
      if (body.events.length) arrived(body.events);
      await refreshCounts();
    } catch (error) {
      if (listening.signal.aborted) continue;
      failed(error);
      await sleep(pause_ms);
      pause_ms = Math.min(10_000, pause_ms * 2);
    }
  }
}

function arrived(records) {
  const { added, atTop } = addRecords(records, hrefOfRecord, state.id);
  state.unseen = atTop ? 0 : state.unseen + added;
  showNews();
}

function showNews() {
  const scroller = byId('records').parentElement;
  const toTop = () => { scroller.scrollTop = 0; };
  byId('news').replaceChildren(...(state.unseen ? [h('button', { type: 'button', class: 'pill', onclick: toTop }, `${state.unseen} new`)] : []));
}

const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

function connected() {
  setConnection(state.paused ? 'paused' : 'live');
}

function failed(error) {
  const wantsToken = error instanceof api.ApiError && error.status === 401;
  setConnection('offline', wantsToken ? 'needs the token: open this page as /#token=…' : `offline: ${error.message}`);
}

function setConnection(name, text = name) {
  const target = byId('connection');
  target.dataset.state = name;
  if (target.textContent !== text) target.textContent = text;
}

// The details

async function showDetail() {
  const target = byId('detail');
  document.body.classList.toggle('reading', Boolean(state.id));
  if (!state.id) {
    target.replaceChildren(h('p', { class: 'hint' }, 'Choose a record to see it as it would leave. Keys: j and k move, / searches.'));
    return;
  }
  const wanted = state.id;
  try {
    const { body } = await api.event(wanted);
    if (state.id !== wanted) return;
    renderDetail(target, body);
    target.prepend(h('a', { class: 'back', href: address({ id: '' }) }, '← back to the list'));
  } catch (error) {
    target.replaceChildren(h('p', { class: 'hint' }, error.message));
  }
  target.scrollTop = 0;
}

// Buttons and keys

function togglePause() {
  state.paused = !state.paused;
  byId('pause').setAttribute('aria-pressed', String(state.paused));
  byId('pause').textContent = state.paused ? 'Resume' : 'Pause';
  if (state.paused) state.listening?.abort();
  connected();
}

async function clearAll() {
  await api.clear();
  state.unseen = 0;
  showNews();
  if (state.id) location.hash = address({ id: '' });
  await reload();
}

const KEYS = {
  '/': () => byId('message').focus(),
  j: () => step(1),
  k: () => step(-1),
  p: togglePause,
  t: toggleTheme,
  x: clearAll,
  Escape: () => { location.hash = address({ id: '' }); },
};

function step(by) {
  const item = neighbour(state.id, by);
  if (!item) return;
  location.hash = hrefOfRecord(item.dataset.id);
  item.querySelector('a').focus();
}

function onKey(event) {
  const typing = event.target.matches('input, select, textarea');
  if (event.ctrlKey || event.metaKey || event.altKey || (typing && event.key !== 'Escape')) return;
  if (typing) event.target.blur();
  else if (KEYS[event.key]) {
    event.preventDefault();
    KEYS[event.key]();
  }
}

function onFilter() {
  const values = Object.fromEntries(new FormData(byId('filters')));
  history.replaceState(null, '', address({ ...values }));
  followAddress();
}

document.documentElement.lang = 'en';
startTheme();
byId('pause').addEventListener('click', togglePause);
byId('clear').addEventListener('click', clearAll);
byId('theme').addEventListener('click', toggleTheme);
byId('filters').addEventListener('submit', (event) => event.preventDefault());
byId('filters').addEventListener('input', onFilter);
byId('records').parentElement.addEventListener('scroll', (event) => {
  if (event.target.scrollTop < 10 && state.unseen) {
    state.unseen = 0;
    showNews();
  }
});
addEventListener('hashchange', followAddress);
addEventListener('keydown', onKey);
setInterval(refreshTimes, 5000);

Object.assign(state, readAddress());
for (const name of ['message', 'project', 'level']) byId(name).value = state.filters[name] ?? '';
await reload();
await showDetail();
listen();
