// A trace as a waterfall: one row for each span, children below their parents, bars on one axis. Only rows in sight exist.
//
// Draws what the API's tree says and computes nothing of it: order, depth, self time and clocks that disagree come from there.

import { badge, duration, h, plural } from './dom.js';
import { familyOf, hasFailed } from './families.js';
import { overview } from './overview.js';
import { plain } from './shown.js';
import { virtualList } from './virtual.js';

const NAME_KEY = 'scrubjay.waterfall.name';
const MIN_NAME_PX = 120;
const INDENT_PX = 13;
const MAX_INDENT = 24;
const TICK_PX = 95;

/** `trace`: as the API answers. Gives the element, `select(spanId)` and `close()`; `onSelect(span)` when somebody chose one. */
export function waterfall(trace, { onSelect }) {
  const spans = trace.spans.map((span, index) => ({ ...span, index, key: `${index}` }));
  const total_ms = Math.max(trace.duration_ms ?? 0, 0.001);
  const errors = countBySpan(trace.errors);
  const logs = countBySpan(trace.logs);
  const folded = new Set();
  let zoom = [0, 1];
  let selected = -1;
  let visible = spans;

  const axis = h('div', { class: 'axis', 'aria-hidden': 'true' });
  const strip = overview(spans, total_ms, { onZoom: zoomTo });
  const scroller = h('div', { class: 'spans' });
  const element = h('section', { class: 'waterfall', 'aria-label': 'Waterfall' },
    h('div', { class: 'waterfall-tools' },
      h('button', { type: 'button', class: 'small', onclick: () => foldAll(false) }, 'Expand all'),
      h('button', { type: 'button', class: 'small', onclick: () => foldAll(true) }, 'Collapse'),
      h('button', { type: 'button', class: 'small', onclick: () => zoomTo(0, 1) }, 'Whole trace'),
      trace.spans_omitted ? badge(`${plural(trace.spans_omitted, 'more span')} not shown`, 'warning') : null),
    h('div', { class: 'wf-split' }, h('span', { class: 'quiet name-head' }, plural(spans.filter((span) => !span.missing_parent).length, 'span')), strip.element),
    h('div', { class: 'wf-split' }, grip(), axis),
    scroller);
  const list = virtualList(scroller, { render: row, keyOf: (span) => span.key, label: 'Spans' });

  function row(span) {
    const [from, to] = zoom;
    const left = (span.offset_ms / total_ms - from) / (to - from);
    const width = span.duration_ms / total_ms / (to - from);
    return h('div', { class: `span-row${span.index === selected ? ' selected' : ''}${span.missing_parent ? ' missing' : ''}`, 'data-index': span.index },
      name(span), bar(span, left, width));
  }

  function name(span) {
    const cell = h('div', { class: 'span-name' });
    cell.style.paddingLeft = `${Math.min(span.depth, MAX_INDENT) * INDENT_PX + 4}px`;
    const open = !folded.has(span.index);
    const failed = hasFailed(span.status);
    const marks = [errors.get(span.span_id) && plural(errors.get(span.span_id), 'error'), failed && plain(span.status)].filter(Boolean);
    cell.append(
      span.children
        ? h('button', {
          type: 'button', class: 'fold', tabindex: '-1', 'aria-expanded': String(open), 'aria-label': `Children of ${plain(span.name)}`,
          onclick: () => toggle(span.index),
        }, open ? '▾' : '▸')
        : h('span', { class: 'fold' }),
      h('button', {
        type: 'button', class: 'pick', 'aria-pressed': String(span.index === selected),
        title: plain(span.description || span.name), onclick: () => choose(span.index),
      },
      span.op ? h('span', { class: `op fam-${familyOf(span.op)}` }, plain(span.op, 40)) : null,
      h('span', { class: 'cut' }, plain(span.name)),
      !open && span.children ? h('span', { class: 'count' }, String(descendants(span.index))) : null,
      marks.length ? h('span', { class: 'mark-error', title: marks.join(', ') }, `✕ ${marks[0]}`) : null,
      logs.get(span.span_id) ? h('span', { class: 'quiet', title: plural(logs.get(span.span_id), 'log line') }, `≡${logs.get(span.span_id)}`) : null,
      span.skew_ms ? h('span', { class: 'mark-skew', title: `starts ${duration(span.skew_ms)} before its parent: the clocks of the two services differ` }, `◷ −${duration(span.skew_ms)}`) : null));
    return cell;
  }

  function bar(span, left, width) {
    const cell = h('div', { class: 'span-time', onclick: () => choose(span.index) });
    const end = left + width;
    if (end < 0 || left > 1) {
      cell.append(h('span', { class: `off ${left > 1 ? 'right' : ''}` }, left > 1 ? '›' : '‹'));
      return cell;
    }
    const shape = h('div', { class: `wf-bar fam-${familyOf(span.op)}${hasFailed(span.status) ? ' failed' : ''}${span.is_transaction ? ' segment' : ''}` });
    const [shownFrom, shownTo] = [Math.max(0, left), Math.min(1, end)];
    shape.title = `${duration(span.duration_ms)}${span.self_ms === undefined ? '' : `, of its own ${duration(span.self_ms)}`}`;
    shape.style.left = `${shownFrom * 100}%`;
    shape.style.width = `${(shownTo - shownFrom) * 100}%`;
    const label = h('span', { class: 'bar-label' }, duration(span.duration_ms));
    if (shownTo > 0.88) {
      label.style.right = `${(1 - shownFrom) * 100}%`;
      if (shownFrom < 0.12) {
        shape.classList.add('wide');
        label.classList.add('inside');
        label.style.right = `${(1 - shownTo) * 100}%`;
      }
    } else label.style.left = `${shownTo * 100}%`;
    cell.append(shape, label);
    return cell;
  }

  function zoomTo(from, to) {
    zoom = [from, to];
    strip.show(from, to);
    drawAxis();
    list.redraw();
  }

  function drawAxis() {
    const [from, to] = zoom;
    const step_ms = niceStep(((to - from) * total_ms) / Math.max(2, Math.min(10, axis.clientWidth / TICK_PX)));
    const ticks = [];
    for (let at_ms = Math.ceil((from * total_ms) / step_ms) * step_ms; at_ms <= to * total_ms + step_ms * 1e-6 && ticks.length < 20; at_ms += step_ms) {
      const tick = h('span', { class: 'tick' }, at_ms === 0 ? '0' : duration(at_ms));
      const place = (at_ms / total_ms - from) / (to - from);
      if (place * axis.clientWidth > axis.clientWidth - 40) continue;
      tick.style.left = `${place * 100}%`;
      ticks.push(tick);
    }
    axis.replaceChildren(...ticks);
  }

  // Folding

  /** How many rows are below this one. The rows are in the order of the tree. */
  function descendants(index) {
    let end = index + 1;
    while (end < spans.length && spans[end].depth > spans[index].depth) end += 1;
    return end - index - 1;
  }

  function unfolded() {
    const shown = [];
    for (let index = 0; index < spans.length; index += 1) {
      shown.push(spans[index]);
      if (folded.has(index)) index += descendants(index);
    }
    return shown;
  }

  function refold() {
    const focused = document.activeElement?.closest?.('.span-row')?.dataset.index;
    visible = unfolded();
    list.setItems(visible);
    list.redraw();
    if (focused) scroller.querySelector(`[data-index="${focused}"] .pick`)?.focus({ preventScroll: true });
  }

  function toggle(index) {
    if (!folded.delete(index)) folded.add(index);
    refold();
  }

  function foldAll(fold) {
    folded.clear();
    if (fold) for (const span of spans) if (span.children && span.depth > 0) folded.add(span.index);
    refold();
  }

  // Choosing

  function choose(index) {
    select(index);
    onSelect(spans[index]);
  }

  function select(index) {
    selected = index;
    for (let up = index, depth = spans[index]?.depth; up >= 0; up -= 1) {
      if (spans[up].depth < depth) {
        depth = spans[up].depth;
        folded.delete(up);
      }
    }
    refold();
  }

  scroller.addEventListener('keydown', (event) => {
    const index = Number(event.target.closest('.span-row')?.dataset.index ?? -1);
    if (index < 0) return;
    const at = visible.findIndex((span) => span.index === index);
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') focusOn(at + (event.key === 'ArrowDown' ? 1 : -1));
    else if (event.key === 'ArrowRight' && folded.has(index)) toggle(index);
    else if (event.key === 'ArrowRight' && spans[index].children) focusOn(at + 1);
    else if (event.key === 'ArrowLeft' && spans[index].children && !folded.has(index)) toggle(index);
    else if (event.key === 'ArrowLeft') focusOn(visible.findLastIndex((span, place) => place < at && span.depth < spans[index].depth));
    else return;
    event.preventDefault();
  });

  function focusOn(at) {
    if (at < 0 || at >= visible.length) return;
    list.reveal(at)?.querySelector('.pick')?.focus({ preventScroll: true });
  }

  // The width of the names

  function grip() {
    const kept = Number(localStorage.getItem(NAME_KEY)) || 0;
    const handle = h('div', {
      class: 'grip', role: 'separator', tabindex: '0', 'aria-orientation': 'vertical', 'aria-label': 'Width of the names',
      'aria-valuenow': kept || MIN_NAME_PX, 'aria-valuemin': MIN_NAME_PX, 'aria-valuemax': 2000, title: 'Drag, or use ← and →',
    });
    const resize = (width_px) => {
      const wide = Math.round(Math.max(MIN_NAME_PX, Math.min(width_px, element.clientWidth * 0.7 || width_px)));
      element.style.setProperty('--name-width', `${wide}px`);
      handle.setAttribute('aria-valuenow', String(wide));
      localStorage.setItem(NAME_KEY, String(wide));
    };
    handle.addEventListener('pointerdown', (event) => { handle.setPointerCapture(event.pointerId); event.preventDefault(); });
    handle.addEventListener('pointermove', (event) => {
      if (handle.hasPointerCapture(event.pointerId)) resize(event.clientX - element.getBoundingClientRect().left);
    });
    handle.addEventListener('keydown', (event) => {
      const by = { ArrowLeft: -24, ArrowRight: 24 }[event.key];
      if (!by) return;
      event.preventDefault();
      resize(handle.getBoundingClientRect().right - element.getBoundingClientRect().left + by);
    });
    if (kept) queueMicrotask(() => resize(kept));
    return h('div', { class: 'grip-cell' }, h('span', { class: 'quiet' }, 'operation and name'), handle);
  }

  const watching = new ResizeObserver(drawAxis);
  watching.observe(axis);
  list.setItems(visible);
  return {
    element,
    /** By span id, as an address names it; false where there is no such span. */
    select(spanId) {
      const index = spans.findIndex((span) => span.span_id === spanId && !span.missing_parent);
      if (index < 0) return false;
      select(index);
      list.reveal(visible.findIndex((span) => span.index === index));
      onSelect(spans[index]);
      return true;
    },
    close() {
      watching.disconnect();
      list.close();
    },
  };
}

function countBySpan(records) {
  const counts = new Map();
  for (const { span_id: id } of records) if (id) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}

/** 1, 2 or 5 times a power of ten, not below `least`. */
function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1e-6)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least);
}
