// The capture API: one function per route. On any address but loopback it wants a token: open the page once as /#token=…

export const ORIGIN = new URL('..', import.meta.url);
const BASE = new URL('api/capture/', ORIGIN);
const TOKEN = 'scrubjay.token';

/** Parameters of an address that the API takes as filters; whatever else stands there is a view's own. */
const FILTERS = new Set([
  'type', 'project', 'key', 'level', 'outcome', 'environment', 'release', 'platform', 'sdk', 'transaction', 'logger', 'trace_id',
  'event_id', 'user.id', 'exception', 'message', 'file', 'in_app', 'via', 'has', 'rule', 'since', 'until', 'q',
]);
export const isFilter = (name) => FILTERS.has(name) || name.startsWith('tag.') || name.startsWith('path:');

export class ApiError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export function keepToken(token) {
  sessionStorage.setItem(TOKEN, token);
}

/** The newest capture id that an answer told of: where listening starts. */
let newest = '';
export const cursor = () => newest;

export function addressOf(path, params = {}) {
  const url = new URL(path, BASE);
  for (const [name, given] of Object.entries(params)) {
    for (const value of [given].flat()) if (value !== '' && value !== undefined && value !== null) url.searchParams.append(name, value);
  }
  return url;
}

/** An answer as it is, for bytes, text and streams. Throws `ApiError`, or what `fetch` throws. */
export async function ask(path, { method = 'GET', params, body, headers = {}, signal, keepalive } = {}) {
  const token = sessionStorage.getItem(TOKEN);
  const sent = { ...headers, ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  if (body !== undefined) sent['Content-Type'] = 'application/json';
  const response = await fetch(addressOf(path, params), {
    method, headers: sent, signal, keepalive, body: body === undefined ? undefined : JSON.stringify(body),
  });
  newest = response.headers.get('X-Scrubjay-Cursor') ?? newest;
  if (response.ok) return response;
  const answer = await response.json().catch(() => ({}));
  throw new ApiError(response.status, answer.error?.code, answer.error?.message ?? `${response.status} ${response.statusText}`);
}

const json = async (path, options) => (await ask(path, options)).json();
const text = async (path, options) => (await ask(path, options)).text();
const part = (id, rest = '') => `events/${encodeURIComponent(id)}${rest}`;

export const status = () => json('status');
export const stats = () => json('stats');
export const events = (params, signal) => json('events', { params, signal });
export const event = (id, signal) => json(part(id), { signal });
export const report = (id) => json(part(id, '/report'));
export const attachment = async (id, number) => (await ask(part(id, `/attachments/${number}`))).blob();
export const exportAs = (id, as) => text(part(id, '/export'), { params: { as } });
export const exportOf = (params) => text('export', { params });
export const envelopes = (params, signal) => json('envelopes', { params, signal });
export const envelope = (id) => json(`envelopes/${encodeURIComponent(id)}`);
export const rawEnvelopeUrl = (id) => addressOf(`../../envelope/${encodeURIComponent(id)}`).href;
export const rawEnvelope = async (id) => (await ask(`../../envelope/${encodeURIComponent(id)}`)).arrayBuffer();
export const traces = (params, signal) => json('traces', { params, signal });
export const trace = (id, signal) => json(`traces/${encodeURIComponent(id)}`, { signal });
export const rules = () => json('rules');
export const dryRun = (body) => json('dry-run', { method: 'POST', body });
export const faults = () => json('faults');
export const endFaults = () => ask('faults', { method: 'DELETE' });
export const remove = (params, { keepalive = false } = {}) => json('events', { method: 'DELETE', params, keepalive });
export const mark = () => json('marks', { method: 'POST' });
export const wait = (params, signal) => json('wait', { params, signal });
export const stream = (params, { after, signal }) =>
  ask('stream', { params, signal, headers: { Accept: 'text/event-stream', ...(after ? { 'Last-Event-ID': after } : {}) } });
export const contextLines = (stacktrace) => json('../../contextlines', { method: 'PUT', body: stacktrace });
export const openInEditor = (place) => ask('../../open', { method: 'POST', body: place });
