// Reports one error to the Spotlight that the environment names, and to nobody else.
const Sentry = require('@sentry/node');

Sentry.init({});
Sentry.captureException(new RangeError('card 4111 1111 1111 1111 of jane@example.com refused'));
Sentry.flush(5000).then(() => setTimeout(() => process.exit(0), 300));
