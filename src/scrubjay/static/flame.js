// A flame graph of HTML boxes: callers above, the wider the longer. A press makes a box as wide as the whole; the way back stands above.

import { duration, h } from './dom.js';
import { plain } from './shown.js';

const ROW_PX = 20;
const MAX_BOXES = 2500;
const MIN_PART = 0.0008; // of the width: what is thinner nobody sees

/** `top`: a tree as `samples.callTree` makes it. */
export function flame(top) {
  const trail = h('p', { class: 'flame-trail' });
  const area = h('div', { class: 'flame' });
  const line = h('p', { class: 'flame-told quiet', 'aria-live': 'polite' }, 'Point at a box to see its times; press it to look closer.');
  let path = [top];

  function draw() {
    const root = path.at(-1);
    const boxes = [];
    let depthest = 0;
    const todo = [[root, 0, 0]];
    while (todo.length && boxes.length < MAX_BOXES) {
      const [node, left, depth] = todo.shift();
      boxes.push(box(node, left, node.total_ms / root.total_ms, depth, root));
      depthest = Math.max(depthest, depth);
      let at = left;
      for (const child of [...node.children.values()].sort((a, b) => b.total_ms - a.total_ms)) {
        const part = child.total_ms / root.total_ms;
        if (part >= MIN_PART) todo.push([child, at, depth + 1]);
        at += part;
      }
    }
    area.style.height = `${(depthest + 1) * ROW_PX}px`;
    area.replaceChildren(...boxes);
    trail.replaceChildren(...path.flatMap((node, index) => {
      const text = plain(node.name, 60);
      return index === path.length - 1 ? [h('strong', {}, text)] : [h('button', { type: 'button', class: 'small', onclick: () => { path = path.slice(0, index + 1); draw(); } }, text), ' › '];
    }));
  }

  function box(node, left, part, depth, root) {
    const label = `${plain(node.name, 120)}, ${duration(node.total_ms)}, ${percent(node.total_ms / top.total_ms)}`;
    const element = h('button', {
      type: 'button', class: `flame-box tone-${tone(node.place || node.name)}${node.inApp ? '' : ' library'}${node === root ? ' root' : ''}`,
      'aria-label': label, tabindex: part > 0.01 ? '0' : '-1',
      onclick: () => zoom(node, root),
      onmouseenter: () => tell(node), onfocus: () => tell(node),
    }, part > 0.03 ? plain(node.name, 120) : '');
    element.style.left = `${left * 100}%`;
    element.style.width = `${part * 100}%`;
    element.style.top = `${depth * ROW_PX}px`;
    return element;
  }

  function zoom(node, root) {
    if (node === root) path = path.length > 1 ? path.slice(0, -1) : path;
    else path = [...path, node];
    draw();
  }

  function tell(node) {
    line.replaceChildren(h('strong', {}, plain(node.name)), node.place ? ` ${plain(node.place)}` : '',
      `: total ${duration(node.total_ms)} (${percent(node.total_ms / top.total_ms)}), self ${duration(node.self_ms)}`);
  }

  draw();
  return h('div', { class: 'flame-graph' }, trail, h('div', { class: 'flame-scroll', tabindex: '0', role: 'group', 'aria-label': 'Flame graph; the table of functions has the same numbers' }, area), line);
}

const percent = (part) => `${(part * 100).toFixed(1)} %`;

/** One of five tones, the same for all functions of a file. */
function tone(text) {
  let sum = 7;
  for (const letter of text.replace(/:\d+$/, '').slice(-60)) sum = (sum * 31 + letter.codePointAt(0)) >>> 0;
  return sum % 5;
}
