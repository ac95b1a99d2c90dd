// What an operation is about, for colours and labels: `db.query` and `http.client` tell apart at a glance.

const FAMILIES = [
  ['db', /^(db|sql|mongo|redis\.|elasticsearch)/],
  ['cache', /^(cache|memcache)/],
  ['http', /^(http|rpc|grpc|graphql|websocket|fetch|xhr)/],
  ['ui', /^(ui|pageload|navigation|resource|browser|paint|react|vue|mark|measure|app\.start)/],
  ['queue', /^(queue|task|job|cron|celery|topic|event|message|pubsub)/],
  ['ai', /^(ai|gen_ai|mcp)/],
  ['work', /^(function|template|view|middleware|serialize|file|subprocess|code|render)/],
];

/** One of `db cache http ui queue ai work other`. */
export const familyOf = (op) => FAMILIES.find(([, pattern]) => pattern.test(op ?? ''))?.[0] ?? 'other';

const GOOD = new Set(['', 'ok', 'success', 'unset', 'cancelled']);
/** Did it fail? Says the status, which is the SDK's word. */
export const hasFailed = (status) => !GOOD.has(String(status ?? '').toLowerCase());
