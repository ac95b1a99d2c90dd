// Keys and settings, in one dialog.

import { h } from './dom.js';
import { notifyLevel, setNotifyLevel, toast } from './notices.js';

const KEYS = [
  ['/', 'search'], ['j  k', 'next, previous'], ['Enter', 'open'], ['Esc', 'back to the list'], ['d', 'what scrubbing changed'],
  ['c', 'copy as JSON'], ['m', 'copy as Markdown'], ['p', 'pause, go on'], ['x', 'clear, with ten seconds to undo'],
  ['s', 'safe to share: mask originals'], ['t', 'light or dark'], ['?', 'this'],
];
const LEVELS = [['', 'never'], ['fatal', 'for fatal errors'], ['error', 'for errors'], ['warning', 'for warnings and errors'], ['debug', 'for every level']];

export function showHelp() {
  const choice = h('select', { id: 'notify' }, LEVELS.map(([level, text]) => h('option', { value: level, selected: level === notifyLevel() }, text)));
  choice.addEventListener('change', async () => {
    if (await setNotifyLevel(choice.value)) return;
    choice.value = '';
    toast('The browser does not allow notifications of this page.');
  });
  const dialog = h('dialog', { class: 'help', 'aria-labelledby': 'help-title' },
    h('form', { method: 'dialog' },
      h('h2', { id: 'help-title' }, 'Keys'),
      h('dl', { class: 'keys' }, KEYS.map(([key, text]) => h('div', {}, h('dt', {}, key.split('  ').map((each) => h('kbd', {}, each))), h('dd', {}, text)))),
      h('h2', {}, 'Settings'),
      h('p', {}, h('label', { for: 'notify' }, 'Notify me on the desktop '), choice),
      h('p', { class: 'buttons' }, h('button', {}, 'Close'))));
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
