// Reports one error to the Spotlight of the page's query, and to nobody else.
import * as Sentry from '@sentry/react';

const sidecarUrl = new URLSearchParams(location.search).get('sidecar');
Sentry.init({ integrations: [Sentry.spotlightBrowserIntegration({ sidecarUrl })] });
Sentry.captureException(new TypeError('card 4111 1111 1111 1111 of jane@example.com refused'));
