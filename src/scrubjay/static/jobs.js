// What can be done with a record: copies to paste elsewhere, a download, a link. The forms are the API's (`/export`).

import { h } from './dom.js';

const COPIES = [
  { as: 'json', label: 'JSON', title: 'Copy the scrubbed payload (c)', key: 'c' },
  { as: 'markdown', label: 'Markdown', title: 'Copy for a chat or a ticket (m)', key: 'm' },
  { as: 'curl', label: 'curl', title: 'Copy a command that sends it again' },
  { as: 'python', label: 'Python test', title: 'Copy a test that expects it' },
];

/** The buttons, and the keys that press them. */
export function jobs({ record, app }, base) {
  const copy = async ({ as, label }) => {
    try {
      await put(app.api.exportAs(record.id, as));
      app.toast(`Copied as ${label}.`);
    } catch (error) {
      app.toast(`Not copied: ${error.message}`);
    }
  };
  const download = async () => {
    try {
      const url = URL.createObjectURL(new Blob([await app.api.exportAs(record.id, 'envelope')], { type: 'application/x-sentry-envelope' }));
      h('a', { href: url, download: `${record.capture_id}.envelope` }).click();
      setTimeout(() => URL.revokeObjectURL(url), 10_000);
    } catch (error) {
      app.toast(`Not downloaded: ${error.message}`);
    }
  };
  const link = () => {
    const address = new URL(location.href);
    address.hash = `#/${base}/${encodeURIComponent(record.id)}`;
    navigator.clipboard.writeText(address.href).then(() => app.toast('Link copied.'), (error) => app.toast(`Not copied: ${error.message}`));
  };
  const button = (label, title, run) => h('button', { type: 'button', class: 'small', title, onclick: run }, label);
  const element = h('div', { class: 'jobs', role: 'group', 'aria-label': 'Copy and download' },
    h('span', { class: 'quiet' }, 'Copy'),
    COPIES.map((form) => button(form.label, form.title, () => copy(form))),
    button('Link', 'Copy the address of this record', link),
    button('Envelope', 'Download the scrubbed envelope', download));
  return { element, keys: Object.fromEntries(COPIES.filter(({ key }) => key).map((form) => [form.key, () => copy(form)])) };
}

/** Copies a text that is still on its way; some browsers want to be told before they wait for it. */
function put(text) {
  if (!globalThis.ClipboardItem) return text.then((value) => navigator.clipboard.writeText(value));
  return navigator.clipboard.write([new ClipboardItem({ 'text/plain': text.then((value) => new Blob([value], { type: 'text/plain' })) })]);
}
