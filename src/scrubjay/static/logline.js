// One log line in full: what was said, its template and parameters apart, and its attributes.

import { exact, h } from './dom.js';
import { ansi } from './ansi.js';
import { levelBadge } from './levels.js';
import { shown } from './shown.js';
import { pairs, traceAddress } from './span.js';

const TEMPLATE = 'sentry.message.template';
const PARAMETER = 'sentry.message.parameter.';

/** `detail`: as `GET /events/{id}` answers. */
export function logPane(detail, app) {
  const entry = detail.payload ?? {};
  const attributes = Object.entries(entry.attributes ?? {}).map(([name, value]) => [name, value && typeof value === 'object' && 'value' in value ? value.value : value]);
  const template = attributes.find(([name]) => name === TEMPLATE)?.[1];
  const parameters = attributes.filter(([name]) => name.startsWith(PARAMETER)).map(([name, value]) => [name.slice(PARAMETER.length), value]);
  const own = attributes.filter(([name]) => !name.startsWith('sentry.'));
  const common = attributes.filter(([name]) => name.startsWith('sentry.') && name !== TEMPLATE && !name.startsWith(PARAMETER));
  return h('article', { class: 'log-pane' },
    h('p', { class: 'badges' }, detail.level ? levelBadge(detail.level) : null, h('time', { class: 'quiet', datetime: detail.timestamp }, exact(detail.timestamp))),
    h('pre', { class: 'message', tabindex: '0' }, ansi(detail.message ?? detail.title, { limit: 20_000 })),
    template ? part('Template', h('p', { class: 'mono' }, shown(template)), parameters.length ? pairs(parameters, 'Parameters') : null) : null,
    own.length ? part('Attributes', pairs(own, 'Attributes')) : null,
    common.length ? h('details', {}, h('summary', {}, `${common.length} attributes of the SDK`), pairs(common, 'Attributes of the SDK')) : null,
    h('p', { class: 'links-row' },
      detail.trace_id ? h('a', { href: app.href(traceAddress(detail)) }, 'Trace') : null,
      detail.trace_id ? h('a', { href: app.href('logs', { trace_id: detail.trace_id }) }, 'Lines of this trace') : null));
}

const part = (title, ...content) => h('section', {}, h('h3', {}, title), ...content);
