// Reports that browsers send by themselves: of content security policies and the like.

import { h, table, when } from './dom.js';
import { plain, shown } from './shown.js';
import { pairs } from './span.js';

const LISTED = 300;
const NAMES = {
  __proto__: null,
  'effective-directive': 'directive', effectiveDirective: 'directive', 'violated-directive': 'directive', 'blocked-uri': 'blocked',
  blockedURL: 'blocked', 'document-uri': 'page', documentURL: 'page', disposition: 'disposition', type: 'kind', hostname: 'page',
};

export default { id: 'security', title: 'Security', types: ['security'], noun: 'security report', render };

function render(records, app) {
  const rows = records.slice(0, LISTED).map((record) => {
    const facts = {};
    for (const [name, value] of Object.entries(record.digest?.facts ?? {})) facts[NAMES[name] ?? name] ??= value;
    return { record, facts };
  });
  return table([
    { title: 'time', cell: ({ record }) => h('a', { href: app.href(`errors/${record.id}`) }, when(record.received_at)) },
    { title: 'directive', class: 'mono', cell: ({ facts, record }) => plain(facts.directive ?? facts.kind ?? record.title) },
    { title: 'blocked', class: 'mono', cell: ({ facts }) => plain(facts.blocked ?? '') },
    { title: 'page', class: 'mono', cell: ({ facts }) => plain(facts.page ?? '') },
    { title: 'disposition', cell: ({ facts }) => plain(facts.disposition ?? '') },
  ], rows, { caption: 'Security reports' });
}

/** `detail`: as `GET /events/{id}` answers. */
export function securityPane({ payload, title }) {
  const body = payload?.['csp-report'] ?? payload?.body ?? payload;
  const entries = body && typeof body === 'object' ? Object.entries(body).filter(([name, value]) => value !== null && typeof value !== 'object' && name !== '_meta') : [];
  return h('section', { class: 'kind-pane' }, entries.length ? pairs(entries) : h('p', {}, shown(title)));
}
