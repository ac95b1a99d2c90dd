// Traces: the list, and one as a waterfall with the span that is chosen beside it.

import { ago, badge, copyButton, duration, exact, h, plural } from './dom.js';
import { familyOf, hasFailed } from './families.js';
import { plain, shown } from './shown.js';
import { records, spanPane, traceAddress } from './span.js';
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
  const more = h('button', { type: 'button', class: 'small', hidden: true, onclick: () => load() }, '↻ more of it arrived');

  async function show([trace = '', span = '']) {
    list.element.hidden = Boolean(trace);
    one.hidden = !trace;
    const opened = trace !== at.trace;
    const moved = span !== at.span;
    at = { trace, span };
    if (!trace) {
      closeChart();
      const wanted = JSON.stringify(app.filters());
      if (wanted !== filters || list.stale()) await list.load();
      filters = wanted;
      return;
    }
    if (opened || !chart) await load();
    else if (span && moved) chart.select(span);
  }

  async function load() {
    const wanted = at.trace;
    more.hidden = true;
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
      if (span.span_id !== at.span) {
        at.span = span.span_id;
        app.go(traceAddress({ trace_id: at.trace, span_id: at.span }), undefined, { replace: true });
      }
    };
    one.replaceChildren(head(trace, () => side.replaceChildren(beside(app, trace))));
    if (trace.spans.length) {
      chart = waterfall(trace, { onSelect });
      one.append(h('div', { class: 'trace-body' }, chart.element, side));
      if (at.span) chart.select(at.span);
    } else one.append(h('div', { class: 'trace-body alone' }, side));
  }

  /** `showAll`: lists the errors of all spans. */
  function head(trace, showAll) {
    const top = trace.spans.find((span) => !span.missing_parent);
    const spans = trace.spans.filter((span) => !span.missing_parent).length + (trace.spans_omitted ?? 0);
    return h('header', { class: 'trace-head' },
      back(),
      h('h2', {}, top ? shown(top.name, { limit: 200 }) : 'Trace without spans'),
      h('p', { class: 'trace-facts' },
        trace.duration_ms === undefined ? null : h('strong', {}, duration(trace.duration_ms)),
        h('span', {}, plural(spans, 'span')),
        trace.errors.length ? h('button', { type: 'button', class: 'bad', onclick: showAll }, `✕ ${plural(trace.errors.length, 'error')}`) : h('span', {}, 'no errors'),
        trace.logs.length ? h('a', { href: app.href('logs', { trace_id: trace.trace_id }) }, plural(trace.logs.length, 'log line')) : null,
        trace.start ? h('time', { class: 'quiet', datetime: trace.start, title: exact(trace.start) }, new Date(trace.start).toLocaleString()) : null,
        ...trace.services.map((name) => h('span', { class: 'tag' }, plain(name))),
        h('span', { class: 'quiet mono' }, plain(trace.trace_id, 40)), copyButton('Copy id', () => trace.trace_id), more));
  }

  const dropKeys = app.keys({
    j: () => { if (!at.trace) list.step(1); },
    k: () => { if (!at.trace) list.step(-1); },
    Escape: () => { if (at.trace) app.go('traces'); },
  });
  return {
    show,
    arrived(came) {
      list.spoil();
      if (!at.trace) list.soon();
      else if (came.some((record) => [record.trace_id, ...(record.digest?.traces ?? [])].some((id) => id?.startsWith(at.trace)))) more.hidden = false;
    },
    cleared: () => { if (!at.trace) list.load(); else list.spoil(); },
    close() { dropKeys(); list.close(); closeChart(); },
  };
}

/** What stands beside the waterfall before a span is chosen. */
function beside(app, trace) {
  return h('div', { class: 'span-pane' },
    trace.errors.length ? h('section', {}, h('h3', { class: 'part' }, 'Errors of this trace'), records(app, trace.errors)) : null,
    trace.logs.length ? h('section', {}, h('h3', { class: 'part' }, 'Log lines of this trace'), records(app, trace.logs)) : null,
    trace.spans.length ? h('p', { class: 'quiet' }, 'Choose a span to see its attributes, tags, links, logs and errors. ↑ ↓ move, ← → fold.') : null);
}

function traceList(app) {
  const scroller = h('div', { class: 'rows trace-rows' });
  const empty = h('div', { class: 'empty', hidden: true });
  const columns = h('div', { class: 'trace-row trace-columns', 'aria-hidden': 'true' }, COLUMNS.map((name) => h('span', {}, name)));
  const total = h('span', { class: 'quiet', role: 'status' });
  const bare = h('button', { type: 'button', class: 'small', 'aria-pressed': 'false', onclick: toggleBare });
  const tools = h('div', { class: 'trace-tools', hidden: true }, total, bare);
  const element = h('section', { class: 'trace-list', 'aria-label': 'Traces' }, tools, columns, scroller, empty);
  let traces = [];
  let shownOnes = [];
  let showsBare = false;
  const addressOf = (trace) => app.href(traceAddress({ trace_id: trace.trace_id }));
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
      ({ traces } = await app.api.traces(app.filters({ limit: LISTED }), signal));
      longest_ms = Math.max(1, ...traces.map((trace) => trace.duration_ms ?? 0));
      draw();
    } catch (error) {
      if (!signal.aborted) app.toast(error.message);
    }
  }

  /** Errors and logs name a trace even where nothing is traced: those are there on demand. */
  function draw() {
    const traced = traces.filter((trace) => trace.spans);
    const without = traces.length - traced.length;
    shownOnes = showsBare ? traces : traced;
    total.textContent = `${plural(traced.length, 'trace')}${traces.length >= LISTED ? ', the newest' : ''}`;
    bare.hidden = !without;
    bare.textContent = `${without} without spans`;
    bare.setAttribute('aria-pressed', String(showsBare));
    tools.hidden = !traces.length;
    columns.hidden = scroller.hidden = !shownOnes.length;
    empty.hidden = Boolean(shownOnes.length);
    if (!shownOnes.length) empty.replaceChildren(...waiting(app, 'trace'));
    list.setItems(shownOnes);
  }

  function toggleBare() {
    showsBare = !showsBare;
    draw();
  }

  function step(by) {
    const at = shownOnes.findIndex((trace) => document.activeElement?.getAttribute('href') === addressOf(trace));
    const index = at < 0 ? 0 : Math.max(0, Math.min(shownOnes.length - 1, at + by));
    if (shownOnes.length) list.reveal(index)?.querySelector('a')?.focus({ preventScroll: true });
  }

  function row(trace) {
    const length = h('span', { class: 'length' });
    length.style.width = `${Math.max(1, ((trace.duration_ms ?? 0) / longest_ms) * 100)}%`;
    return h('a', { class: 'row trace-row', href: addressOf(trace) },
      h('time', { class: 'ago time', datetime: trace.received_at, title: exact(trace.start ?? trace.received_at) }, ago(trace.received_at)),
      h('span', { class: 'root' },
        trace.op ? h('span', { class: `op fam-${familyOf(trace.op)}` }, plain(trace.op, 40)) : null,
        h('span', { class: 'cut' }, trace.name ? plain(trace.name) : h('i', { class: 'quiet' }, `no spans, id ${trace.trace_id.slice(0, 8)}`)),
        trace.outcome ? badge(plain(trace.outcome).replace('_', ' '), 'outcome', plain(trace.outcome_reason ?? '')) : null,
        trace.root_missing ? badge('root missing', 'warning', 'The span at the top has a parent that was not captured') : null),
      h('span', { class: 'lasts' }, h('span', { class: 'number' }, duration(trace.duration_ms)), trace.spans ? h('span', { class: 'length-track' }, length) : null),
      h('span', { class: 'number spans-count' }, String(trace.spans)),
      h('span', { class: `number errors-count${trace.errors ? ' bad' : ' none'}` }, trace.errors ? `✕ ${trace.errors}` : '0'),
      h('span', { class: `number logs-count${trace.logs ? '' : ' none'}` }, String(trace.logs)),
      h('span', { class: 'cut services' }, plain(trace.services.join(', '))),
      h('span', { class: 'cut status' }, trace.status ? h('span', { class: hasFailed(trace.status) ? 'bad' : 'quiet' }, `${hasFailed(trace.status) ? '✕ ' : ''}${plain(trace.status)}`) : null));
  }

  return {
    element,
    load,
    step,
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
