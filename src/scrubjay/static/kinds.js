// What a record of each type shows of itself first, on the page of details: `KINDS[type]` is `{ title, render(detail, app) }`, or nothing.

import { checkInPane } from './checkins.js';
import { feedbackPane } from './feedbackpane.js';
import { logPane } from './logline.js';
import { metricPane } from './metrics.js';
import { profilePane } from './profile.js';
import { replayPane } from './replays.js';
import { clientReportPane } from './reports.js';
import { securityPane } from './security.js';
import { sessionPane } from './sessions.js';
import { spansPane } from './spans.js';

export const KINDS = {
  __proto__: null,
  log: { title: 'Log line', render: logPane },
  feedback: { title: 'Feedback', render: feedbackPane },
  check_in: { title: 'Check-in', render: checkInPane },
  release_health: { title: 'Session', render: sessionPane },
  replay: { title: 'Replay', render: replayPane },
  profile: { title: 'Profile', render: profilePane },
  metric: { title: 'Metrics', render: metricPane },
  client_report: { title: 'Client report', render: clientReportPane },
  security: { title: 'Report', render: securityPane },
  transaction: { title: 'Spans', render: spansPane },
  span: { title: 'Spans', render: spansPane },
};
