// The stack trace: chained exceptions and threads, frames of the application open, those of libraries folded, source lines and variables.

import { badge, copyButton, details, h, plural } from './dom.js';
import { marked, tree } from './tree.js';
import { brief, moreButton, plain, shown } from './shown.js';

const OPEN_FRAMES = 8; // further frames of the application open on demand
const PORTION = 60;
const MAX_LINE = 400;
const MAX_ASKED = 200; // frames that `/contextlines` looks at

/** Where a payload has stack traces; false for one without. */
export const hasStack = (payload) => Boolean(chainOf(payload).length || payload?.stacktrace?.frames?.length || threadsOf(payload).length);

const listAt = (holder, path) => {
  const values = holder?.values ?? holder;
  const found = Array.isArray(values) ? values : holder && typeof holder === 'object' && !holder.values ? [holder] : [];
  const base = Array.isArray(holder?.values) ? `${path}/values` : Array.isArray(holder) ? path : null;
  return found.map((value, at) => ({ value, path: base === null ? path : `${base}/${at}` })).filter(({ value }) => value && typeof value === 'object');
};
const chainOf = (payload) => listAt(payload?.exception, '/exception');
const threadsOf = (payload) => listAt(payload?.threads, '/threads').filter(({ value }) => value.stacktrace?.frames?.length);

export function stackTab({ record, app, notes }) {
  const payload = record.payload ?? {};
  const threads = threadsOf(payload);
  const state = { newestFirst: true, raw: false, thread: '' };
  const body = h('div', { class: 'chain' });
  const parts = () => {
    if (state.thread !== '') return [traceOf(threads[Number(state.thread)])];
    const chain = chainOf(payload).map(exceptionOf);
    const own = payload.stacktrace?.frames?.length ? [{ heading: null, frames: payload.stacktrace.frames, path: '/stacktrace' }] : [];
    const crashed = chain.length || own.length ? [] : threads.slice(0, 1).map(traceOf);
    return [...chain, ...own, ...crashed];
  };
  const draw = () => {
    const listed = parts();
    if (state.newestFirst) listed.reverse();
    body.replaceChildren(...(state.raw
      ? [rawText(listed, state)]
      : listed.map((part, at) => exceptionBlock(part, { notes, app, newestFirst: state.newestFirst, isCause: at > 0, open: at === 0 }))));
  };
  const toggle = (label, name, pressed, title) => {
    const button = h('button', { type: 'button', class: 'small', 'aria-pressed': String(pressed), title }, label);
    button.addEventListener('click', () => {
      state[name] = !state[name];
      button.setAttribute('aria-pressed', String(name === 'newestFirst' ? !state[name] : state[name]));
      draw();
    });
    return button;
  };
  const choice = threads.length > 1 || (threads.length && chainOf(payload).length) ? threadChoice(threads, (value) => { state.thread = value; draw(); }) : null;
  draw();
  return h('div', { class: 'stack' },
    h('div', { class: 'toolbar' }, choice,
      toggle('Oldest first', 'newestFirst', false, 'The order of exceptions and frames'),
      toggle('As text', 'raw', false, 'Text to select and copy'),
      copyButton('Copy text', () => asText(parts().reverse(), state))),
    body);
}

function threadChoice(threads, choose) {
  const label = ({ value }, at) => {
    const said = [value.crashed && 'crashed', value.current && 'current', value.state].filter(Boolean).join(', ');
    return `Thread ${plain(value.id ?? at, 20)} ${plain(value.name ?? '', 40)}${said ? ` (${plain(said, 40)})` : ''}`;
  };
  return h('label', { class: 'choice' }, 'Stack of ',
    h('select', { onchange: (event) => choose(event.target.value) },
      h('option', { value: '' }, 'the exception'),
      threads.map((thread, at) => h('option', { value: String(at) }, label(thread, at)))));
}

const exceptionOf = ({ value, path }) => ({ heading: value, frames: value.stacktrace?.frames ?? [], path: `${path}/stacktrace`, at: path });
const traceOf = ({ value, path }) => ({ heading: null, thread: value, frames: value.stacktrace.frames, path: `${path}/stacktrace` });

function exceptionBlock({ heading, thread, frames, path, at }, context) {
  const block = h('section', { class: 'exception' });
  if (heading) {
    const mechanism = heading.mechanism ?? {};
    block.append(
      context.isCause && h('p', { class: 'quiet cause' }, context.newestFirst ? 'caused by' : 'which led to') || '',
      h('h3', {}, brief(heading.type ?? 'Exception', 300), heading.module ? h('span', { class: 'quiet' }, ' ', brief(heading.module, 200)) : null),
      h('p', { class: 'said' }, heading.value === null || heading.value === undefined ? null : marked(String(heading.value), context.notes.at(`${at}/value`))),
      h('p', { class: 'badges' },
        mechanism.type && badge(plain(mechanism.type, 60), '', 'mechanism'),
        mechanism.handled === false && badge('unhandled', 'error'),
        mechanism.handled === true && badge('handled', 'info'),
        heading.thread_id !== undefined && heading.thread_id !== null && badge(`thread ${plain(heading.thread_id, 20)}`)));
  } else if (thread) block.append(h('h3', {}, 'Thread ', brief(thread.name ?? thread.id ?? '', 100)));
  const placed = frames.map((frame, position) => ({ frame, path: `${path}/frames/${position}` })).filter(({ frame }) => frame && typeof frame === 'object');
  if (context.newestFirst) placed.reverse();
  if (placed.length) block.append(frameList(placed, context));
  else block.append(h('p', { class: 'quiet' }, 'No stack trace came with it.'));
  return block;
}

function frameList(placed, context) {
  const list = h('ol', { class: 'frames' });
  const rows = new Map();
  const open = { left: context.open ? OPEN_FRAMES : 2 };
  const inner = { ...context, rows, open };
  inPortions(list, groups(placed), PORTION, (group) => groupItem(group, inner));
  askForSource(context.newestFirst ? [...placed].reverse() : placed, context.app, rows);
  return list;
}

/** Rows of a list, some at first and more of them on demand. */
function inPortions(list, entries, portion, make) {
  let at = 0;
  const next = (size) => {
    list.append(...entries.slice(at, at + size).map(make));
    at += size;
    if (at >= entries.length) return;
    const more = h('li', { class: 'plain' }, moreButton(`show more of ${plural(entries.length - at, 'row')}`, () => {
      more.remove();
      next(portion * 4);
    }));
    list.append(more);
  };
  next(portion);
}

/** Frames of the application one by one, those of libraries in between folded together, repetitions as one. */
function groups(placed) {
  const someInApp = placed.some(({ frame }) => frame.in_app !== false);
  const found = [];
  for (const one of placed) {
    const last = found.at(-1);
    const isLibrary = someInApp && one.frame.in_app === false;
    if (isLibrary && last?.library) last.frames.push(one);
    else if (isLibrary) found.push({ library: true, frames: [one] });
    else if (last && !last.library && isSame(last.frames[0].frame, one.frame)) last.times += 1;
    else found.push({ library: false, frames: [one], times: 1 });
  }
  return found;
}

const isSame = (a, b) => a.function === b.function && a.filename === b.filename && a.lineno === b.lineno && a.function !== undefined && !a.vars && !b.vars;

function groupItem({ library, frames, times }, context) {
  if (!library) return frameItem(frames[0], times, context);
  const fill = (body) => {
    const list = h('ol', { class: 'frames' });
    inPortions(list, frames, PORTION, (one) => frameItem(one, 1, { ...context, open: { left: 0 } }));
    body.append(list);
  };
  return h('li', { class: 'library' }, details(plural(frames.length, 'library frame'), fill));
}

function frameItem({ frame, path }, times, context) {
  const place = placeOf(frame);
  const written = h('span', { class: 'place' });
  const tellWritten = () => frame.original && written.replaceChildren(brief(writtenAt(frame), 300));
  tellWritten();
  const label = [
    h('code', { class: 'function' }, brief(nameOf(frame), 200)), ' ',
    h('span', { class: 'place' }, brief(place, 200)), written,
    times > 1 ? badge(`${times} times`, 'warning', 'the same frame again and again') : null,
  ];
  const fill = (body) => {
    body.replaceChildren();
    const source = sourceOf(frame);
    if (frame.original) body.append(...originalOf(frame.original), source ? h('p', { class: 'original quiet' }, 'as it ran') : '');
    if (source) body.append(source);
    const vars = frame.vars && typeof frame.vars === 'object' ? Object.keys(frame.vars).length : 0;
    if (vars) {
      body.append(details(['Variables ', h('span', { class: 'quiet' }, String(vars))],
        (inside) => inside.append(tree(frame.vars, { remarks: context.notes, path: `${path}/vars`, depth: 0 }).element),
        { class: 'vars', open: Boolean(source) && vars <= 12 }));
    }
    body.append(facts(frame, place, context.app));
  };
  const isOpen = context.open.left > 0 && Boolean(frame.context_line ?? frame.vars);
  if (isOpen) context.open.left -= 1;
  const element = details(label, fill, { open: isOpen });
  context.rows.set(frame, () => {
    tellWritten();
    const body = element.querySelector(':scope > .body');
    if (body) fill(body);
  });
  return h('li', { class: frame.in_app === false ? 'outside' : 'inside' }, element);
}

const nameOf = (frame) => frame.function ?? frame.symbol ?? frame.instruction_addr ?? '?';

function placeOf(frame) {
  const file = frame.filename ?? frame.abs_path ?? frame.module ?? frame.package ?? '';
  return [file, frame.lineno, frame.colno].filter((part) => part !== undefined && part !== null && part !== '').join(':');
}

/** What somebody wrote, of which the frame's script was made: the server looked it up in a source map. */
const writtenAt = ({ original }) => (original ? ` ← ${[original.function, placeOf(original)].filter(Boolean).join(' ')}` : '');
const originalOf = (original) => [
  h('p', { class: 'original' }, original.function ? [h('code', { class: 'function' }, brief(original.function, 200)), ' '] : null, h('span', { class: 'place' }, brief(placeOf(original), 300))),
  sourceOf(original) ?? '',
];

function sourceOf(frame) {
  if (typeof frame.context_line !== 'string') return null;
  const before = lines(frame.pre_context);
  const first = (Number(frame.lineno) || before.length + 1) - before.length;
  const row = (line, at, isHere) => h('span', { class: isHere ? 'line here' : 'line' },
    h('span', { class: 'number' }, `${isHere ? '▸' : ' '}${String(first + at).padStart(5)} `), shown(line ?? '', { limit: MAX_LINE, tag: 'span' }), '\n');
  const rows = [...before, frame.context_line, ...lines(frame.post_context)];
  return h('pre', { class: 'source', tabindex: 0, 'aria-label': 'Source lines' }, rows.map((line, at) => row(String(line ?? ''), at, at === before.length)));
}

const lines = (given) => (Array.isArray(given) ? given.slice(0, 50) : []);

function facts(frame, place, app) {
  const shownFacts = [
    ['module', frame.module], ['path', frame.abs_path], ['package', frame.package], ['address', frame.instruction_addr],
    ['in app', frame.in_app === undefined ? null : String(frame.in_app)],
  ]
    .filter(([, value]) => value !== undefined && value !== null && value !== '' && value !== frame.filename);
  const editor = app.status().opens_in_editor && frame.lineno;
  const open = () => app.api.openInEditor(`${frame.abs_path ?? frame.filename}:${frame.lineno}:${frame.colno ?? 1}`).catch((error) => app.toast(error.message));
  return h('div', { class: 'framefacts' },
    h('dl', { class: 'inline' }, shownFacts.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, brief(value, 300))))),
    place ? copyButton('Copy path', () => [frame.abs_path ?? frame.filename ?? place, frame.lineno].filter(Boolean).join(':')) : null,
    editor ? h('button', { type: 'button', class: 'small', onclick: open }, 'Open in editor') : null);
}

/** Source lines that did not come with the event, from files below the context roots or the server of a script. Frames come oldest first. */
async function askForSource(placed, app, rows) {
  const frames = placed.map(({ frame }) => frame).slice(-MAX_ASKED);
  const isBare = (frame) => frame.filename && frame.lineno && typeof frame.context_line !== 'string' && !String(frame.filename).includes('node_modules');
  if (!frames.some(isBare)) return;
  const asked = ({ filename, abs_path, lineno, colno }) => ({ filename, abs_path, lineno, colno: colno ?? 0 });
  const answer = await app.api.contextLines({ frames: frames.map((frame) => (isBare(frame) ? asked(frame) : {})) }).catch(() => null);
  (answer?.frames ?? []).forEach(({ pre_context, context_line, post_context, original } = {}, at) => {
    if (context_line) Object.assign(frames[at], { pre_context, context_line, post_context });
    if (original) Object.assign(frames[at], { original });
    if (context_line || original) rows.get(frames[at])?.();
  });
}

// As text

function rawText(listed, state) {
  return h('pre', { class: 'rawstack', tabindex: 0 }, shown(asText(listed, state), { limit: 20_000, tag: 'span' }));
}

function asText(listed, { newestFirst }) {
  const line = (frame) => `    at ${nameOf(frame)} (${placeOf(frame)})${writtenAt(frame)}`;
  return listed.map(({ heading, thread, frames }) => {
    const title = heading ? `${heading.type ?? 'Exception'}: ${heading.value ?? ''}` : thread ? `Thread ${thread.name ?? thread.id ?? ''}` : '';
    const ordered = newestFirst ? [...frames].reverse() : frames;
    return [title, ...ordered.filter(Boolean).map(line)].filter(Boolean).join('\n');
  }).join('\n\n');
}

