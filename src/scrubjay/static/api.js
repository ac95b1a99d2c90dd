// The capture API. On any address but loopback it wants a token: open the page once as /#token=…

const BASE = new URL('../api/capture/', import.meta.url);
const TOKEN = 'scrubjay.token';

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

async function call(path, { method = 'GET', params = {}, signal } = {}) {
  const url = new URL(path, BASE);
  for (const [name, value] of Object.entries(params)) if (value !== '' && value !== undefined) url.searchParams.append(name, value);
  const token = sessionStorage.getItem(TOKEN);
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const response = await fetch(url, { method, headers, signal });
  const body = await response.json();
  if (!response.ok) throw new ApiError(response.status, body.error?.code, body.error?.message ?? response.statusText);
  return { body, cursor: response.headers.get('X-Scrubjay-Cursor') ?? '' };
}

export const status = () => call('status');
export const events = (filters) => call('events', { params: { ...filters, limit: 200 } });
export const event = (id) => call(`events/${encodeURIComponent(id)}`);
export const clear = () => call('events', { method: 'DELETE' });

/** Returns when something newer than `since` has come, or after 25 seconds. */
export const wait = (filters, since, signal) =>
  call('wait', { params: { ...filters, since, count: 1, timeout: 25, limit: 500 }, signal });
