// What to paste into an application, per SDK. `dsn` and `spotlight` are this sink's own.

export const SNIPPETS = [
  ['Python', 'pip install sentry-sdk', ({ dsn }) => `import sentry_sdk

sentry_sdk.init(
    dsn="${dsn}",
    traces_sample_rate=1.0,
    enable_logs=True,
)`],
  ['Django', 'pip install "sentry-sdk[django]"', ({ dsn }) => `# settings.py
import sentry_sdk

sentry_sdk.init(
    dsn="${dsn}",
    traces_sample_rate=1.0,
    enable_logs=True,
    spotlight=DEBUG,  # errors open here from the debug page
)`],
  ['FastAPI', 'pip install "sentry-sdk[fastapi]"', ({ dsn }) => `import sentry_sdk
from fastapi import FastAPI

sentry_sdk.init(dsn="${dsn}", traces_sample_rate=1.0, enable_logs=True)
app = FastAPI()`],
  ['Browser', 'npm install @sentry/browser', ({ dsn }) => `import * as Sentry from '@sentry/browser';

Sentry.init({
  dsn: '${dsn}',
  integrations: [Sentry.browserTracingIntegration(), Sentry.feedbackIntegration()],
  tracesSampleRate: 1.0,
  enableLogs: true,
});`],
  ['React', 'npm install @sentry/react', ({ dsn }) => `import * as Sentry from '@sentry/react';

Sentry.init({
  dsn: '${dsn}',
  integrations: [Sentry.browserTracingIntegration(), Sentry.replayIntegration()],
  tracesSampleRate: 1.0,
  replaysOnErrorSampleRate: 1.0,
  enableLogs: true,
});`],
  ['Node', 'npm install @sentry/node', ({ dsn }) => `// instrument.mjs, loaded first: node --import ./instrument.mjs app.js
import * as Sentry from '@sentry/node';

Sentry.init({
  dsn: '${dsn}',
  tracesSampleRate: 1.0,
  enableLogs: true,
});`],
  ['Go', 'go get github.com/getsentry/sentry-go', ({ dsn }) => `err := sentry.Init(sentry.ClientOptions{
	Dsn:              "${dsn}",
	EnableTracing:    true,
	TracesSampleRate: 1.0,
	EnableLogs:       true,
})
if err != nil {
	log.Fatal(err)
}
defer sentry.Flush(2 * time.Second)`],
  ['Java', 'implementation "io.sentry:sentry"', ({ dsn }) => `Sentry.init(options -> {
  options.setDsn("${dsn}");
  options.setTracesSampleRate(1.0);
  options.getLogs().setEnabled(true);
});`],
  ['Ruby', 'gem "sentry-ruby"', ({ dsn }) => `Sentry.init do |config|
  config.dsn = "${dsn}"
  config.traces_sample_rate = 1.0
  config.enable_logs = true
end`],
  ['PHP', 'composer require sentry/sentry', ({ dsn }) => `\\Sentry\\init([
    'dsn' => '${dsn}',
    'traces_sample_rate' => 1.0,
    'enable_logs' => true,
]);`],
  ['.NET', 'dotnet add package Sentry', ({ dsn }) => `SentrySdk.Init(options =>
{
    options.Dsn = "${dsn}";
    options.TracesSampleRate = 1.0;
    options.EnableLogs = true;
});`],
  ['Without a DSN', '', ({ spotlight }) => `# Python, Node, Ruby, PHP and others send a copy of everything
# while this is set; no code changes, no DSN:
export SENTRY_SPOTLIGHT=${spotlight}`],
];
