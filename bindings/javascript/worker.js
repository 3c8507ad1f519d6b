// The same Scorer and Detector in a worker, so that a page answers its user while an image is searched.
import { TinyfiqaError } from "./instance.js";

/** A worker with one object in it. */
class Remote {
  #worker;
  #waiting = new Map(); // id -> {resolve, reject}
  #next = 0;
  times = { decode: 0, detect: 0, faces: [] };

  constructor() {
    this.#worker = new Worker(new URL("./worker-thread.js", import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data }) => this.#answer(data);
    this.#worker.onerror = (event) => this.#end(new TinyfiqaError("unreadable", `the worker ended: ${event.message}`));
  }

  #answer({ id, result, times, error }) {
    const { resolve, reject } = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (times) this.times = times;
    if (error) reject(Object.assign(new TinyfiqaError(error.code, error.message), { name: error.name }));
    else resolve(result);
  }

  #end(error) {
    this.#worker?.terminate();
    this.#worker = null;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  _ask(name, ...values) {
    if (this.#worker === null)
      return Promise.reject(new TinyfiqaError("closed", `this ${this.constructor.name} is closed; make another one`));
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      // What can't be copied, such as an element of the page, fails here; the promise then has the error.
      this.#worker.postMessage({ id, name, values });
      this.#waiting.set(id, { resolve, reject });
    });
  }

  /** The same for a call whose first value is an image. */
  async _askImage(name, image, ...values) {
    const isElement = typeof Element === "function" && image instanceof Element;
    if (!isElement) return this._ask(name, image, ...values);
    const bitmap = await createImageBitmap(image, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
    try {
      return await this._ask(name, bitmap, ...values);
    } finally {
      bitmap.close();
    }
  }

  /** Ends the worker. Calls that have not ended get an error. */
  close() {
    this.#end(new TinyfiqaError("closed", `this ${this.constructor.name} was closed`));
  }
}

export class Detector extends Remote {
  static async create(options = {}) {
    const detector = new Detector();
    await detector._ask("create", "Detector", options);
    return detector;
  }
  detect(image) {
    return this._askImage("detect", image);
  }
}

export class Scorer extends Remote {
  #bands;
  static async create(options = {}) {
    const scorer = new Scorer();
    scorer.#bands = await scorer._ask("create", "Scorer", options);
    return scorer;
  }
  get bands() {
    return this.#bands;
  }
  score(image) {
    return this._askImage("score", image);
  }
  scoreAll(image) {
    return this._askImage("scoreAll", image);
  }
  scoreKnownFace(image, place) {
    return this._askImage("scoreKnownFace", image, place);
  }
}

export { TinyfiqaError };
