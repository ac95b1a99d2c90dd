// The same as obedient_app.py with @sentry/node: one command a line on stdin, `done` after each.
const Sentry = require('@sentry/node');
const readline = require('node:readline');

Sentry.init({
  dsn: process.env.APP_DSN,
  tracesSampleRate: 1.0,
  traceLifecycle: 'static',
  enableLogs: true,
  integrations: (all) => all.filter((one) => one.name !== 'ProcessSession'),
});

const commands = {
  error: (name) => Sentry.captureMessage(name, 'error'),
  transaction: (name) => Sentry.startSpan({ name, forceTransaction: true }, () => {}),
  log: (name) => Sentry.logger.error(name),
  attachment: (name) =>
    Sentry.withScope((scope) => {
      scope.addAttachment({ filename: 'notes.txt', data: 'x'.repeat(100) });
      Sentry.captureMessage(name, 'error');
    }),
  close: () => {},
};

let number = 0;

async function obey() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    commands[line.trim()](`number ${number++}`);
    await Sentry.flush(10000);
    if (line.trim() === 'close') await Sentry.close(10000);
    console.log('done');
  }
}

obey();
