// The workbench: candidate rules, run over records that are kept, beside what the rules in force made of them. Nothing is changed by it.

import { copyButton, h, plural, when } from './dom.js';
import { diffView } from './diffview.js';
import { brief, plain } from './shown.js';
import { index } from './tree.js';

const DRAFT = 'scrubjay.rules';
const LISTED = 60;
const MOST_CHOSEN = 20;
const WAIT_MS = 500;
const CURRENT = 'current'; // what the API calls the rules in force
const EMPTY = { rules: {}, applications: {} };
const EXAMPLES = ['@anything:filter', '@anything:hash', '@anything:remove', '@email', '@ip', '@creditcard', '@iban', '@userpath', '@password', '@pemkey', '@usssn', '@mac', '@uuid'];

/** `params`: `ids` of records that are chosen at first, `selector` and `rule` of a rule to add. */
export function workbench(app, root, params) {
  const ids = [params.ids ?? []].flat().flatMap((id) => id.split(','));
  const state = { chosen: new Set(ids), timer: 0, run: 0, closed: false, only: 'new' };
  const editor = h('textarea', { class: 'editor', spellcheck: 'false', rows: 12, placeholder: 'Nothing here: the rules in force', 'aria-label': 'Candidate rules' });
  const problem = h('p', { class: 'problem', role: 'alert', hidden: true });
  const results = h('div', { class: 'results', role: 'region', 'aria-label': 'What the rules would do' }, h('p', { class: 'quiet' }, 'Choose records and rules.'));
  const picker = h('ul', { class: 'picker' });
  const copies = h('div', { class: 'buttons' });
  let redraw = () => {};

  const later = () => {
    clearTimeout(state.timer);
    state.timer = setTimeout(run, WAIT_MS);
  };

  function candidate() {
    if (!editor.value.trim()) return CURRENT;
    try {
      return JSON.parse(editor.value);
    } catch (error) {
      // Whatever is no JSON is read as YAML by the server.
      if (/^\s*[{[]/.test(editor.value)) throw error;
      return editor.value;
    }
  }

  async function run() {
    const mine = (state.run += 1);
    problem.hidden = true;
    try {
      const rules = candidate();
      sessionStorage.setItem(DRAFT, editor.value);
      if (!state.chosen.size) {
        results.replaceChildren(h('p', { class: 'quiet' }, 'Choose at least one record.'));
        return;
      }
      results.setAttribute('aria-busy', 'true');
      const answer = await app.api.dryRun({ rules, ids: [...state.chosen] });
      if (mine !== state.run || state.closed) return;
      await draw(answer);
    } catch (error) {
      if (mine !== state.run || state.closed) return;
      problem.textContent = error.message;
      problem.hidden = false;
    } finally {
      results.removeAttribute('aria-busy');
    }
  }

  async function draw({ reports = [], fragment, test }) {
    const records = await Promise.all(reports.map(({ id }) => app.api.event(id).catch(() => null)));
    if (state.closed) return;
    redraw = () => results.replaceChildren(...reports.map((one, at) => result(app, one, records[at])));
    redraw();
    copies.replaceChildren(...[
      fragment ? copyButton('Copy as configuration', () => fragment) : null,
      test ? copyButton('Copy as rule test', () => test) : null,
    ].filter(Boolean));
  }

  function add(selector, rule) {
    let document;
    try {
      document = editor.value.trim() ? candidate() : EMPTY;
    } catch {
      document = null;
    }
    if (!document || typeof document !== 'object' || Array.isArray(document)) {
      app.toast('The rules in the editor are no JSON; add it there by hand.');
      return;
    }
    const applications = { ...document.applications };
    applications[selector] = [...new Set([...(applications[selector] ?? []), rule])];
    editor.value = JSON.stringify({ ...document, applications }, null, 2);
    later();
  }

  function form() {
    const selector = h('input', { type: 'text', value: params.selector ?? '', placeholder: '$string, extra.card, **.token', 'aria-label': 'Selector', spellcheck: 'false' });
    const known = h('datalist', { id: 'known-rules' }, EXAMPLES.map((name) => h('option', { value: name })));
    const rule = h('input', { type: 'text', value: params.rule ?? '@anything:filter', list: 'known-rules', 'aria-label': 'Rule', spellcheck: 'false' });
    return h('form', { class: 'addrule', onsubmit: (event) => { event.preventDefault(); if (selector.value && rule.value) add(selector.value, rule.value); } },
      h('span', { class: 'quiet' }, 'At'), selector, h('span', { class: 'quiet' }, 'use'), rule, known, h('button', { type: 'submit', class: 'small' }, 'Add'));
  }

  async function fillPicker() {
    const { events: found } = await app.api.events({ limit: LISTED, type: '!attachment' });
    const listed = new Set(found.map((one) => one.id));
    const absent = await Promise.all([...state.chosen].filter((id) => !listed.has(id)).map((id) => app.api.event(id).catch(() => null)));
    const records = [...absent.filter(Boolean), ...found.filter((one) => state.chosen.has(one.id)), ...found.filter((one) => !state.chosen.has(one.id))];
    if (!state.chosen.size && records[0]) state.chosen.add(records[0].id);
    if (!state.closed) picker.replaceChildren(...(records.length ? records.map(option) : [h('li', { class: 'quiet' }, 'Nothing was captured yet.')]));
  }

  function option(record) {
    const box = h('input', { type: 'checkbox', checked: state.chosen.has(record.id) });
    box.addEventListener('change', () => {
      if (box.checked && state.chosen.size >= MOST_CHOSEN) {
        box.checked = false;
        app.toast(`At most ${MOST_CHOSEN} at once.`);
      } else if (box.checked) state.chosen.add(record.id);
      else state.chosen.delete(record.id);
      later();
    });
    return h('li', {}, h('label', {}, box,
      h('span', { class: 'pickname' }, brief(record.title || '(untitled)', 120)), h('span', { class: 'quiet' }, ` ${plain(record.type, 20)} · `, when(record.received_at))));
  }

  async function start() {
    editor.value = sessionStorage.getItem(DRAFT) || JSON.stringify(EMPTY, null, 2);
    if (params.selector && params.rule) add(params.selector, params.rule);
    await fillPicker();
    await run();
  }

  const fill = (text) => {
    editor.value = text;
    later();
  };

  editor.addEventListener('input', later);
  root.replaceChildren(h('div', { class: 'workbench' },
    h('section', { class: 'panel bench' },
      h('h2', {}, 'Rules to try'),
      h('p', { class: 'quiet' }, 'In the form of a project’s piiConfig, beside what is always done. Nothing here changes what is in force.'),
      form(), editor, problem,
      h('div', { class: 'buttons' },
        h('button', { type: 'button', class: 'small', onclick: () => fill('') }, 'Rules in force'),
        h('button', { type: 'button', class: 'small', onclick: () => fill(JSON.stringify(EMPTY, null, 2)) }, 'No rules of your own'), copies),
      h('h3', {}, 'Records'), picker),
    h('section', { class: 'panel outcome' }, h('h2', {}, 'What they would do'), results)));
  const forget = app.onMask(() => redraw());
  const ready = start().catch((error) => { problem.textContent = error.message; problem.hidden = false; });
  return { ready, close() { state.closed = true; clearTimeout(state.timer); forget(); } };
}

/** One record under the candidate rules, against the rules in force. */
function result(app, { id, report, before_report: before, error }, record) {
  const title = record?.title || id;
  if (error) return h('article', {}, h('h3', {}, brief(title, 160)), h('p', { class: 'problem' }, plain(error.message ?? error, 400)));
  const keyOf = (change) => `${change.path}\n${change.rule}`;
  const then = new Set((before?.changes ?? []).map(keyOf));
  const now = new Set((report.changes ?? []).map(keyOf));
  const fresh = (report.changes ?? []).filter((change) => !then.has(keyOf(change)));
  const lost = (before?.changes ?? []).filter((change) => !now.has(keyOf(change)));
  const suspects = [before?.suspects?.length ?? 0, report.suspects?.length ?? 0];
  const place = h('div');
  const list = (changes) => diffView({ document: undefined, changes, suspects: [], notes: index([]), split: false, masked: app.masked() }).element;
  const choices = [
    [`${plural(fresh.length, 'place')} more`, fresh, 'good'],
    [`${plural(lost.length, 'place')} less`, lost, lost.length ? 'warn' : ''],
    [`${plural((report.changes ?? []).length, 'change')} in all`, report.changes ?? [], ''],
  ];
  const buttons = choices.map(([label, changes, kind]) => h('button', {
    type: 'button', class: `sieve ${changes.length ? kind : ''}`, 'aria-pressed': 'false', disabled: !changes.length,
    onclick: (event) => choose(changes, event.currentTarget),
  }, label));
  const choose = (changes, button) => {
    for (const other of buttons) other.setAttribute('aria-pressed', String(other === button));
    place.replaceChildren(list(changes));
  };
  const first = buttons.findIndex((button) => !button.disabled);
  if (first >= 0) choose(choices[first][1], buttons[first]);
  return h('article', {},
    h('h3', {}, h('a', { href: app.href(`errors/${encodeURIComponent(id)}/scrub`) }, brief(title, 160))),
    h('div', { class: 'sieves' }, buttons, h('span', { class: suspects[1] < suspects[0] ? 'good' : 'quiet' }, `suspects: ${suspects[0]} → ${suspects[1]}`)),
    place);
}
