// What the page says on its own: short notices, banners that stay while something lasts, desktop notifications.

import { stripped } from './ansi.js';
import { byId, h } from './dom.js';
import { icon } from './icons.js';
import { plain } from './shown.js';

const TOAST_MS = 5000;
const NOTIFY = 'scrubjay.notify';
const RANKS = ['debug', 'info', 'warning', 'error', 'fatal'];

/** A short notice; with `action` and `ms` one that can be answered until the time is over. Returns what takes it away. */
export function toast(text, { action = '', onAction = () => {}, ms = TOAST_MS } = {}) {
  const element = h('p', { class: 'toast' }, h('span', {}, text),
    action && h('button', { type: 'button', class: 'small', onclick: () => { close(); onAction(); } }, action));
  const timer = setTimeout(() => close(), ms);
  function close() {
    clearTimeout(timer);
    element.remove();
  }
  byId('toasts').append(element);
  return close;
}

const banners = new Map();

/** A line above the view, one per `name`, until it is set to nothing. */
export function banner(name, kind, ...content) {
  const [before] = banners.get(name) ?? [];
  const key = content.map((part) => part?.textContent ?? part).join('');
  if (banners.get(name)?.[1] === key) return;
  before?.remove();
  banners.delete(name);
  if (!content.length) return;
  const element = h('p', { class: `banner ${kind}`, role: 'status' }, icon('warning'), h('span', {}, content));
  banners.set(name, [element, key]);
  byId('banners').append(element);
}

/** Which levels are notified of: '' for none, else the lowest one. */
export const notifyLevel = () => localStorage.getItem(NOTIFY) ?? '';

export async function setNotifyLevel(level) {
  if (level && (await Notification.requestPermission()) !== 'granted') return false;
  localStorage.setItem(NOTIFY, level);
  return true;
}

/** One notification for what came while nobody looked. */
export function notify(records) {
  const lowest = RANKS.indexOf(notifyLevel());
  if (lowest < 0 || globalThis.Notification?.permission !== 'granted') return;
  const loud = records.filter((record) => RANKS.indexOf(record.level) >= lowest);
  if (!loud.length) return;
  const more = loud.length > 1 ? `and ${loud.length - 1} more` : loud[0].culprit ?? '';
  new Notification(plain(stripped(loud[0].title)), { body: plain(more), tag: 'scrubjay' });
}
