// The scrub view of one record: what came and what leaves, which rule did it, and what still looks personal.

import { bytes, details, duration, h, plural } from './dom.js';
import { changesOf } from './diff.js';
import { changeText, diffView, originOf } from './diffview.js';
import { readable } from './pointer.js';
import { brief, plain, shown } from './shown.js';
import { suspectList, ruleFor } from './suspects.js';

const LAYOUT = 'scrubjay.diff';
const MAX_CHIPS = 24;
const MAX_LISTED = 300;
const UPSTREAM = 'upstream';
const MODES = {
  full: 'Originals are kept in this process’s memory alone, and end with the record.',
  shape: 'Originals are not kept: the left side tells length and kinds of characters.',
  none: 'Nothing of the originals is kept: places and rules are all there is.',
};

export function scrubTab(view) {
  const root = h('div', { class: 'scrub' }, h('p', { class: 'quiet' }, 'Comparing…'));
  view.report().then(
    (report) => root.replaceChildren(...scrubParts(view, report)),
    (error) => {
      const remarked = { mode: 'none', isFallback: true, changes: changesOf(view.record.remarks ?? []), suspects: [] };
      root.replaceChildren(h('p', { class: 'problem' }, `No report: ${error.message}`), ...scrubParts(view, remarked));
    },
  );
  return root;
}

/** `view`: `{ record, app, notes, onClose(fn) }`. */
export function scrubParts(view, report) {
  const { record, app } = view;
  const { changes, suspects } = ownOf(record, report);
  const document = record.payload;
  const state = { rules: new Set(), actions: new Set(), split: isSplit(), lit: '', at: -1 };
  const place = h('div', { class: 'diffplace' });
  const text = h('div');
  const legend = h('div', { class: 'legend', role: 'status' });
  const mode = h('p', { class: 'quiet mode' });
  let shownDiff = null;

  const chosen = () => changes.filter((change) => (!state.rules.size || state.rules.has(change.rule)) && (!state.actions.size || state.actions.has(change.action)));
  const draw = () => {
    const filtered = chosen();
    const marked = state.rules.size || state.actions.size ? [] : suspects;
    shownDiff = diffView({
      document, changes: filtered, suspects: marked, notes: view.notes,
      split: state.split, masked: app.masked(), onRule: (rule) => light(rule), onSuspect: propose,
    });
    const heads = state.split ? h('div', { class: 'heads', 'aria-hidden': 'true' }, h('span', {}, 'As it came'), h('span', {}, 'As it leaves')) : null;
    const nothing = filtered.length + marked.length ? null : h('p', { class: 'quiet clean' }, changes.length ? 'No change matches.' : '✓ Nothing was changed: the payload leaves as it came.');
    place.replaceChildren(...[nothing, heads, shownDiff.element].filter(Boolean));
    text.replaceChildren(...[opaque(record, filtered, app.masked())].filter(Boolean));
    mode.textContent = [report.reason, MODES[report.mode], app.masked() && 'Values of originals are hidden: safe to share.'].filter(Boolean).map((part) => plain(part, 300)).join(' ');
    place.classList.toggle('lighting', Boolean(state.lit));
    if (state.lit) light(state.lit, { keep: true });
  };

  const light = (rule, { keep = false } = {}) => {
    for (const row of place.querySelectorAll('.lit')) row.classList.remove('lit');
    const off = !keep && state.lit === rule;
    state.lit = off ? '' : rule;
    if (!keep) state.at = -1;
    place.classList.toggle('lighting', !off);
    if (off) return legend.replaceChildren();
    const rows = shownDiff.rows(rule);
    for (const row of rows) row.classList.add('lit');
    return legend.replaceChildren(...legendOf(rule, rows));
  };
  const legendOf = (rule, rows) => {
    const first = changes.find((change) => change.rule === rule) ?? {};
    const facts = [originOf(first), first.detector && `detector ${first.detector}`, first.selector && `selector ${first.selector}`].filter(Boolean).join(' · ');
    const step = (by) => {
      state.at = (state.at + by + rows.length) % rows.length;
      rows[state.at].scrollIntoView({ block: 'center' });
    };
    return [
      h('strong', {}, plain(rule, 80)), h('span', { class: 'quiet' }, ` ${plural(changes.filter((change) => change.rule === rule).length, 'change')} · ${plain(facts, 200)}`),
      rows.length > 1 ? h('span', { class: 'buttons' },
        h('button', { type: 'button', class: 'small', 'aria-label': 'Previous change of this rule', onclick: () => step(-1) }, '↑'),
        h('button', { type: 'button', class: 'small', 'aria-label': 'Next change of this rule', onclick: () => step(1) }, '↓')) : null,
      h('button', { type: 'button', class: 'small', onclick: () => light(rule) }, 'Show all alike'),
    ].filter(Boolean);
  };
  const propose = (suspect) => {
    const { selector, rule } = ruleFor(document, suspect);
    app.go('scrubbing/workbench', { ids: record.id, selector, rule });
  };

  const layout = h('button', { type: 'button', class: 'small layout', 'aria-pressed': String(state.split) }, 'Side by side');
  layout.addEventListener('click', () => {
    state.split = !state.split;
    localStorage.setItem(LAYOUT, state.split ? 'split' : 'one');
    layout.setAttribute('aria-pressed', String(state.split));
    draw();
  });
  view.onClose?.(app.onMask?.(draw));
  draw();
  return [
    fateOf(record),
    summary(report, changes, suspects),
    suspects.length ? suspectList(document, suspects, { reveal: (path) => shownDiff.reveal(path), propose }) : null,
    changes.length ? h('div', { class: 'toolbar filters' },
      chips('Rule', tally(changes, (change) => change.rule), state.rules, draw),
      chips('Action', tally(changes, (change) => change.action), state.actions, draw),
      layout,
      h('a', { class: 'button small', href: app.href('scrubbing/workbench', { ids: record.id }) }, 'Try other rules')) : null,
    legend,
    document === undefined ? text : place,
    earlier(record, report),
    mode,
  ].filter(Boolean);
}

const isSplit = () => !matchMedia('(max-width: 50rem)').matches && localStorage.getItem(LAYOUT) !== 'one';

/** Remarks that the event brought along: what its SDK or another relay did before. No change of ours. */
function earlier(record, report) {
  const ours = new Set((report.changes ?? []).filter((change) => change.origin !== UPSTREAM).flatMap((change) => [change.rule, change.by].map((rule) => `${change.path}\n${rule}`)));
  const found = (record.remarks ?? []).filter((remark) => !ours.has(`${remark.path}\n${remark.rule}`));
  if (!found.length || report.mode === undefined || report.isFallback) return null;
  const rules = tally(found, (remark) => remark.rule).map(([rule, number]) => `${rule} × ${number}`).join(', ');
  const item = (remark) => h('li', {},
    h('code', {}, brief(readable(record.payload, remark.path), 200)), ' ', h('span', { class: 'quiet' }, `${remark.action} by ${plain(remark.rule, 60)}`));
  return details(['Came with the event ', h('span', { class: 'quiet' }, `${plural(found.length, 'remark')}: ${plain(rules, 160)}`)],
    (body) => body.append(h('ul', { class: 'plainchanges' }, found.slice(0, MAX_LISTED).map(item))), { class: 'earlier' });
}

/** Of a container's report what is about this entry, with paths that begin at the entry. */
function ownOf(record, { changes: all = [], suspects = [] }) {
  const changes = all.filter((change) => change.origin !== UPSTREAM);
  const base = `/items/${/\.(\d+)$/.exec(record.id)?.[1]}/`;
  const own = (list) => (list.some((one) => one.path.startsWith(base))
    ? list.filter((one) => one.path.startsWith(base)).map((one) => ({ ...one, path: one.path.slice(base.length - 1) })) : list);
  return { changes: own(changes), suspects: own(suspects) };
}

function summary(report, changes, suspects) {
  const made = changes.filter((change) => !change.dry_run && change.action !== 'item_dropped');
  const rules = new Set(made.map((change) => change.rule)).size;
  const figure = (value, text, kind = '') => h('div', { class: `figure ${kind}` }, h('strong', {}, value), h('span', {}, text));
  return h('div', { class: 'figures' },
    figure(made.length.toLocaleString('en'), made.length === 1 ? 'change' : 'changes', made.length ? 'good' : ''),
    figure(String(rules), rules === 1 ? 'rule' : 'rules'),
    report.bytes_removed === undefined ? null : figure(bytes(Math.max(0, report.bytes_removed)), 'taken out'),
    report.time_ms ? figure(duration(report.time_ms), 'spent') : null,
    figure(String(suspects.length), suspects.length === 1 ? 'suspect' : 'suspects', suspects.length ? 'warn' : ''));
}

/** What stopped a record, if something did. */
export function fateOf(record) {
  if (!record.outcome || record.outcome === 'accepted') return null;
  const words = { filtered: 'filtered out', sampled: 'sampled away', rate_limited: 'over a limit', invalid: 'invalid', too_large: 'too large' };
  const text = (value) => shown(typeof value === 'string' ? value : JSON.stringify(value), { limit: 600 });
  const rows = [['caught by', record.outcome_reason], ['at', record.outcome_stage], ['from', record.outcome_origin], ['because', record.outcome_detail]].filter(([, value]) => value);
  return h('section', { class: 'fate' },
    h('p', {}, h('strong', {}, 'This would not have been sent: '), words[record.outcome] ?? plain(record.outcome, 40), '.'),
    rows.length ? h('dl', { class: 'inline' }, rows.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, text(value))))) : null);
}

/** Changes of a payload that is no JSON: attachments, recordings. */
function opaque(record, changes, masked) {
  const made = changes.filter((change) => change.action !== 'item_dropped');
  if (!made.length) return record.payload_omitted || changes.length ? null : h('p', { class: 'quiet clean' }, '✓ Nothing was changed.');
  return h('ul', { class: 'plainchanges diff' }, made.slice(0, MAX_LISTED).map((change) => h('li', {},
    h('span', { class: 'quiet' }, brief(change.path, 200)), ' ', changeText(change, { masked }), ' ', h('span', { class: `rule ${change.action}` }, plain(change.rule, 60)))));
}

// Filters

const tally = (list, nameOf) => [...list.reduce((sums, one) => sums.set(nameOf(one), (sums.get(nameOf(one)) ?? 0) + 1), new Map())].sort((a, b) => b[1] - a[1]);

function chips(label, counted, chosen, draw) {
  if (counted.length < 2) return null;
  const chip = ([name, number]) => {
    const button = h('button', { type: 'button', class: 'sieve', 'aria-pressed': 'false' }, plain(name, 50), h('span', { class: 'count' }, String(number)));
    button.addEventListener('click', () => {
      if (!chosen.delete(name)) chosen.add(name);
      button.setAttribute('aria-pressed', String(chosen.has(name)));
      draw();
    });
    return button;
  };
  return h('div', { class: 'sieves', role: 'group', 'aria-label': `Filter by ${label.toLowerCase()}` }, h('span', { class: 'quiet' }, label), counted.slice(0, MAX_CHIPS).map(chip));
}
