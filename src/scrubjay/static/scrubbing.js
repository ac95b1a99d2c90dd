// Scrubbing over all that is kept: which rules fire and how often, which never do, where most is taken, what still looks personal. The second
// part of the view is the workbench.

import { bytes, duration, h, present, when } from './dom.js';
import { brief, plain } from './shown.js';
import { workbench } from './workbench.js';

const REFRESH_MS = 1500;
const MOST = 200;

export default { open };

function open(app, root) {
  let part = null; // 'overview' or 'workbench'
  let bench = null;
  let timer = 0;
  const links = h('nav', { class: 'subnav', 'aria-label': 'Scrubbing' });
  const body = h('div', { class: 'scrubbing' });
  root.append(h('div', { class: 'rulebook' }, links, body));

  const drawLinks = () => links.replaceChildren(...[['scrubbing', 'overview', 'Overview'], ['scrubbing/workbench', 'workbench', 'Workbench']].map(([path, name, title]) =>
    h('a', { href: app.href(path, {}), 'aria-current': part === name ? 'page' : null }, title)));

  async function draw() {
    try {
      const found = await app.api.rules();
      if (part === 'overview') body.replaceChildren(...overview(found, app));
    } catch (error) {
      if (part === 'overview') body.replaceChildren(h('p', { class: 'problem' }, error.message));
    }
  }

  /** Once for many arrivals. */
  function later() {
    if (part !== 'overview' || timer) return;
    timer = setTimeout(() => { timer = 0; if (part === 'overview') draw(); }, REFRESH_MS);
  }

  function leaveBench() {
    bench?.close();
    bench = null;
  }

  return {
    async show([segment = ''], params) {
      part = segment === 'workbench' ? 'workbench' : 'overview';
      drawLinks();
      leaveBench();
      if (part === 'overview') {
        if (!body.querySelector('.totals')) body.replaceChildren();
        await draw();
      } else {
        bench = workbench(app, body, params);
        await bench.ready;
      }
    },
    arrived: later,
    changed: later,
    cleared: () => (part === 'overview' ? draw() : undefined),
    close() { clearTimeout(timer); part = null; leaveBench(); },
  };
}

function overview({ rules = [], unused = [], paths = [], suspects = {}, by_project: projects = [] }, app) {
  const fired = rules.filter((rule) => rule.hits).sort((a, b) => b.hits - a.hits);
  const silent = unused.length ? unused : rules.filter((rule) => !rule.hits).map((rule) => rule.id);
  const total = (name) => fired.reduce((sum, rule) => sum + (rule[name] ?? 0), 0);
  const left = Object.entries(suspects).sort((a, b) => b[1] - a[1]);
  const figure = (value, text, kind = '') => h('div', { class: `figure ${kind}` }, h('strong', {}, value), h('span', {}, text));
  return present([
    h('div', { class: 'figures totals' },
      figure(total('hits').toLocaleString('en'), 'values taken', total('hits') ? 'good' : ''),
      figure(bytes(total('bytes')), 'removed'),
      figure(String(fired.length), fired.length === 1 ? 'rule fired' : 'rules fired'),
      figure(String(silent.length), 'never fired'),
      figure(String(left.reduce((sum, [, count]) => sum + count, 0)), 'suspects left', left.length ? 'warn' : '')),
    h('section', { class: 'panel' }, h('h2', {}, 'Rules'), fired.length
      ? ruleTable(fired, app) : h('p', { class: 'quiet' }, 'No rule has taken anything yet. Send an event with an e-mail address in it, and see.')),
    h('div', { class: 'columns2' },
      h('section', { class: 'panel' }, h('h2', {}, 'Most often scrubbed'), pathTable(paths, app)),
      h('section', { class: 'panel' }, h('h2', {}, 'Still in events'),
        left.length ? bars(left.map(([name, count]) => ({ label: h('code', {}, brief(name, 60)), value: count, kind: 'warn' })))
          : h('p', { class: 'quiet' }, 'Nothing that a detector would still call personal.'),
        left.length ? h('p', {}, h('a', { href: app.href('errors', { has: 'suspects' }) }, 'Records with suspects')) : null)),
    h('section', { class: 'panel' }, h('h2', {}, 'Never fired'), silent.length
      ? h('p', { class: 'silent' }, silent.slice(0, MOST).map((name) => [h('code', { class: 'rulename' }, brief(typeof name === 'string' ? name : name.id, 80)), ' ']))
      : h('p', { class: 'quiet' }, 'Every rule has found something.')),
    projects.length > 1 ? h('section', { class: 'panel' }, h('h2', {}, 'By project'), bars(projects.map((one) => ({ label: `Project ${plain(one.project, 40)}`, value: one.hits ?? 0 })))) : null,
  ]);
}

function ruleTable(rules, app) {
  const most = Math.max(...rules.map((rule) => rule.hits));
  const head = ['Rule', 'Hits', 'Records', 'Removed', 'Slowest', 'Last hit'];
  const row = (rule) => h('tr', {},
    h('td', {}, h('a', { href: app.href('errors', { rule: rule.id }), title: 'Records that it changed' }, h('code', {}, brief(rule.id, 80))), ' ',
      rule.origin ? h('span', { class: 'quiet origin' }, plain(originText(rule.origin), 60)) : null, places(rule)),
    h('td', { class: 'number' }, h('span', { class: 'withbar' }, meter(rule.hits, most), (rule.hits ?? 0).toLocaleString('en'))),
    h('td', { class: 'number' }, (rule.events ?? 0).toLocaleString('en')),
    h('td', { class: 'number' }, bytes(rule.bytes ?? 0)),
    h('td', { class: 'number' }, rule.slowest_ms ? duration(rule.slowest_ms) : ''),
    h('td', {}, rule.last_hit ? when(rule.last_hit) : ''));
  return h('div', { class: 'table', tabindex: 0, role: 'region', 'aria-label': 'Rules that fired' }, h('table', { class: 'wide' },
    h('thead', {}, h('tr', {}, head.map((name, at) => h('th', { scope: 'col', class: at > 0 && at < 5 ? 'number' : null }, name)))),
    h('tbody', {}, rules.slice(0, MOST).map(row))));
}

const originText = (origin) => ({ builtin: 'built in', default: 'by the settings', upstream: 'from the server' }[origin] ?? origin.replace(/^config:?/, 'configuration '));

/** What it looks for and what it does, small below its name; where is long, and told on hover. */
function places({ detectors, selectors, selector, redaction }) {
  const method = typeof redaction === 'string' ? redaction : redaction?.method;
  const said = [[detectors].flat().filter(Boolean).join(', '), method].filter(Boolean).join(' → ');
  const where = [selectors ?? selector].flat().filter(Boolean).join('\n');
  return said ? h('div', { class: 'quiet places', title: plain(where, 600) }, brief(said, 160)) : null;
}

function pathTable(paths, app) {
  if (!paths.length) return h('p', { class: 'quiet' }, 'Nothing yet.');
  return bars(paths.slice(0, 15).map(({ path, rule, hits }) => ({
    label: [h('code', {}, brief(path, 160)), ' ', rule ? h('a', { class: 'quiet', href: app.href('errors', { rule }) }, brief(rule, 60)) : null], value: hits,
  })));
}

function bars(rows) {
  const most = Math.max(1, ...rows.map((row) => row.value));
  return h('ul', { class: 'bars' }, rows.map(({ label, value, kind = '' }) => h('li', {},
    h('div', { class: 'barlabel' }, label), meter(value, most, kind), h('span', { class: 'number' }, value.toLocaleString('en')))));
}

function meter(value, most, kind = '') {
  const inner = h('span');
  inner.style.width = `${Math.max(2, Math.round((100 * value) / Math.max(1, most)))}%`;
  return h('span', { class: `meter ${kind}`, 'aria-hidden': 'true' }, inner);
}

