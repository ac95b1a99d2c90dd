// Traces: the list, and one as a waterfall with the span that is chosen beside it.

import { ago, badge, copyButton, duration, exact, h, plural } from './dom.js';
import { familyOf, hasFailed } from './families.js';
import { plain, shown } from './shown.js';
import { records, spanPane } from './span.js';
import { virtualList } from './virtual.js';
import { waiting } from './waiting.js';
import { waterfall } from './waterfall.js';

const LISTED = 500;
const PAUSE_MS = 400; // between two looks at the list while spans keep arriving
const COLUMNS = ['Time', 'Root', 'Duration', 'Spans', 'Errors', 'Logs', 'Services', 'Status'];

export default { open };

function open(app, root) {
  const list = traceList(app);
  const one = h('article', { class: 'trace', 'aria-label': 'Trace', hidden: true });
  root.append(list.element, one);
  let at = { trace: '', span: '' };
  let filters = null;
  let chart = null;

  async function show([trace = '', span = '']) {
    list.element.hidden = Boolean(trace);
    one.hidden = !trace;
    const opened = trace !== at.trace;
    at = { trace, span };
    if (!trace) {
      closeChart();
      const wanted = JSON.stringify(app.filters());
      if (wanted !== filters || list.stale()) await list.load();
      filters = wanted;
      return;
    }
    if (opened || !chart) await load();
    else if (span) chart.select(span);
  }

  async function load() {
    const wanted = at.trace;
    closeChart();
    one.replaceChildren(h('p', { class: 'hint' }, 'Loading…'));
    try {
      const trace = await app.api.trace(wanted);
      if (wanted === at.trace) render(trace);
    } catch (error) {
      if (wanted === at.trace) one.replaceChildren(back(), h('p', { class: 'hint' }, error.message));
    }
  }

  function closeChart() {
    chart?.close();
    chart = null;
  }

  const back = () => h('a', { class: 'to-list', href: app.href('traces') }, '← all traces');

  function render(trace) {
    const side = h('aside', { class: 'span-side', 'aria-label': 'Span' }, beside(app, trace));
    const onSelect = (span) => {
      side.replaceChildren(spanPane(app, trace, span));
      side.scrollTop = 0;
      if (span.span_id !== at.span) app.go(`traces/${at.trace}/${span.span_id}`, undefined, { replace: true });
      at.span = span.span_id;
    };
    one.replaceChildren(head(trace));
    if (trace.spans.length) {
      chart = waterfall(trace, { onSelect });
      one.append(h('div', { class: 'trace-body' }, chart.element, side));
      if (at.span) chart.select(at.span);
    } else one.append(h('div', { class: 'trace-body alone' }, side));
  }

  function head(trace) {
    const top = trace.spans.find((span) => !span.missing_parent);
    const spans = trace.spans.filter((span) => !span.missing_parent).length + (trace.spans_omitted ?? 0);
    return h('header', { class: 'trace-head' },
      back(),
      h('h2', {}, top ? shown(top.name, { limit: 200 }) : 'Trace without spans'),
      h('p', { class: 'trace-facts' },
        trace.duration_ms === undefined ? null : h('strong', {}, duration(trace.duration_ms)),
        h('span', {}, plural(spans, 'span')),
        trace.errors.length ? h('span', { class: 'bad' }, `✕ ${plural(trace.errors.length, 'error')}`) : h('span', {}, 'no errors'),
        trace.logs.length ? h('a', { href: app.href('logs', { trace_id: trace.trace_id }) }, plural(trace.logs.length, 'log line')) : null,
        trace.start ? h('span', { class: 'quiet' }, exact(trace.start)) : null,
        ...trace.services.map((name) => h('span', { class: 'tag' }, plain(name))),
        h('span', { class: 'quiet mono' }, plain(trace.trace_id, 40)), copyButton('Copy id', () => trace.trace_id)));
  }

  const dropKeys = app.keys({ Escape: () => { if (at.trace) app.go('traces'); } });
  const whole = () => { if (at.trace) app.toast('More of this trace may have arrived: open it again to see it.'); };
  return {
    show,
    arrived(came) {
      list.spoil();
      if (!at.trace) list.soon();
      else if (came.some((record) => record.trace_id === at.trace)) whole();
    },
    cleared: () => { if (!at.trace) list.load(); else list.spoil(); },
    close() { dropKeys(); list.close(); closeChart(); },
  };
}

/** What stands beside the waterfall before a span is chosen. */
function beside(app, trace) {
  return h('div', { class: 'span-pane' },
    trace.errors.length ? h('section', {}, h('h4', {}, 'Errors of this trace'), records(app, trace.errors)) : null,
    trace.logs.length ? h('section', {}, h('h4', {}, 'Log lines of this trace'), records(app, trace.logs)) : null,
    trace.spans.length ? h('p', { class: 'quiet' }, 'Choose a span to see its attributes, tags, links, logs and errors. ↑ ↓ move, ← → fold.') : null);
}

function traceList(app) {
  const scroller = h('div', { class: 'rows trace-rows' });
  const empty = h('div', { class: 'empty', hidden: true });
  const columns = h('div', { class: 'trace-row trace-columns', 'aria-hidden': 'true' }, COLUMNS.map((name) => h('span', {}, name)));
  const element = h('section', { class: 'trace-list', 'aria-label': 'Traces' }, columns, scroller, empty);
  let longest_ms = 1;
  let timer = 0;
  let outdated = false;
  let asked = null;
  const list = virtualList(scroller, { render: row, keyOf: (trace) => trace.trace_id, label: 'Traces' });

  async function load() {
    clearTimeout(timer);
    timer = 0;
    outdated = false;
    asked?.abort();
    asked = new AbortController();
    const { signal } = asked;
    try {
      const { traces } = await app.api.traces(app.filters({ limit: LISTED }), signal);
      longest_ms = Math.max(1, ...traces.map((trace) => trace.duration_ms ?? 0));
      list.setItems(traces);
      columns.hidden = scroller.hidden = !traces.length;
      empty.hidden = Boolean(traces.length);
      if (!traces.length) empty.replaceChildren(...waiting(app, 'trace'));
    } catch (error) {
      if (!signal.aborted) app.toast(error.message);
    }
  }

  function row(trace) {
    const length = h('span', { class: 'length' });
    length.style.width = `${Math.max(1, ((trace.duration_ms ?? 0) / longest_ms) * 100)}%`;
    return h('a', { class: 'row trace-row', href: app.href(`traces/${trace.trace_id}`) },
      h('time', { class: 'ago time', datetime: trace.received_at, title: exact(trace.start ?? trace.received_at) }, ago(trace.received_at)),
      h('span', { class: 'root' },
        trace.op ? h('span', { class: `op fam-${familyOf(trace.op)}` }, plain(trace.op, 40)) : null,
        h('span', { class: 'cut' }, trace.name ? plain(trace.name) : h('i', { class: 'quiet' }, `no spans, id ${trace.trace_id.slice(0, 8)}`)),
        trace.root_missing ? badge('root missing', 'warning', 'The span at the top has a parent that was not captured') : null),
      h('span', { class: 'lasts' }, h('span', { class: 'number' }, duration(trace.duration_ms)), h('span', { class: 'length-track' }, length)),
      h('span', { class: 'number spans-count' }, String(trace.spans)),
      h('span', { class: `number errors-count${trace.errors ? ' bad' : ' none'}` }, trace.errors ? `✕ ${trace.errors}` : '0'),
      h('span', { class: `number logs-count${trace.logs ? '' : ' none'}` }, String(trace.logs)),
      h('span', { class: 'cut services' }, plain(trace.services.join(', '))),
      h('span', { class: 'cut status' }, trace.status ? h('span', { class: hasFailed(trace.status) ? 'bad' : 'quiet' }, `${hasFailed(trace.status) ? '✕ ' : ''}${plain(trace.status)}`) : null));
  }

  return {
    element,
    load,
    stale: () => outdated,
    spoil: () => { outdated = true; },
    soon: () => { timer ||= setTimeout(load, PAUSE_MS); },
    close() {
      clearTimeout(timer);
      asked?.abort();
      list.close();
    },
  };
}
