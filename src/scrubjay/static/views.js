// The views, in the order of the rail. A view's module exports by default `{ open(app, root) }`; `open` returns
// `{ show(segments, params), arrived(records), changed(records), cleared(ids or null), evicted(oldest), counted(), close() }`, all but
// `show` optional: `evicted` when nothing before the envelope `oldest` is kept any more, `counted` when `app.status()` is new.
// `types`: the record types that it is told of and whose number stands beside its name; without, it is told of all.

export const VIEWS = [
  { name: 'errors', title: 'Errors', types: ['error', 'security', 'unparsable'], load: () => import('./errors.js') },
  { name: 'traces', title: 'Traces', types: ['transaction', 'span'], load: () => import('./traces.js') },
  { name: 'logs', title: 'Logs', types: ['log'], load: () => import('./logs.js') },
  { name: 'feedback', title: 'Feedback', types: ['feedback'], load: () => import('./feedback.js') },
  { name: 'scrubbing', title: 'Scrubbing', load: () => import('./scrubbing.js') },
  {
    name: 'other', title: 'Other', load: () => import('./other.js'),
    types: ['check_in', 'release_health', 'client_report', 'metric', 'profile', 'replay', 'attachment', 'other'],
  },
  { name: 'envelopes', title: 'Envelopes', load: () => import('./envelopes.js') },
  { name: 'setup', title: 'Setup', load: () => import('./setup.js') },
];
