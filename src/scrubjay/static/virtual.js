// A list of any length of which only the rows in sight exist. Rows are equally high; `--row-height` of the scroller says how high,
// so that style sheets decide. Keeps the reader's place when rows come in above, and the focus while its row is scrolled away.

const OVERSCAN = 8;

/**
 * `scroller`: the element that scrolls; its first list element is made here. `render(item)` gives the inside of a row's `<li>`.
 * `keyOf(item)`: what tells rows apart. `onEnd()`: the last rows come into sight.
 */
export function virtualList(scroller, { rowHeight, render, keyOf = (item) => item.id, onEnd = () => {}, label = '' }) {
  const list = document.createElement('ol');
  list.className = 'virtual';
  if (label) list.setAttribute('aria-label', label);
  scroller.append(list);
  scroller.classList.add('scroller');

  let items = [];
  let height = rowHeight ?? 0;
  let scheduled = false;
  const rows = new Map();

  const measured = () => rowHeight ?? (Number.parseFloat(getComputedStyle(scroller).getPropertyValue('--row-height')) || 40);

  /** Rows that moved or came into sight; all of them with `anew`. */
  function draw(anew = false) {
    scheduled = false;
    const from = Math.max(0, Math.floor(scroller.scrollTop / height) - OVERSCAN);
    const to = Math.min(items.length, Math.ceil((scroller.scrollTop + scroller.clientHeight) / height) + OVERSCAN);
    const wanted = new Set();
    let before = null;
    for (let index = from; index < to; index += 1) {
      const key = keyOf(items[index]);
      wanted.add(key);
      before = place(key, index, before, anew);
    }
    for (const [key, row] of rows) {
      if (wanted.has(key) || stays(key, row)) continue;
      row.element.remove();
      rows.delete(key);
    }
    if (to === items.length) onEnd();
  }

  /** A row with the focus stays although it is out of sight, in its place. */
  function stays(key, row) {
    if (!row.element.contains(document.activeElement)) return false;
    const index = items.findIndex((item) => keyOf(item) === key);
    if (index >= 0) place(key, index, null, false);
    return index >= 0;
  }

  function place(key, index, before, anew) {
    let row = rows.get(key);
    if (!row) {
      row = { element: document.createElement('li'), item: null, index: -1, of: -1 };
      rows.set(key, row);
    }
    if (anew || row.item !== items[index]) {
      row.item = items[index];
      fill(row.element, render(row.item));
    }
    if (row.index !== index) {
      row.index = index;
      row.element.style.transform = `translateY(${index * height}px)`;
      row.element.setAttribute('aria-posinset', String(index + 1));
    }
    if (row.of !== items.length) {
      row.of = items.length;
      row.element.setAttribute('aria-setsize', String(items.length));
    }
    const next = before ? before.nextSibling : list.firstChild;
    if (next !== row.element && !row.element.contains(document.activeElement)) list.insertBefore(row.element, next);
    return row.element;
  }

  /** New content in the old place; the focus stays where it was inside. */
  function fill(element, content) {
    const hadFocus = element.contains(document.activeElement);
    element.replaceChildren(content);
    if (hadFocus) element.querySelector('a, button')?.focus({ preventScroll: true });
  }

  function schedule() {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => draw());
  }

  function setItems(next) {
    items = next;
    height ||= measured();
    list.style.height = `${items.length * height}px`;
    for (const row of rows.values()) row.index = -1;
    draw();
  }

  /** `next` has `count` rows more on top than there were: whoever reads further down stays there. */
  function prepend(next, count) {
    const keep = scroller.scrollTop > 0;
    items = next;
    list.style.height = `${items.length * height}px`;
    if (keep) scroller.scrollTop += count * height;
    setItems(next);
  }

  function resized() {
    const now = measured();
    if (now !== height) {
      const top = height ? scroller.scrollTop / height : 0;
      height = now;
      list.style.height = `${items.length * height}px`;
      scroller.scrollTop = top * height;
      for (const row of rows.values()) row.index = -1;
    }
    draw();
  }

  scroller.addEventListener('scroll', schedule, { passive: true });
  const watching = new ResizeObserver(resized);
  watching.observe(scroller);
  height = measured();

  return {
    element: list,
    setItems,
    prepend,
    redraw: () => draw(true),
    /** The element of the row, scrolled into sight: as little as needed, or `toMiddle` if it was out of sight. */
    reveal(index, { toMiddle = false } = {}) {
      const top = index * height;
      const room = scroller.clientHeight - height;
      const isAbove = top < scroller.scrollTop;
      if (toMiddle && (isAbove || top > scroller.scrollTop + room)) scroller.scrollTop = top - room / 2;
      else if (isAbove) scroller.scrollTop = top;
      else if (top > scroller.scrollTop + room) scroller.scrollTop = top - room;
      draw();
      return rows.get(keyOf(items[index]))?.element ?? null;
    },
    close() {
      watching.disconnect();
      scroller.removeEventListener('scroll', schedule);
    },
  };
}
