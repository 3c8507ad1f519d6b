// tinyfiqa in JavaScript: how good is the photo of a face?
//
//   const scorer = await Scorer.create();
//   const best = await scorer.score(image);       // the largest face, or null
//   console.log(best.quality, best.band);
import { pixelsOf } from "./images.js";
import { Instance, TinyfiqaError } from "./instance.js";

export { TinyfiqaError };

const bandNames = ["reject", "poor", "fair", "good"];
const framingNames = ["photo", "tight crop", "aligned crop"];
const choices = { largest: 0, all: 1, whole: 2 };

function searchOptions({ threshold = 0.6, smallestFace = 0, longestSide = 640, tiles = false, quick = false }) {
  return [threshold, smallestFace, longestSide, tiles ? 1 : 0, quick ? 1 : 0];
}

function faceOf([floats, integers]) {
  return {
    box: Array.from(floats.subarray(0, 4)),
    confidence: floats[4],
    landmarks: [0, 1, 2, 3, 4].map((i) => Array.from(floats.subarray(5 + 2 * i, 7 + 2 * i))),
    framing: framingNames[integers[15]],
  };
}

function scoreOf([floats, integers], face) {
  const calibrated = integers[18] >= 0;
  return {
    quality: calibrated ? integers[17] : null,
    band: calibrated ? bandNames[integers[18]] : null,
    raw: floats[19],
    exactQuality: calibrated ? floats[16] : null,
    face,
  };
}

/** What Scorer and Detector share: an instance of the module that can be closed. */
class Closable {
  #instance;
  /** Milliseconds of the last call: {decode, detect, faces: [...]}. */
  times = { decode: 0, detect: 0, faces: [] };

  constructor(instance) {
    this.#instance = instance;
  }

  get _instance() {
    if (this.#instance === null)
      throw new TinyfiqaError("closed", `this ${this.constructor.name} is closed; make another one`);
    return this.#instance;
  }

  /** Frees the memory. */
  close() {
    this.#instance = null;
  }

  /** Decodes the image: the only part of a call that waits. What follows runs to its end before another call goes on. */
  async _pixels(image) {
    const start = performance.now();
    const pixels = await pixelsOf(image, this._instance);
    return { ...pixels, decode: performance.now() - start };
  }

  /** Puts pixels into the module. Throws if the object was closed while they were decoded. */
  _put({ data, height, width, order, decode }) {
    this._instance.put(data);
    this.times = { decode, detect: 0, faces: [] };
    return [height, width, order];
  }

  _find(shape) {
    const start = performance.now();
    const count = this._instance.call("find", ...shape);
    this.times.detect = performance.now() - start;
    return count;
  }
}

/** Finds faces. */
export class Detector extends Closable {
  static async create(options = {}) {
    const instance = await Instance.create();
    instance.call("create", 0, choices.all, ...searchOptions(options));
    return new Detector(instance);
  }

  /** The faces of an image, largest first. */
  async detect(image) {
    const count = this._find(this._put(await this._pixels(image)));
    return Array.from({ length: count }, (_, i) => faceOf(this._instance.face(i)));
  }
}

/** Finds faces and scores them. */
export class Scorer extends Closable {
  static async create(options = {}) {
    const { faces = "largest" } = options;
    if (!Object.hasOwn(choices, faces))
      throw new TinyfiqaError("bad_argument", `faces=${JSON.stringify(faces)}; it may be "largest", "all" or "whole"`);
    const instance = await Instance.create();
    instance.call("create", 1, choices[faces], ...searchOptions(options));
    return new Scorer(instance);
  }

  /** The lowest quality of the bands poor, fair and good. */
  get bands() {
    return [0, 1, 2].map((i) => this._instance.call("band_limit", i));
  }

  /** The score of the largest face, or null if there is no face. */
  async score(image) {
    const [best = null] = await this.scoreAll(image);
    return best;
  }

  /** The scores of the faces that were asked for, largest first. */
  async scoreAll(image) {
    const count = this._find(this._put(await this._pixels(image)));
    return Array.from({ length: count }, (_, i) => this.#scoreFound(i));
  }

  #scoreFound(index) {
    const start = performance.now();
    this._instance.call("score_found", index);
    this.times.faces.push(performance.now() - start);
    const numbers = this._instance.face(index);
    return scoreOf(numbers, faceOf(numbers));
  }

  /** The score of one face whose place is known: `box` [x, y, width, height] or `landmarks`, five [x, y]. With neither, the
   * image is a crop of the face. */
  async scoreKnownFace(image, { box, landmarks } = {}) {
    const numbers = (landmarks ?? box ?? []).flat().map(Number);
    const expected = landmarks ? 10 : box ? 4 : 0;
    if (numbers.length !== expected)
      throw new TinyfiqaError("bad_argument", `a box has 4 numbers and landmarks have 10, not ${numbers.length}`);
    if (box && landmarks) throw new TinyfiqaError("bad_argument", "give a box or landmarks, not both");
    const shape = this._put(await this._pixels(image));
    this._instance.putKnown(numbers);
    const start = performance.now();
    this._instance.call("score_known", ...shape, expected);
    this.times.faces.push(performance.now() - start);
    return scoreOf(this._instance.face(0), null);
  }
}
