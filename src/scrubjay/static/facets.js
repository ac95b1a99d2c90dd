// Filter chips over a list: for each field the values that its newest records have, with counts; what is chosen stands in the address.

import { h } from './dom.js';
import { icon } from './icons.js';
import { brief } from './shown.js';

const TITLES = { level: 'Level', exception: 'Exception', project: 'Project', environment: 'Environment', outcome: 'Outcome' };
const MOST_VALUES = 30;
const MOST_COUNTED = 2000;
const EXCEPTION = /^([\w.$:]*[\w$])(?::\s|$)/;

const VALUE_OF = { exception: (record) => (record.culprit || record.title?.includes(': ') ? EXCEPTION.exec(record.title ?? '')?.[1] : undefined) };

export function facets(app, names) {
  const element = h('div', { class: 'facets', role: 'group', 'aria-label': 'Filters' });
  let drawn = '';
  const closeMenus = (event) => {
    for (const menu of element.querySelectorAll('details[open]')) if (!menu.contains(event.target)) menu.open = false;
  };
  addEventListener('pointerdown', closeMenus);

  function show(records) {
    const found = names.map((name) => [name, counted(records, name), [app.params()[name] ?? []].flat()]);
    const key = JSON.stringify(found);
    if (key === drawn || element.querySelector('details[open]')) return;
    drawn = key;
    element.replaceChildren(...found.filter(([, values, chosen]) => values.length > 1 || chosen.length).map((each) => facet(...each)));
    element.hidden = !element.children.length;
  }

  function facet(name, values, chosen) {
    const all = [...values, ...chosen.filter((value) => !values.some(([known]) => known === value)).map((value) => [value, 0])];
    const menu = h('details', { class: 'menu' },
      h('summary', { class: chosen.length ? 'chip on' : 'chip' }, TITLES[name], chosen.length ? [': ', brief(chosen.join(', '), 60)] : ''),
      h('ul', {}, all.map(([value, count]) => h('li', {}, choice(name, value, count, chosen)))));
    menu.addEventListener('focusout', ({ relatedTarget }) => { if (relatedTarget && !menu.contains(relatedTarget)) menu.open = false; });
    menu.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || !menu.open) return;
      event.stopPropagation();
      menu.open = false;
      menu.firstElementChild.focus();
    });
    const drop = chosen.length > 0 && h('button', { type: 'button', class: 'drop', 'aria-label': `No filter for ${name}`, onclick: () => set(name, []) }, icon('close'));
    return h('span', { class: 'facet' }, menu, drop);
  }

  function choice(name, value, count, chosen) {
    const is = chosen.includes(value);
    const toggle = () => set(name, is ? chosen.filter((each) => each !== value) : [...chosen, value]);
    return h('button', { type: 'button', role: 'checkbox', 'aria-checked': String(is), onclick: toggle },
      h('span', { class: 'tick', 'aria-hidden': 'true' }, is ? '✓' : ''), h('span', { class: 'value' }, brief(value, 120)), h('span', { class: 'count' }, count || ''));
  }

  function set(name, values) {
    element.querySelector('details[open]')?.removeAttribute('open');
    const path = location.hash.replace(/^#\//, '').replace(/\?.*$/s, '') || 'errors';
    app.go(path, { ...app.params(), [name]: values });
  }

  return { element, show, close: () => removeEventListener('pointerdown', closeMenus) };
}

function counted(records, name) {
  const counts = new Map();
  for (const record of records.slice(0, MOST_COUNTED)) {
    const value = VALUE_OF[name] ? VALUE_OF[name](record) : record[name];
    if (value !== undefined) counts.set(String(value), (counts.get(String(value)) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1]).slice(0, MOST_VALUES);
}
