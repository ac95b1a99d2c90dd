// Reports one error to Spotlight alone: `node spotlight_app.cjs [URL]`; without one as the environment says.
const Sentry = require('@sentry/node');

const [url] = process.argv.slice(2);
Sentry.init(url ? { spotlight: url } : {});
Sentry.captureException(new RangeError('card 4111 1111 1111 1111 of jane@example.com refused'));
Sentry.flush(5000).then(() => setTimeout(() => process.exit(0), 300));
