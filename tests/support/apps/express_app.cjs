// Sample shop on Express with @sentry/node: `node express_app.cjs PORT`. Personal data comes from the request only.
const Sentry = require('@sentry/node');

Sentry.init({
  dsn: process.env.SHOP_DSN,
  release: 'shop@1.4.2',
  environment: 'e2e',
  tracesSampleRate: 1.0,
  sendDefaultPii: true,
});

const express = require('express');

class PaymentError extends Error {}

function charge(order) {
  const gateway = `https://shop:${order.password}@pay.example/v2`;
  throw new PaymentError(
    `card ${order.card} of ${order.customer} refused for ${order.address}: 401 from ${gateway}, sent Bearer ${order.token}`,
  );
}

const app = express();
app.use(express.json());
app.get('/ready', (_request, response) => response.send('ready'));
app.get('/flush', async (_request, response) => response.send(`flushed ${await Sentry.flush(10000)}`));
app.post('/checkout', (request) => {
  const order = request.body;
  Sentry.setUser({ id: 'u-7', email: order.customer, ip_address: order.address });
  Sentry.setTags({ customer: order.customer, client: order.address, plan: 'gold' });
  Sentry.setContext('payment', { card_number: order.card, password: order.password });
  Sentry.setExtra('note', `${order.customer} typed ${order.card_as_typed}`);
  Sentry.addBreadcrumb({
    category: 'auth',
    message: `login of ${order.customer} from ${order.address} with Authorization: Bearer ${order.token}`,
    data: { authorization: `Bearer ${order.token}`, gateway: `https://shop:${order.password}@pay.example/v2` },
  });
  charge(order);
});
Sentry.setupExpressErrorHandler(app);
// eslint-disable-next-line no-unused-vars
app.use((_error, _request, response, _next) => response.sendStatus(500));

app.listen(Number(process.argv[2]), '127.0.0.1');
