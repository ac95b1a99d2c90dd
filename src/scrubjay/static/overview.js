// The strip above a waterfall: the whole trace small, and the part of it that is shown large. Dragging over it zooms; so do its keys.

import { duration, h } from './dom.js';
import { familyOf, hasFailed } from './families.js';

const MIN_LANES = 6;
const MAX_LANES = 16;
const MANY = 300;
const MAX_MARKS = 1500;
const MIN_PART = 1e-4; // of the trace: closer nobody sees more
const SVG = 'http://www.w3.org/2000/svg';

/** `onZoom(from, to)`: parts of the whole, 0 to 1. Gives the element and `show(from, to)`. */
export function overview(spans, total_ms, { onZoom }) {
  const shade = { before: h('div', { class: 'shade' }), after: h('div', { class: 'shade after' }) };
  const strip = h('div', {
    class: 'overview', role: 'slider', tabindex: '0', 'aria-label': 'Part of the trace that is shown',
    'aria-valuemin': '0', 'aria-valuemax': String(Math.round(total_ms)), title: 'Drag to zoom, double-click for the whole. Keys: + − ← → 0',
  }, marks(spans, total_ms), shade.before, shade.after);
  let part = [0, 1];
  let dragged = null;

  function show(from, to) {
    part = [from, to];
    shade.before.style.width = `${from * 100}%`;
    shade.after.style.width = `${(1 - to) * 100}%`;
    strip.setAttribute('aria-valuenow', String(Math.round(from * total_ms)));
    strip.setAttribute('aria-valuetext', `${duration(from * total_ms)} to ${duration(to * total_ms)}`);
  }

  const at = (event) => {
    const box = strip.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  };
  strip.addEventListener('pointerdown', (event) => {
    if (event.button) return;
    dragged = at(event);
    strip.setPointerCapture(event.pointerId);
  });
  strip.addEventListener('pointermove', (event) => {
    if (dragged !== null) show(Math.min(dragged, at(event)), Math.max(dragged, at(event)));
  });
  strip.addEventListener('pointerup', (event) => {
    if (dragged === null) return;
    const [from, to] = [Math.min(dragged, at(event)), Math.max(dragged, at(event))];
    dragged = null;
    if (to - from > 0.004) zoom(from, to);
    else onZoom(0, 1);
  });
  strip.addEventListener('pointercancel', () => { dragged = null; });
  strip.addEventListener('keydown', (event) => {
    const [from, to] = part;
    const [middle, width] = [(from + to) / 2, to - from];
    const wanted = {
      '+': [middle - width / 4, middle + width / 4], '=': [middle - width / 4, middle + width / 4], '-': [middle - width, middle + width],
      ArrowLeft: [from - width / 4, to - width / 4], ArrowRight: [from + width / 4, to + width / 4], 0: [0, 1],
    }[event.key];
    if (!wanted) return;
    event.preventDefault();
    event.stopPropagation();
    zoom(...wanted);
  });

  function zoom(from, to) {
    const width = Math.min(1, Math.max(MIN_PART, to - from));
    const start = Math.min(1 - width, Math.max(0, from));
    onZoom(start, start + width);
  }

  show(0, 1);
  return { element: strip, show };
}

/** One thin line for each span, below those that it overlaps; in a large trace neighbours that would touch are one. */
function marks(spans, total_ms) {
  const svg = document.createElementNS(SVG, 'svg');
  const rows = lanes(spans, total_ms);
  svg.setAttribute('viewBox', `0 0 1000 ${Math.max(rows.length, MIN_LANES) * 3}`);
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('aria-hidden', 'true');
  rows.forEach((lane, y) => {
    for (const { x, width, kind } of lane) {
      const rect = document.createElementNS(SVG, 'rect');
      for (const [name, value] of Object.entries({ x, y: y * 3 + 0.5, width, height: 2, class: kind })) rect.setAttribute(name, value);
      svg.append(rect);
    }
  });
  return svg;
}

function lanes(spans, total_ms) {
  const rows = [];
  let drawn = 0;
  for (const span of spans) {
    if (span.missing_parent || drawn >= MAX_MARKS) continue;
    const x = (span.offset_ms / total_ms) * 1000;
    const width = Math.max(2, (span.duration_ms / total_ms) * 1000);
    const kind = hasFailed(span.status) ? 'failed' : `fam-${familyOf(span.op)}`;
    const free = rows.findIndex((lane) => lane.at(-1).x + lane.at(-1).width <= x + 0.5);
    if (free < 0 && rows.length >= MAX_LANES) continue;
    const lane = rows[free] ?? rows[rows.push([]) - 1];
    const last = lane.at(-1);
    if (last && spans.length > MANY && last.kind === kind && x - last.x - last.width < 1) last.width = x + width - last.x;
    else {
      lane.push({ x, width, kind });
      drawn += 1;
    }
  }
  return rows;
}
