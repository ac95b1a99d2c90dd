// Addresses of the page: `#/<view>/<segments…>?<params>`, or `#<params>` alone. A parameter that is given more than once is a list.

export function parse(hash) {
  const text = hash.replace(/^#/, '');
  const [path, query = ''] = text.startsWith('/') ? text.slice(1).split(/\?(.*)/s) : ['', text];
  const segments = path.split('/').filter(Boolean).map(decoded);
  const params = {};
  for (const [name, value] of new URLSearchParams(query)) {
    params[name] = Object.hasOwn(params, name) ? [params[name], value].flat() : value;
  }
  return { view: segments[0] ?? '', segments: segments.slice(1), params };
}

function decoded(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

export function format(path, params = {}) {
  const query = new URLSearchParams();
  for (const [name, given] of Object.entries(params)) {
    for (const value of [given].flat()) if (value !== '' && value !== undefined && value !== null) query.append(name, value);
  }
  const text = query.toString();
  return `#/${path}${text ? `?${text}` : ''}`;
}

/** Follows links inside the page even where a `<base>` points to another server. */
export function keepLinksHere() {
  document.addEventListener('click', (event) => {
    const href = event.target.closest?.('a[href^="#/"]')?.getAttribute('href');
    if (!href || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    location.hash = href;
  });
}
