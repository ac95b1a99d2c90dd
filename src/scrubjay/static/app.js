// The shell: addresses, the rail, the bar, what arrives. A view gets `app` and an element; see `views.js`.

import * as api from './api.js';
import { Clearing } from './clearing.js';
import { byId, h, refreshTimes } from './dom.js';
import { showHelp } from './help.js';
import { icon } from './icons.js';
import { banner, notify, toast } from './notices.js';
import { showCounts, showRail } from './rail.js';
import { format, keepLinksHere, parse } from './router.js';
import { startSearch } from './search.js';
import { plain } from './shown.js';
import { Live } from './stream.js';
import { startTheme, toggleTheme } from './theme.js';
import { VIEWS } from './views.js';

const GLOBAL = ['q', 'project'];
const MASK = 'scrubjay.masked';
const START_WAIT_S = 5;
const MOST_HELD = 5000;

const state = {
  at: { view: '', segments: [], params: {} }, view: null, opened: null, listening: '', status: {}, started: '',
  paused: false, held: { arrived: [], changed: [] }, unseen: 0, masked: localStorage.getItem(MASK) === 'yes',
};
const keys = [];
const maskListeners = new Set();

/** What views are given. */
const app = {
  api,
  toast,
  params: () => state.at.params,
  status: () => state.status,
  originals: () => state.status.originals ?? 'none',
  masked: () => state.masked,
  paused: () => state.paused,

  /** Without `params` those of the present address stay; another view takes only search and project along. */
  href(path, params) {
    if (params) return format(path, params);
    const stays = path.split('/')[0] === state.at.view;
    return format(path, stays ? state.at.params : chosen(GLOBAL));
  },

  go(path, params, { replace = false } = {}) {
    const hash = app.href(path, params);
    if (!replace) {
      location.hash = hash;
      return;
    }
    history.replaceState(null, '', location.href.replace(/#.*$/s, '') + hash);
    route();
  },

  /** Parameters for lists of the API: the filters of the address, what can still be cleared left out, and `more`. */
  filters(more = {}) {
    const found = Object.fromEntries(Object.entries(state.at.params).filter(([name]) => api.isFilter(name)));
    return { ...(clearing.since ? { since: clearing.since } : {}), ...found, ...more };
  },

  /** `map`: key → function. The newest wins. Returns what takes them away. */
  keys(map) {
    keys.unshift(map);
    return () => keys.splice(keys.indexOf(map), 1);
  },

  onMask(listener) {
    maskListeners.add(listener);
    return () => maskListeners.delete(listener);
  },
};

const chosen = (names) => Object.fromEntries(names.filter((name) => state.at.params[name]).map((name) => [name, state.at.params[name]]));

// Addresses

let routing = Promise.resolve();

/** One address after the other, the last one wins. */
function queue(step) {
  routing = routing.then(step).catch((error) => {
    if (error.status === 401) return showConnection('locked');
    console.error(error);
    return banner('view', 'bad', `This view failed: ${error.message}`);
  });
  return routing;
}

const route = () => queue(follow);

const viewAt = (at) => VIEWS.find(({ name }) => name === at.view) ?? VIEWS[0];

async function follow() {
  const at = parse(location.hash);
  if (at.params.token) return takeToken(at);
  const view = viewAt(at);
  const moved = view !== state.view;
  state.at = { ...at, view: view.name };
  state.view = view;
  if (moved) await openView();
  search.show(at.params.q ?? '');
  byId('project').value = at.params.project ?? '';
  listen();
  showTitle();
  showRail(app, view.name);
  await state.opened.show(at.segments, at.params);
}

function takeToken({ view, params: { token, ...params } }) {
  api.keepToken(token);
  history.replaceState(null, '', location.href.replace(/#.*$/s, '') + format(view, params));
  state.listening = '';
  state.view = null; // what was refused is loaded anew
  return refreshStatus().then(follow);
}

async function openView() {
  state.opened?.close?.();
  banner('view', 'bad');
  const { default: module } = await state.view.load();
  const root = h('div', { class: `view ${state.view.name}` });
  byId('view').replaceChildren(root);
  state.opened = module.open(app, root);
}

/** Everything anew, as after a restart of the server or when a clear was taken back. */
const reload = () => queue(async () => {
  state.listening = '';
  state.held = { arrived: [], changed: [] };
  await openView();
  await follow();
});

// What arrives

const live = new Live({
  batch: ({ arrived, changed }) => {
    tell(arrived);
    if (state.paused) hold(arrived, changed);
    else deliver(arrived, changed);
  },
  cleared: (ids) => state.opened?.cleared?.(ids),
  stats: (document) => takeStatus({ ...state.status, ...document }),
  state: (name, detail, error) => {
    if (error?.status === 401) return showConnection('locked');
    return showConnection(name, detail);
  },
  restarted: async () => {
    const before = state.started;
    await refreshStatus();
    if (before === state.started) return false;
    reload();
    return true;
  },
});

/** Listens for what the present view shows, and for errors, which the title and notifications tell of. */
function listen() {
  const { types } = state.view;
  const params = { ...app.filters(), ...(types ? { type: [...new Set([...types, 'error'])] } : {}) };
  delete params.since;
  const wanted = JSON.stringify(params);
  if (wanted === state.listening) return;
  state.listening = wanted;
  live.listen(params, api.cursor());
}

/** While paused. What is too much to keep is loaded anew afterwards. */
function hold(arrived, changed) {
  const { held } = state;
  if (held.arrived.length < MOST_HELD) held.arrived.push(...arrived);
  if (held.changed.length < MOST_HELD) held.changed.push(...changed);
  showConnection('live');
}

function release() {
  const { arrived, changed } = state.held;
  state.held = { arrived: [], changed: [] };
  if (Math.max(arrived.length, changed.length) >= MOST_HELD) reload();
  else deliver(arrived, changed);
}

const mine = (records) => (state.view?.types ? records.filter(({ type }) => state.view.types.includes(type)) : records);

function deliver(arrived, changed) {
  const came = mine(arrived);
  const other = mine(changed);
  if (came.length) state.opened?.arrived?.(came);
  if (other.length) state.opened?.changed?.(other);
}

function tell(arrived) {
  if (!document.hidden && document.hasFocus()) return;
  state.unseen += arrived.filter(({ type }) => type === 'error').length;
  showTitle();
  notify(arrived);
}

function showTitle() {
  document.title = `${state.unseen ? `(${state.unseen}) ` : ''}${state.view?.title ?? 'capture'} · scrubjay`;
}

function showConnection(name, detail = '') {
  const target = byId('connection');
  const shown = name === 'live' && state.paused ? 'paused' : name;
  const count = mine(state.held.arrived).length;
  const text = { live: 'live', paused: count ? `paused, ${count} new` : 'paused', lost: 'offline', locked: 'locked' }[shown] ?? shown;
  target.dataset.state = shown;
  if (target.textContent !== text) target.textContent = text;
  if (shown === 'lost') banner('connection', 'bad', `No connection to the sink (${detail}). What is shown stays; it is tried again.`);
  else if (shown === 'locked') banner('connection', 'bad', 'This address needs the token: open the page once as /#token=…');
  else banner('connection', 'bad');
}

async function refreshStatus() {
  const document = await api.status();
  state.started = document.started_at ?? String(Math.round(Date.now() / 1000 - document.uptime_s));
  takeStatus(document);
}

function takeStatus(document) {
  const { oldest = '' } = document.kept ?? {};
  if (oldest > (state.status.kept?.oldest ?? '')) state.opened?.evicted?.(oldest);
  state.status = document;
  showCounts(document, clearing.counts);
  state.opened?.counted?.();
  showFaults();
}

async function showFaults() {
  const { faults = [] } = state.status.faults ? await api.faults().catch(() => ({})) : {};
  const end = () => api.endFaults().then(refreshStatus).catch((error) => toast(error.message));
  if (!faults.length) return banner('faults', 'warn');
  const kinds = [...new Set(faults.map(({ action }) => String(action?.type ?? action)))].join(', ');
  return banner('faults', 'warn', `Faults are injected into what SDKs send: ${kinds}. `, h('button', { type: 'button', class: 'small', onclick: end }, 'End them'));
}

// The bar

const clearing = new Clearing(
  () => { state.opened?.cleared?.(null); takeStatus(state.status); },
  () => { takeStatus(state.status); reload(); },
);

const search = startSearch(app, {
  onSearch: (q) => app.go([state.at.view, ...state.at.segments].join('/'), { ...state.at.params, q }, { replace: true }),
});

const tool = (name, label, key, run) => h('button', { type: 'button', id: name, title: `${label} (${key})`, 'aria-label': label, onclick: run }, icon(name));

function togglePause() {
  state.paused = !state.paused;
  const button = byId('pause');
  button.setAttribute('aria-pressed', String(state.paused));
  button.replaceChildren(icon(state.paused ? 'play' : 'pause'));
  if (!state.paused) release();
  showConnection(byId('connection').dataset.state === 'lost' ? 'lost' : 'live');
}

function toggleMask() {
  state.masked = !state.masked;
  localStorage.setItem(MASK, state.masked ? 'yes' : 'no');
  showMask();
  for (const listener of maskListeners) listener(state.masked);
}

function showMask() {
  byId('eye').setAttribute('aria-pressed', String(state.masked));
  byId('eye').replaceChildren(icon(state.masked ? 'eyeoff' : 'eye'));
}

const clearAll = () => clearing.start(state.status.kept?.records ?? {}).catch((error) => toast(`Not cleared: ${error.message}`));

const KEYS = {
  '/': () => byId('search').focus(),
  p: togglePause,
  t: toggleTheme,
  x: clearAll,
  s: toggleMask,
  '?': () => showHelp(),
};

function onKey(event) {
  const typing = event.target.matches('input, select, textarea, [contenteditable]');
  if (event.ctrlKey || event.metaKey || event.altKey || typing || event.target.closest('dialog')) return;
  const map = [...keys, KEYS].find((each) => Object.hasOwn(each, event.key));
  if (!map) return;
  event.preventDefault();
  map[event.key](event);
}

async function fillProjects() {
  const { by_project: found = {} } = await api.stats().catch(() => ({}));
  const present = byId('project').value;
  const names = new Set([...Object.keys(found), ...(present ? [present] : [])]);
  byId('project').replaceChildren(h('option', { value: '' }, 'All projects'), ...[...names].sort().map((name) => h('option', { value: name }, `Project ${plain(name, 60)}`)));
  byId('project').value = present;
}

/** An address that a page of some framework wants opened: its event may still be on the way. */
async function openAsked() {
  // Django's middleware overwrites what it said with the options of its badge, but not the script that said it.
  const scripts = Array.from(document.scripts, (script) => /startFrom: "([^"]*)"/.exec(script.textContent)?.[1]);
  const place = [globalThis.__spotlight?.initOptions?.startFrom, ...scripts].find(Boolean) ?? '';
  const [, id] = /^\/errors\/([0-9a-f-]+)/i.exec(place) ?? [];
  if (!id || location.hash) return;
  await api.wait({ event_id: id, count: 1, timeout: START_WAIT_S }).catch(() => null);
  history.replaceState(null, '', location.href.replace(/#.*$/s, '') + format(`errors/${id}`));
}

async function start() {
  document.documentElement.lang = 'en';
  startTheme();
  byId('tools').append(
    tool('pause', 'Pause', 'p', togglePause), tool('clear', 'Clear', 'x', clearAll), tool('eye', 'Safe to share: mask originals', 's', toggleMask),
    tool('theme', 'Light or dark', 't', toggleTheme), tool('help', 'Keys and settings', '?', () => showHelp()));
  byId('pause').setAttribute('aria-pressed', 'false');
  showMask();
  byId('skip').addEventListener('click', () => byId('main').focus());
  byId('project').addEventListener('focus', fillProjects);
  byId('project').addEventListener('change', (event) => app.go(state.at.view, { ...state.at.params, project: event.target.value }));
  addEventListener('hashchange', route);
  addEventListener('keydown', onKey);
  addEventListener('focus', () => { state.unseen = 0; showTitle(); });
  keepLinksHere();
  setInterval(refreshTimes, 5000);
  showRail(app, '');
  viewAt(parse(location.hash)).load().catch(() => {}); // it is on the way while the status is asked for; `openView` tells of failures
  await refreshStatus().catch((error) => showConnection(error.status === 401 ? 'locked' : 'lost', error.message));
  await openAsked();
  await route();
}

await start();
