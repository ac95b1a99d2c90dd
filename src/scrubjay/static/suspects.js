// What still looks personal in a payload as it leaves, why it was left, and the rule that would take it.

import { badge, h, plural } from './dom.js';
import { readable, selectorOf } from './pointer.js';
import { brief, plain } from './shown.js';

const MAX_LISTED = 100;

/** Why a value was left, in words. */
const REASONS = {
  number: 'It is a number, and rules look at text.',
  key: 'It is the name of a field, and no rule looks at names there.',
  'class false': 'The protocol expects nothing personal here, and no rule reaches it: the SDK has to leave it out (source lines in Python: include_source_context=False). Under the profile “parity”, “strict” closes many such places.',
  'class maybe without specific selector': 'Rules come here only if their selector names the place.',
  'exempt text': 'The settings leave this text alone.',
  'excluded by excludeFields': 'excludeFields names it.',
  'excluded by its selector': 'The selector of the rule leaves it out.',
  'protected by an incoming remark': 'It came marked as scrubbed already.',
  'dry run': 'A rule finds it, but is on trial.',
  'no rule for it': 'No rule looks for it.',
};

const RULES = { card: '@creditcard', email: '@email', iban_strict: '@iban', iban: '@iban', ip_strict: '@ip', ip: '@ip', jwt: '@jwt', private_key: '@pemkey' };

/** Where no rule of any kind would help, none is offered. */
const BEYOND_RULES = new Set(['key', 'class false']);

/** The rule that would have taken a suspect: a selector, and a built-in rule or `@anything`. */
export const ruleFor = (document, suspect) => ({
  selector: selectorOf(document, suspect.path),
  rule: RULES[String(suspect.detector).replace(/^@/, '')] ?? (String(suspect.detector).startsWith('@') ? suspect.detector : '@anything:filter'),
});

/** `reveal(path)` shows a place, `propose(suspect)` opens the workbench. */
export function suspectList(document, suspects, { reveal, propose }) {
  const item = (suspect) => h('li', {},
    h('div', { class: 'suspecthead' },
      badge(plain(suspect.detector, 40), 'warning'),
      h('button', { type: 'button', class: 'path', onclick: () => reveal(suspect.path) }, brief(readable(document, suspect.path), 300)),
      suspect.confidence === undefined ? null : h('span', { class: 'quiet' }, confidence(suspect.confidence)),
      BEYOND_RULES.has(suspect.reason) ? null : h('button', { type: 'button', class: 'small propose', onclick: () => propose(suspect) }, 'Make a rule')),
    h('p', { class: 'quiet' }, suspect.excerpt ? [h('code', {}, brief(suspect.excerpt, 200)), ' '] : null, REASONS[suspect.reason] ?? plain(suspect.reason ?? '')));
  const list = h('ul', { class: 'suspects' }, suspects.slice(0, MAX_LISTED).map(item));
  if (suspects.length > MAX_LISTED) list.append(h('li', { class: 'quiet' }, `and ${suspects.length - MAX_LISTED} more`));
  const title = h('h3', {}, h('span', { 'aria-hidden': 'true' }, '⚠ '), 'Still in the event', h('span', { class: 'quiet' }, ` ${plural(suspects.length, 'suspect')}`));
  return h('section', { class: 'still' }, title, list);
}

const confidence = (value) => (typeof value === 'number' ? `${Math.round(value * 100)} % sure` : `${plain(value, 20)} confidence`);
