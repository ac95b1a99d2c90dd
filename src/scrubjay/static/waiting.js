// What stands where a list is empty: nothing matches, or nothing has come yet, and how to send something.

import { copyButton, h } from './dom.js';

export function waiting(app, kind) {
  const { q, project, ...rest } = app.params();
  const filtered = [q, project, ...Object.values(rest)].some((value) => value?.length);
  if (filtered) return [h('h2', {}, 'Nothing matches'), h('p', {}, h('a', { href: `#/${location.hash.split(/[/?]/)[1] ?? ''}` }, 'Show everything'))];
  const { dsn = '' } = app.status();
  const line = (label, text) => h('p', { class: 'paste' }, h('span', {}, label), h('code', {}, text), copyButton('Copy', () => text));
  return [
    h('h2', {}, `Waiting for the first ${kind}`),
    line('DSN for any SDK', dsn),
    line('or its development switch', 'SENTRY_SPOTLIGHT=1'),
    h('p', { class: 'quiet' }, 'It shows up here as it would leave: scrubbed. Nothing leaves this machine. ', h('a', { href: '#/setup' }, 'Snippets for your SDK')),
  ];
}
