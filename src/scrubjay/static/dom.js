// Building elements. Everything from events goes in as text, never as markup.

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...present(children));
  return element;
}

/** Children that are there: conditions leave null, undefined, false and empty text behind. */
export const present = (children) => children.flat(Infinity).filter((child) => child || child === 0);

export const byId = (id) => document.getElementById(id);

let numbered = 0;
/** An id that nothing else on the page has. */
export const freshId = (prefix) => `${prefix}-${(numbered += 1)}`;

/** `getText` may return a promise: what is copied can be fetched first. */
export function copyButton(label, getText, attributes = {}) {
  const button = h('button', { type: 'button', class: 'small', ...attributes }, label);
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(await getText());
      button.textContent = 'Copied';
    } catch {
      button.textContent = 'Cannot copy';
    }
    setTimeout(() => { button.textContent = label; }, 1500);
  });
  return button;
}

// Numbers and times for people

export function ago(iso) {
  const seconds = Math.max(0, (Date.now() - Date.parse(iso)) / 1000);
  if (Number.isNaN(seconds)) return '';
  if (seconds < 5) return 'now';
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

/** A moment: relative, and exact on hover. The shell keeps it true while time goes by. */
export const when = (iso) => h('time', { datetime: iso, title: exact(iso), class: 'ago' }, ago(iso));

export function exact(iso) {
  const moment = new Date(iso);
  return Number.isNaN(moment.valueOf()) ? String(iso ?? '') : `${moment.toLocaleString()} (${iso})`;
}

export function refreshTimes(root = document) {
  for (const time of root.querySelectorAll('time.ago')) {
    const text = ago(time.dateTime);
    if (time.textContent !== text) time.textContent = text;
  }
}

export function bytes(count) {
  if (count < 1024) return `${count} B`;
  if (count < 1024 * 1024) return `${(count / 1024).toFixed(1)} KiB`;
  return `${(count / 1024 / 1024).toFixed(1)} MiB`;
}

export function duration(ms) {
  if (!Number.isFinite(ms)) return '';
  if (ms < 1) return `${Math.round(ms * 1000)} µs`;
  if (ms < 100) return `${Number(ms.toFixed(1))} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(2)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
  return `${Math.floor(ms / 3_600_000)} h ${Math.round((ms % 3_600_000) / 60_000)} min`;
}

export const plural = (count, one, many = `${one}s`) => `${count.toLocaleString('en')} ${count === 1 ? one : many}`;

// Parts

/** A link for web addresses; whatever else events call a URL stays text. */
export function link(url, text = url) {
  return /^https?:\/\//i.test(String(url))
    ? h('a', { href: url, rel: 'noreferrer noopener', target: '_blank' }, text)
    : h('span', {}, String(text));
}

export const badge = (text, kind = '', title = null) => h('span', { class: `badge ${kind}`, title }, text);

/** `fill(body)` runs when it is opened for the first time. */
export function details(summary, fill, { open = false, ...attributes } = {}) {
  const element = h('details', attributes, h('summary', {}, summary));
  const body = h('div', { class: 'body' });
  const unfold = () => {
    if (!element.open || body.isConnected) return;
    element.append(body);
    fill(body);
  };
  element.addEventListener('toggle', unfold);
  element.open = open;
  unfold();
  return element;
}

/** `columns`: `{ title, cell(row), class }`; a cell is a text, an element or a list of them. */
export function table(columns, rows, { caption = '', ...attributes } = {}) {
  const cells = (row) => columns.map((column) => h('td', { class: column.class }, column.cell(row)));
  return h('div', { class: 'table', tabindex: '0', role: 'region', 'aria-label': caption || null },
    h('table', attributes,
      caption && h('caption', { class: 'hidden' }, caption),
      h('thead', {}, h('tr', {}, columns.map(({ title, class: name }) => h('th', { scope: 'col', class: name }, title)))),
      h('tbody', {}, rows.map((row) => h('tr', {}, cells(row))))));
}

/** `list`: `{ id, title, count, fill(panel) }`. A panel is filled when it is shown for the first time. */
export function tabs(list, { selected = list[0]?.id, onSelect = () => {}, label = 'Parts' } = {}) {
  const prefix = freshId('tab');
  const buttons = new Map();
  const panels = new Map();
  const strip = h('div', { class: 'tabs', role: 'tablist', 'aria-label': label });
  for (const { id, title, count } of list) {
    const button = h('button', {
      type: 'button', role: 'tab', id: `${prefix}-${id}`, 'aria-controls': `${prefix}-${id}-panel`, onclick: () => choose(id),
    }, title, count ? h('span', { class: 'count' }, String(count)) : null);
    buttons.set(id, button);
    panels.set(id, h('div', { role: 'tabpanel', id: `${prefix}-${id}-panel`, 'aria-labelledby': `${prefix}-${id}`, tabindex: '0', hidden: true }));
    strip.append(button);
  }
  strip.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const ids = [...buttons.keys()];
    const at = ids.findIndex((id) => buttons.get(id) === document.activeElement);
    const next = ids[(at + step + ids.length) % ids.length];
    choose(next);
    buttons.get(next).focus();
    event.preventDefault();
  });
  const filled = new Set();
  function select(wanted) {
    const id = buttons.has(wanted) ? wanted : list[0]?.id;
    for (const [name, button] of buttons) {
      button.setAttribute('aria-selected', String(name === id));
      button.tabIndex = name === id ? 0 : -1;
      panels.get(name).hidden = name !== id;
    }
    if (id === undefined || filled.has(id)) return;
    filled.add(id);
    list.find((tab) => tab.id === id).fill(panels.get(id));
  }
  function choose(id) {
    select(id);
    onSelect(id);
  }
  select(selected);
  return { element: h('div', { class: 'tabbed' }, strip, ...panels.values()), select };
}
