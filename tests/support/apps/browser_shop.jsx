// Sample shop in the browser with @sentry/react: a form whose data lands in an error. Address of the relay: query of the page.
import * as Sentry from '@sentry/react';
import { useState } from 'react';
import { createRoot } from 'react-dom/client';

const options = new URLSearchParams(location.search);
const all = options.has('all'); // replays, feedback and logs too
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
Sentry.init({
  dsn: options.get('dsn'),
  tunnel: options.get('tunnel') || undefined,
  release: 'shop@1.4.2',
  environment: 'e2e',
  sendDefaultPii: true,
  tracesSampleRate: 1.0,
  enableLogs: all,
  replaysSessionSampleRate: all ? 1.0 : 0,
  integrations: [
    Sentry.browserTracingIntegration(),
    Sentry.feedbackIntegration({ autoInject: false }),
    ...(all ? [Sentry.replayIntegration({ minReplayDuration: 0, flushMinDelay: 100 })] : []),
  ],
});

function complain(order) {
  const picture = Uint8Array.from(atob(PIXEL), (letter) => letter.charCodeAt(0));
  Sentry.captureFeedback(
    { message: 'it refused my card', name: 'Ana', email: 'answers@lab.example' }, // stays: she wants an answer
    { attachments: [{ filename: 'screenshot.png', data: picture, contentType: 'image/png' }] },
  );
  Sentry.logger.warn(Sentry.logger.fmt`refused card ${order.card}`, { customer: order.customer });
}

function describe(order) {
  const user = { id: 'u-7', email: order.customer };
  Sentry.setUser(order.address ? { ...user, ip_address: order.address } : user);
  Sentry.setTags({ customer: order.customer, client: order.address, plan: 'gold' });
  Sentry.setContext('payment', { card_number: order.card, password: order.password });
  Sentry.setExtra('note', `${order.customer} typed ${order.card_as_typed}`);
  Sentry.addBreadcrumb({
    category: 'auth',
    message: `login of ${order.customer} from ${order.address} with Authorization: Bearer ${order.token}`,
    data: { authorization: `Bearer ${order.token}`, gateway: `https://shop:${order.password}@pay.example/v2` },
  });
  console.warn(`retrying card ${order.card} of ${order.customer}`);
}

function Receipt({ order }) {
  if (order) {
    const gateway = `https://shop:${order.password}@pay.example/v2`;
    throw new Error(
      `card ${order.card} of ${order.customer} refused for ${order.address}: 401 from ${gateway}, sent Bearer ${order.token}`,
    );
  }
  return null;
}

function Shop() {
  const [order, setOrder] = useState(null);
  const submit = (event) => {
    event.preventDefault();
    const entered = Object.fromEntries(new FormData(event.target));
    history.replaceState(null, '', `${location.pathname}?customer=${entered.customer}`);
    describe(entered);
    if (all) complain(entered);
    setOrder(entered);
  };
  const fields = ['customer', 'card', 'card_as_typed', 'password', 'token', 'address'];
  return (
    <Sentry.ErrorBoundary fallback={<p id="failed">payment failed</p>}>
      <form onSubmit={submit}>
        {fields.map((name) => (
          <input key={name} name={name} />
        ))}
        <button>Pay</button>
      </form>
      <Receipt order={order} />
    </Sentry.ErrorBoundary>
  );
}

window.flushed = async () => {
  await Sentry.getReplay()?.flush();
  return Sentry.flush(10000);
};
createRoot(document.getElementById('shop')).render(<Shop />);
