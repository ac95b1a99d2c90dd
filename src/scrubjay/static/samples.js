// Profiles in the sample formats: version 1 (one transaction) and version 2 (chunks of a continuous one). Reads them into one form and
// counts: time by function, and the tree of calls that a flame graph draws. Any payload may come; what is no sample is left out.

const MAX_SAMPLES = 100_000;
const MAX_DEPTH = 512;

/**
 * `{ threads: [{ id, name, samples: [{ at_ms, lasted_ms, frames }] }], frames }`, the threads with most samples first; null where `payload`
 * is no sample format. Frames of a sample are numbers into `frames`, the outermost first.
 */
export function readProfile(payload) {
  const body = payload?.profile;
  if (!Array.isArray(body?.samples) || !Array.isArray(body.stacks) || !Array.isArray(body.frames)) return null;
  const frames = body.frames.map((frame) => describe(frame ?? {}));
  const byThread = new Map();
  for (const sample of body.samples.slice(0, MAX_SAMPLES)) {
    const stack = body.stacks[sample?.stack_id];
    const at_ms = timeOf(sample);
    if (!Array.isArray(stack) || at_ms === null) continue;
    const id = String(sample.thread_id ?? '');
    if (!byThread.has(id)) byThread.set(id, []);
    byThread.get(id).push({ at_ms, frames: stack.filter((index) => frames[index]).reverse().slice(0, MAX_DEPTH) });
  }
  const names = body.thread_metadata ?? {};
  const threads = [...byThread].map(([id, samples]) => ({ id, name: String(names[id]?.name ?? '') || `thread ${id}`, samples: timed(samples) }));
  return { threads: threads.sort((a, b) => b.samples.length - a.samples.length), frames };
}

function timeOf(sample) {
  const at = sample?.elapsed_since_start_ns === undefined ? Number(sample?.timestamp) * 1000 : Number(sample.elapsed_since_start_ns) / 1e6;
  return Number.isFinite(at) ? at : null;
}

/** Each sample stands for the time until the next; the last for as long as is usual. */
function timed(samples) {
  samples.sort((a, b) => a.at_ms - b.at_ms);
  const steps = samples.slice(1).map((sample, index) => sample.at_ms - samples[index].at_ms);
  const usual = [...steps].sort((a, b) => a - b)[Math.floor(steps.length / 2)] || 10;
  return samples.map((sample, index) => ({ ...sample, lasted_ms: steps[index] ?? usual }));
}

function describe(frame) {
  const name = String(frame.function ?? '') || '(anonymous)';
  const file = String(frame.filename ?? frame.module ?? frame.abs_path ?? '');
  const place = [file, frame.lineno].filter((part) => part !== undefined && part !== null && part !== '').join(':');
  return { name, place, inApp: frame.in_app !== false, key: `${name}\n${file}` };
}

/** Functions with their own and their whole time, the longest of their own first. A function that calls itself counts once. */
export function functionTimes(samples, frames) {
  const found = new Map();
  for (const { frames: stack, lasted_ms: lasted } of samples) {
    const seen = new Set();
    stack.forEach((index, depth) => {
      const { key } = frames[index];
      const row = found.get(key) ?? { ...frames[index], self_ms: 0, total_ms: 0, samples: 0 };
      found.set(key, row);
      if (!seen.has(key)) {
        row.total_ms += lasted;
        row.samples += 1;
      }
      seen.add(key);
      if (depth === stack.length - 1) row.self_ms += lasted;
    });
  }
  return [...found.values()].sort((a, b) => b.self_ms - a.self_ms || b.total_ms - a.total_ms);
}

/** The tree of calls: `{ name, place, inApp, total_ms, self_ms, children }`, children by their time. */
export function callTree(samples, frames) {
  const top = { name: 'all', place: '', inApp: true, total_ms: 0, self_ms: 0, children: new Map() };
  for (const { frames: stack, lasted_ms: lasted } of samples) {
    let node = top;
    node.total_ms += lasted;
    for (const index of stack) {
      const { key } = frames[index];
      let child = node.children.get(key);
      if (!child) {
        child = { ...frames[index], total_ms: 0, self_ms: 0, children: new Map() };
        node.children.set(key, child);
      }
      child.total_ms += lasted;
      node = child;
    }
    node.self_ms += lasted;
  }
  return top;
}
