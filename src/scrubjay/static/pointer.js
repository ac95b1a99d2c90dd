// Places in a payload: JSON Pointers as the API gives them, as people read them, and as selectors of scrub rules.

const HIDDEN = '~'; // what the API prints for a key that is personal itself
const PLAIN_KEY = /^[A-Za-z_][\w-]*$/;
const INDEX = /^\d+$/;

export const join = (path, key) => `${path}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`;

export const split = (path) =>
  path.split('/').slice(1).map((part) => (part === HIDDEN ? HIDDEN : part.replaceAll('~1', '/').replaceAll('~0', '~')));

/** What a container holds, as pairs. */
export const members = (value) => (Array.isArray(value) ? value.map((child, index) => [index, child]) : Object.entries(value));

export const isContainer = (value) => typeof value === 'object' && value !== null;

/** `["name", value]`: how SDKs send headers and query strings. */
export const isPair = (value) => Array.isArray(value) && value.length === 2 && typeof value[0] === 'string';

/** Own members alone: a key such as `__proto__` leads nowhere else. Reports name pairs of a list by their names. */
function childOf(value, key) {
  if (!isContainer(value)) return undefined;
  if (Object.hasOwn(value, key) && (!Array.isArray(value) || INDEX.test(key))) return value[key];
  return pairNamed(value, key)?.[1];
}

export const pairNamed = (value, key) => (Array.isArray(value) ? value.find((child) => isPair(child) && child[0] === key) : undefined);

export const valueAt = (document, path) => split(path).reduce(childOf, document);

/** The path with positions in place of the names of pairs. */
export function positioned(document, path) {
  let found = '';
  let value = document;
  for (const key of split(path)) {
    const pair = Array.isArray(value) && !INDEX.test(key) ? pairNamed(value, key) : null;
    found = pair ? `${join(found, value.indexOf(pair))}/1` : join(found, key);
    value = childOf(value, key);
  }
  return found;
}

/** The steps of a path with what they mean: of a list of pairs the name stands for position and place. */
function steps(document, path) {
  const parts = split(path);
  const found = [];
  let value = document;
  for (let at = 0; at < parts.length; at += 1) {
    value = childOf(value, parts[at]);
    if (INDEX.test(parts[at]) && isPair(value) && parts[at + 1] === '1') {
      found.push({ key: value[0], index: false });
      value = value[1];
      at += 1;
    } else found.push({ key: parts[at], index: INDEX.test(parts[at]) });
  }
  return found;
}

/** `request › headers › Authorization`, each part at most 80 characters long. */
export const readable = (document, path) =>
  steps(document, path).map(({ key }) => (key.length > 80 ? `${key.slice(0, 79)}…` : key)).join(' › ') || '(the whole)';

/** The selector that a scrub rule would have for this place; positions stand for all of a list. */
export const selectorOf = (document, path) =>
  steps(document, path).map(({ key, index }) => {
    if (index || key === HIDDEN || key === '') return '*';
    return PLAIN_KEY.test(key) ? key : `'${key.replaceAll("'", "''")}'`;
  }).join('.') || '**';
