// The rail: one entry per view, with how many records of its types are kept.

import { byId, h } from './dom.js';
import { icon } from './icons.js';
import { VIEWS } from './views.js';

const shown = new Map();

export function showRail(app, current) {
  const entry = ({ name, title }) => {
    const count = shown.get(name) ?? h('span', { class: 'count' });
    shown.set(name, count);
    return h('li', {}, h('a', { href: app.href(name), 'data-view': name, 'aria-current': name === current ? 'page' : null },
      icon(name), h('span', { class: 'name' }, title), count));
  };
  byId('rail').replaceChildren(h('ul', {}, VIEWS.map(entry)));
  byId('rail').querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
}

/** `hidden`: what a clear that can still be taken back hides, by type. */
export function showCounts(status, hidden) {
  const kept = status.kept?.records ?? {};
  for (const { name, types } of VIEWS) {
    const count = (types ?? []).reduce((sum, type) => sum + Math.max(0, (kept[type] ?? 0) - (hidden[type] ?? 0)), 0);
    const target = shown.get(name);
    if (!target) continue;
    const text = count ? short(count) : '';
    if (target.textContent !== text) target.textContent = text;
    target.title = count ? count.toLocaleString('en') : '';
    target.classList.toggle('bad', name === 'errors' && count > 0);
  }
}

const short = (count) => (count < 10_000 ? String(count) : `${Math.floor(count / 1000)}k`);
