// Clear, with ten seconds to think again: what is there disappears from the page at once, and from the sink when the time is over,
// when the page goes, or when the next clear comes. Until then lists are asked for what came `since`.

import * as api from './api.js';
import { toast } from './notices.js';

const UNDO_MS = 10_000;

export class Clearing {
  #pending = null;
  #onHidden;
  #onBack;

  /** `onHidden()`: nothing that is there is to be shown; `onBack()`: it is again. */
  constructor(onHidden, onBack) {
    this.#onHidden = onHidden;
    this.#onBack = onBack;
    addEventListener('pagehide', () => this.#finish({ keepalive: true }));
  }

  /** The envelope up to which everything is hidden, or ''. */
  get since() {
    return this.#pending?.mark ?? '';
  }

  /** How many records of each type are hidden. */
  get counts() {
    return this.#pending?.counts ?? {};
  }

  async start(counts) {
    this.#finish();
    const { mark } = await api.mark();
    const close = toast('Cleared.', { action: 'Undo', onAction: () => this.#undo(), ms: UNDO_MS });
    this.#pending = { mark, counts, close, timer: setTimeout(() => this.#finish(), UNDO_MS) };
    this.#onHidden();
  }

  #undo() {
    clearTimeout(this.#pending?.timer);
    this.#pending = null;
    this.#onBack();
  }

  #finish(options) {
    if (!this.#pending) return;
    const { mark, timer, close } = this.#pending;
    this.#pending = null;
    clearTimeout(timer);
    close();
    api.remove({ until: mark }, options).catch((error) => {
      toast(`Not cleared: ${error.message}`);
      this.#onBack();
    });
  }
}
