// Over plain HTTP, as from any language: `scrubjay capture run -- node --test`, or beside a sink that runs already.
// No dependencies: what an SDK would send is posted by hand.
import assert from "node:assert/strict";
import { randomInt, randomUUID } from "node:crypto";
import { test } from "node:test";

const SINK = new URL(process.env.SENTRY_SPOTLIGHT ?? "http://localhost:8969/stream").origin;
const API = `${SINK}/api/capture`;

/** A key and a project of its own for each test, so that tests that share a sink do not see each other's events. */
function share() {
  const key = randomUUID().replaceAll("-", "");
  const project = String(randomInt(1, 2 ** 31));
  const url = new URL(SINK);
  url.username = key;
  url.pathname = `/${project}`;
  return { key, project, dsn: url.href };
}

async function wait(filters) {
  const answer = await (await fetch(`${API}/wait?${new URLSearchParams(filters)}`)).json();
  assert.ok(answer.satisfied, JSON.stringify(answer.near_misses ?? answer, null, 2));
  return answer.events;
}

async function send({ key, project, dsn }, event) {
  const id = randomUUID().replaceAll("-", "");
  const body = [{ event_id: id, dsn }, { type: "event" }, { event_id: id, ...event }].map((line) => JSON.stringify(line)).join("\n");
  const answer = await fetch(`${SINK}/api/${project}/envelope/`, {
    method: "POST",
    headers: { "Content-Type": "application/x-sentry-envelope", "X-Sentry-Auth": `Sentry sentry_version=7, sentry_key=${key}` },
    body,
  });
  assert.equal(answer.status, 200);
}

test("a checkout error arrives once, without the address", async () => {
  const own = share(); // start an SDK with own.dsn
  await send(own, { message: "order of ana@lab.example failed", tags: { area: "cart" } });
  const [event] = await wait({ project: own.project, type: "error", "tag.area": "cart", exactly: 1, settle: 50 });
  assert.equal(event.title, "order of [email] failed");
});

test("expectations hold, or say why not", async () => {
  const own = share();
  await send(own, { message: "fine", level: "info" });
  const answer = await fetch(`${API}/assert`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({
      within_ms: 3000,
      expect: [
        { name: "one message", match: { project: own.project, type: "error" }, count: 1, each: { level: "info" } },
        { name: "no address leaves", match: { project: own.project }, absent: { regex: "[\\w.]+@[\\w.]+" } },
      ],
    }),
  });
  const report = await answer.json();
  assert.equal(answer.status, 200, report.text);
});
