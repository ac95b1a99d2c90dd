// Setup: where to send, what to paste, and a list that ticks off what has arrived.

import { copyButton, h, tabs } from './dom.js';
import { SNIPPETS } from './snippets.js';

const CHECKS = [
  ['error', 'An error', 'Raise an exception, or press the button below.'],
  ['transaction', 'A trace', 'Set the traces sample rate above zero: it is off in most SDKs.'],
  ['log', 'A log', 'Logs have to be turned on (enable_logs, enableLogs).'],
  ['feedback', 'Feedback', 'Sent by the feedback widget or capture_feedback.'],
];
const PITFALLS = [
  ['Nothing comes, though the SDK is set up', 'SDKs with the Spotlight switch give up after a few failures: Node after four in a row until it is restarted, Python for up to a minute. Start the sink first, or restart the application.'],
  ['Errors come, traces do not', 'The sample rate is zero, or a sampler returns zero. Set tracesSampleRate (traces_sample_rate) to 1.0.'],
  ['No logs', 'Logs are opt-in: enableLogs (enable_logs). Some SDKs send them in batches, up to five seconds later.'],
  ['It runs in a container', 'localhost is the container there: use host.docker.internal, or 10.0.2.2 in the Android emulator. Taking events in does not look at the host name.'],
  ['The script ends before its event is sent', 'Flush before the end: sentry_sdk.flush(), Sentry.flush(), sentry.Flush(…).'],
  ['An event is marked as filtered or sampled', 'The pipeline would drop it in production too; the record says which rule it was.'],
];

export default { open };

function open(app, root) {
  const checks = h('ul', { class: 'checks' });
  const page = h('div', { class: 'page setup' });
  root.append(page);

  function tick() {
    const { kept = {}, totals = {} } = app.status();
    const has = (type) => (kept.records?.[type] ?? 0) > 0 || (totals.items?.[{ error: 'event' }[type] ?? type] ?? 0) > 0;
    checks.replaceChildren(...CHECKS.map(([type, title, hint]) => {
      const done = has(type);
      return h('li', { class: done ? 'done' : 'open', 'data-check': type },
        h('span', { class: 'mark', 'aria-hidden': 'true' }, done ? '✓' : '○'), h('strong', {}, title),
        h('span', { class: 'quiet' }, done ? 'has arrived' : hint));
    }));
  }

  async function send() {
    await sendTestEvent(app.status().dsn);
    app.toast('Sent. It is in the list of errors.');
  }

  function draw() {
    const { dsn = '', spotlight_url: spotlight = new URL('stream', app.api.ORIGIN).href } = app.status();
    const snippets = tabs(SNIPPETS.map(([title, install, code]) => ({
      id: title.replace(/\W/g, '').toLowerCase(), title,
      fill: (panel) => {
        const text = code({ dsn, spotlight });
        panel.append(install && h('p', { class: 'paste' }, h('code', {}, install), copyButton('Copy', () => install)),
          h('div', { class: 'snippet' }, h('pre', { tabindex: '0' }, text), copyButton('Copy', () => text)));
      },
    })), { label: 'SDK' });
    const line = (label, text) => h('p', { class: 'paste' }, h('span', {}, label), h('code', {}, text), copyButton('Copy', () => text));
    page.replaceChildren(
      h('h2', {}, 'Connect your SDK'),
      h('p', { class: 'quiet' }, 'Any project number and any key of 32 characters will do. Events run through the whole pipeline and end here.'),
      line('DSN', dsn), line('Spotlight', `SENTRY_SPOTLIGHT=${spotlight}`),
      h('section', {}, snippets.element),
      h('section', {}, h('h3', {}, 'What has arrived'), checks,
        h('p', { class: 'buttons' }, h('button', { type: 'button', id: 'send-test', onclick: () => send().catch((error) => app.toast(`Not sent: ${error.message}`)) }, 'Send a test event'))),
      h('section', {}, h('h3', {}, 'When something is missing'),
        h('dl', { class: 'pitfalls' }, PITFALLS.map(([what, why]) => h('div', {}, h('dt', {}, what), h('dd', {}, why))))));
    tick();
  }

  return {
    show: draw,
    counted: tick,
  };
}

/** Posts an event as an SDK would: it has something to scrub, too. */
async function sendTestEvent(dsn) {
  const { username: key, pathname } = new URL(dsn);
  const project = pathname.replace(/\D/g, '') || '1';
  const id = crypto.randomUUID().replaceAll('-', '');
  const event = {
    event_id: id, timestamp: Date.now() / 1000, platform: 'javascript', level: 'error', environment: 'test',
    exception: { values: [{ type: 'TestError', value: 'a test event of the setup page', stacktrace: { frames: [{ filename: 'setup.js', function: 'send', lineno: 1, in_app: true }] } }] },
    user: { email: 'jane.doe@example.com', id: '7' },
    extra: { card: '4111 1111 1111 1111', note: 'what you see here went through scrubbing' },
    tags: { from: 'setup page' },
  };
  const body = [{ event_id: id }, { type: 'event' }, event].map((part) => JSON.stringify(part)).join('\n');
  const url = new URL(`../api/${project}/envelope/?sentry_version=7&sentry_key=${key}`, import.meta.url);
  const response = await fetch(url, { method: 'POST', body, headers: { 'Content-Type': 'application/x-sentry-envelope' } });
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
}
