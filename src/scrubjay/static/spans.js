// The spans of one record, in the trace that they belong to: a small waterfall with the chosen span below it.

import { h, plural } from './dom.js';
import { spanPane, traceAddress } from './span.js';
import { waterfall } from './waterfall.js';

/** `detail`: as `GET /events/{id}` answers. The trace is asked for after it stands. */
export function spansPane(detail, app) {
  const target = h('section', { class: 'kind-pane spans-pane' }, h('p', { class: 'quiet' }, 'Loading…'));
  if (detail.trace_id) show(target, detail, app);
  else target.replaceChildren(h('p', { class: 'quiet' }, 'It names no trace.'));
  return target;
}

async function show(target, detail, app) {
  try {
    const trace = await app.api.trace(detail.trace_id);
    const side = h('div', { class: 'span-below' });
    const chart = waterfall(trace, { onSelect: (span) => side.replaceChildren(spanPane(app, trace, span)) });
    target.replaceChildren(
      h('p', {}, h('a', { href: app.href(traceAddress({ trace_id: trace.trace_id })) }, 'Whole trace'), `: ${plural(trace.spans.length, 'span')}, ${plural(trace.errors.length, 'error')}, ${plural(trace.logs.length, 'log line')}`),
      chart.element, side);
    if (detail.span_id) chart.select(detail.span_id);
  } catch (error) {
    target.replaceChildren(h('p', { class: 'quiet' }, error.message));
  }
}
