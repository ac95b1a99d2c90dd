// The views, in the order of the rail. A view's module exports by default `{ open(app, root) }`; `open` returns
// `{ show(segments, params), arrived(records), changed(records), cleared(ids or null), close() }`, all but `show` optional.
// `types`: the record types that it is told of and whose number stands beside its name; without, it is told of all.

export const VIEWS = [
  { name: 'errors', title: 'Errors', types: ['error', 'security', 'unparsable'], load: () => import('./errors.js') },
  { name: 'envelopes', title: 'Envelopes', load: () => import('./envelopes.js') },
  { name: 'setup', title: 'Setup', load: () => import('./setup.js') },
];

/** The view in which records of `type` are read. */
export const viewOf = (type) => VIEWS.find((view) => view.types?.includes(type))?.name ?? 'errors';
