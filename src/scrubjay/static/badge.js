// A corner badge for pages of applications in development: how many errors this page's trace has, and a link to them.
// Runs as a module inside a foreign page (Django's, with Spotlight on): no global names, one element, nothing else is touched.
// Without a trace in the page, or without an answer, nothing is shown.

const base = new URL('../', import.meta.url);

function traceOfPage() {
  const content = document.querySelector('meta[name="sentry-trace"]')?.content ?? '';
  return /^[0-9a-f]{32}(?=-|$)/i.exec(content)?.[0].toLowerCase() ?? '';
}

function look(element, properties) {
  for (const [name, value] of Object.entries(properties)) element.style.setProperty(name, value);
}

function badge(trace) {
  const host = document.createElement('div');
  look(host, { all: 'initial', position: 'fixed', right: '12px', bottom: '12px', 'z-index': '2147483000' });
  const link = document.createElement('a');
  link.href = new URL(`#/traces/${trace}`, base).href;
  link.target = '_blank';
  link.rel = 'noopener';
  look(link, {
    display: 'block',
    padding: '6px 10px',
    'border-radius': '14px',
    border: '1px solid #fff',
    color: '#fff',
    font: '600 13px/1.2 system-ui, sans-serif',
    'text-decoration': 'none',
  });
  host.attachShadow({ mode: 'closed' }).append(link);
  document.body.append(host);
  return (count) => {
    link.textContent = count === 1 ? '1 error' : `${count} errors`;
    link.title = 'scrubjay: what this page sent';
    look(link, { background: count ? '#b3261e' : '#3d4a5c' });
  };
}

function follow(trace) {
  const errors = new Set();
  const stream = new EventSource(new URL(`api/capture/stream?type=error&trace_id=${trace}`, base));
  let show = null;
  const told = () => {
    show ??= badge(trace);
    show(errors.size);
  };
  stream.addEventListener('open', told);
  stream.addEventListener('record', (message) => {
    errors.add(JSON.parse(message.data).id);
    told();
  });
  stream.addEventListener('cleared', (message) => {
    const { ids } = JSON.parse(message.data);
    if (ids === null) errors.clear();
    else for (const id of ids) errors.delete(id);
    told();
  });
  addEventListener('pagehide', () => stream.close());
}

const trace = traceOfPage();
if (trace) follow(trace);
