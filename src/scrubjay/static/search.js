// The search box: suggestions from the values that are there, and the marks of what was found. What a text means is the API's business.

import { byId, h } from './dom.js';
import { brief } from './shown.js';

const KEYS = [
  'level', 'type', 'project', 'environment', 'release', 'platform', 'sdk', 'transaction', 'outcome', 'user.id', 'exception', 'file',
  'logger', 'has', 'rule', 'via', 'message', 'trace_id', 'event_id', 'duration', 'bytes',
];
const FIXED = { __proto__: null, has: ['attachment', 'stacktrace', 'changes', 'suspects'], outcome: ['accepted', 'filtered', 'sampled', 'rate_limited', 'invalid', 'too_large'] };
const PRESENT = ['level', 'type', 'project', 'environment', 'release', 'platform', 'sdk', 'transaction', 'outcome', 'via', 'logger'];
const MOST_SHOWN = 9;
const MOST_VALUES = 200;
const FRESH_MS = 10_000;
const TYPING_MS = 150;

/** `onSearch(q)`: somebody searches, at every pause of typing. */
export function startSearch(app, { onSearch }) {
  const field = byId('search');
  const box = byId('suggestions');
  const values = known(app);
  let listed = [];
  let chosen = -1;
  let typing = 0;

  function search() {
    clearTimeout(typing);
    if (field.value !== (app.params().q ?? '')) onSearch(field.value);
  }

  async function suggest() {
    const present = await values();
    if (document.activeElement !== field) return;
    const [start, token] = tokenAt(field.value, field.selectionStart ?? field.value.length); // now: somebody went on typing
    listed = token || !field.value ? candidates(token, present) : [];
    box.replaceChildren(...listed.map((text, index) => h('li', {
      role: 'option', id: `suggestion-${index}`, 'aria-selected': 'false', onmousedown: (event) => { event.preventDefault(); take(start, token, text); },
    }, brief(text))));
    chosen = -1;
    open(listed.length > 0);
  }

  function open(is) {
    box.hidden = !is;
    field.setAttribute('aria-expanded', String(is));
    if (!is) field.removeAttribute('aria-activedescendant');
  }

  function take(start, token, text) {
    field.value = `${field.value.slice(0, start)}${text}${text.endsWith(':') ? '' : ' '}${field.value.slice(start + token.length).trimStart()}`;
    const at = start + text.length + (text.endsWith(':') ? 0 : 1);
    field.setSelectionRange(at, at);
    open(false);
    if (text.endsWith(':')) suggest();
    else search();
  }

  function move(step) {
    const options = [...box.children];
    chosen = (chosen + step + options.length) % options.length;
    options.forEach((option, index) => option.setAttribute('aria-selected', String(index === chosen)));
    field.setAttribute('aria-activedescendant', options[chosen].id);
    options[chosen].scrollIntoView({ block: 'nearest' });
  }

  field.addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(search, TYPING_MS);
    suggest();
  });
  field.addEventListener('focus', suggest);
  field.addEventListener('blur', () => open(false));
  field.addEventListener('keydown', (event) => {
    const isOpen = !box.hidden;
    if ((event.key === 'ArrowDown' || event.key === 'ArrowUp') && isOpen) {
      event.preventDefault();
      move(event.key === 'ArrowDown' ? 1 : -1);
    } else if (event.key === 'Enter') {
      event.preventDefault();
      const [start, token] = tokenAt(field.value, field.selectionStart ?? field.value.length);
      if (isOpen && chosen >= 0) take(start, token, listed[chosen]);
      else { open(false); search(); }
    } else if (event.key === 'Escape') {
      event.preventDefault();
      if (isOpen) open(false);
      else field.blur();
    }
  });
  byId('searching').addEventListener('submit', (event) => event.preventDefault());
  return { show(q) { if (document.activeElement !== field) field.value = q; } };
}

/** Where the word at `caret` starts, and the word up to there. */
function tokenAt(text, caret) {
  const before = text.slice(0, caret);
  const start = /(?:[^\s()"]|"[^"]*"?)*$/.exec(before).index;
  return [start, before.slice(start)];
}

function candidates(token, values) {
  const negated = token.startsWith('!') ? '!' : '';
  const word = token.slice(negated.length);
  const colon = word.indexOf(':');
  const tags = [...values.keys()].filter((name) => !KEYS.includes(name));
  if (colon < 0) {
    const names = [...KEYS, ...tags].filter((name) => name.startsWith(word.toLowerCase()) && (word || KEYS.includes(name)));
    return names.slice(0, MOST_SHOWN).map((name) => `${negated}${name}:`);
  }
  const key = word.slice(0, colon);
  const part = word.slice(colon + 1).replaceAll('"', '').toLowerCase();
  return [...(values.get(key) ?? FIXED[key] ?? [])]
    .filter((value) => value.toLowerCase().includes(part) && value.toLowerCase() !== part)
    .slice(0, MOST_SHOWN)
    .map((value) => `${negated}${key}:${/[\s()"]/.test(value) ? `"${value.replaceAll('"', '')}"` : value}`);
}

/** Returns a function that gives what values the kept records have: name → set of texts. */
function known(app) {
  let found = new Map();
  let read_mono = -Infinity;
  return async () => {
    if (performance.now() - read_mono < FRESH_MS) return found;
    read_mono = performance.now();
    const { events } = await app.api.events({ limit: 500 }).catch(() => ({ events: [] }));
    const next = new Map(Object.entries(FIXED).map(([name, list]) => [name, new Set(list)]));
    const note = (name, value) => {
      const set = next.get(name) ?? new Set();
      if (set.size < MOST_VALUES && value !== undefined && value !== null && String(value).length < 100) set.add(String(value));
      next.set(name, set);
    };
    for (const record of events) {
      for (const name of PRESENT) note(name, record[name]);
      note('user.id', record.user?.id);
      for (const [name, value] of Object.entries(record.tags ?? {})) note(name, value);
    }
    found = next;
    return found;
  };
}

// Marks

/** The words and phrases that a search looks for in texts: no filters, nothing negated. */
export function terms(q) {
  const found = [];
  for (const [, negated, key, phrase, word] of String(q ?? '').matchAll(/(!?)(?:([\w.]+):)?(?:"([^"]*)"|([^\s()"]+))/g)) {
    const text = phrase ?? word;
    if (negated || (key && key !== 'message') || (!key && phrase === undefined && /^(?:OR|AND)$/.test(text))) continue;
    const plain = text.replaceAll('*', '').toLowerCase();
    if (plain && !(word && /^[~!<>]/.test(word))) found.push(plain);
  }
  return found;
}

/** `text` with every hit of `words` marked: a list of texts and elements. */
export function marked(text, words) {
  const shown = String(text ?? '');
  if (!words.length || !shown) return [shown];
  const found = new RegExp(words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|'), 'gi');
  const parts = [];
  let at = 0;
  for (const { 0: hit, index } of shown.matchAll(found)) {
    parts.push(shown.slice(at, index), h('mark', { class: 'hit' }, hit));
    at = index + hit.length;
  }
  return [...parts, shown.slice(at)];
}
