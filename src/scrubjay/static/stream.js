// What arrives, as it arrives: reads `GET /api/capture/stream` with `fetch`, since `EventSource` cannot send the token.
//
// Nothing is missed and nothing comes twice: a lost connection is taken up after the last envelope that came completely (its last
// record carries the id), and records are told apart by their own ids. Whether another process answers then is the shell's to find out.

import * as api from './api.js';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
const REMEMBERED = 50_000;
const LONGEST_TASK_MS = 15;
const BREAK_MS = 50;

/** Server-sent events out of text that comes in pieces of any size. */
export class EventReader {
  #rest = '';

  /** The messages that `piece` completes: `{ id, event, data }`. */
  push(piece) {
    const blocks = (this.#rest + piece).split(/\r?\n\r?\n/);
    this.#rest = blocks.pop();
    return blocks.map(message).filter((one) => one.data !== '');
  }
}

function message(block) {
  const found = { id: '', event: 'message', data: [] };
  for (const line of block.split(/\r?\n/)) {
    const [, name, value] = /^(id|event|data): ?(.*)$/.exec(line) ?? [];
    if (name === 'data') found.data.push(value);
    else if (name) found[name] = value;
  }
  return { ...found, data: found.data.join('\n') };
}

/** Calls `run` once for many requests: in the next frame, but not in every frame of a flood, and soon where no frames are drawn. */
function oncePerFrame(run) {
  let waiting = false;
  let ran_mono = -Infinity;
  const go = () => { waiting = false; ran_mono = performance.now(); run(); };
  return () => {
    if (waiting) return;
    waiting = true;
    const rest_ms = ran_mono + BREAK_MS - performance.now();
    if (document.hidden) setTimeout(go, 200);
    else if (rest_ms > 0) setTimeout(() => requestAnimationFrame(go), rest_ms);
    else requestAnimationFrame(go);
  };
}

/** `on`: `{ batch({ arrived, changed }), cleared(ids), stats(document), state(name, detail), restarted() }`. */
export class Live {
  #on;
  #running = null;
  #known = new Set();
  #arrived = [];
  #changed = new Map();
  #complete = '';
  #flush = oncePerFrame(() => this.#deliver());

  constructor(on) {
    this.#on = on;
  }

  /** Listens for what matches `params` and came after the envelope `after`; what was listened for before ends. */
  listen(params, after) {
    this.stop();
    this.#known.clear();
    this.#arrived = [];
    this.#changed.clear();
    this.#complete = after;
    this.#running = new AbortController();
    this.#run(params, this.#running.signal);
  }

  stop() {
    this.#running?.abort();
    this.#running = null;
  }

  async #run(params, signal) {
    let pause_ms = FIRST_PAUSE_MS;
    while (!signal.aborted) {
      let opened_mono = Infinity;
      try {
        await this.#read(params, signal, () => { opened_mono = performance.now(); });
        if (!signal.aborted) this.#on.state('lost', 'the connection ended');
      } catch (error) {
        if (signal.aborted) return;
        this.#on.state('lost', error.message, error);
      }
      if (performance.now() - opened_mono > LONGEST_PAUSE_MS) pause_ms = FIRST_PAUSE_MS;
      await pause(pause_ms, signal);
      pause_ms = Math.min(LONGEST_PAUSE_MS, pause_ms * 2);
      if (!signal.aborted && !(await this.#sameServer(signal))) return;
    }
  }

  /** False where another process answers now: what was kept is gone, and the page starts anew. */
  async #sameServer(signal) {
    try {
      return !(await this.#on.restarted()) && !signal.aborted;
    } catch {
      return !signal.aborted;
    }
  }

  async #read(params, signal, opened) {
    const response = await api.stream(params, { after: this.#complete, signal });
    opened();
    this.#on.state('live');
    const events = new EventReader();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let breath_mono = performance.now();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || signal.aborted) return;
      for (const one of events.push(value)) {
        this.#take(one);
        if (performance.now() - breath_mono < LONGEST_TASK_MS) continue;
        await nextTask();
        breath_mono = performance.now();
      }
    }
  }

  #take({ id, event, data }) {
    const document = JSON.parse(data);
    if (event === 'record') {
      if (id) this.#complete = id;
      this.#sort(document);
    } else if (event === 'cleared') {
      this.#deliver();
      this.#on.cleared(document.ids ?? null);
    } else if (event === 'stats') {
      this.#on.stats(document);
    }
  }

  #sort(record) {
    if (this.#known.has(record.id)) this.#changed.set(record.id, record);
    else this.#arrived.push(record);
    this.#known.add(record.id);
    if (this.#known.size > REMEMBERED) this.#known = new Set([...this.#known].slice(REMEMBERED / 2));
    this.#flush();
  }

  #deliver() {
    const arrived = this.#arrived;
    const changed = [...this.#changed.values()];
    this.#arrived = [];
    this.#changed.clear();
    if (arrived.length || changed.length) this.#on.batch({ arrived, changed });
  }
}

/** Lets the page draw and answer before more is read. */
const nextTask = () => new Promise((resolve) => { setTimeout(resolve, 0); });

/** Until the time is over, nobody listens any more, or somebody comes back to the page or to the network. */
const pause = (ms, signal) => new Promise((resolve) => {
  const over = new AbortController();
  const end = () => { over.abort(); clearTimeout(timer); resolve(); };
  const timer = setTimeout(end, ms);
  for (const name of ['online', 'focus']) addEventListener(name, end, { signal: over.signal });
  signal.addEventListener('abort', end, { signal: over.signal });
});
