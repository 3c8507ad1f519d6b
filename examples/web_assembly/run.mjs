// node --no-warnings run.mjs MODULE.wasm NATIVE: scores a face that is drawn by a formula, compares the score with that of the
// program NATIVE, and prints the module's size and the time of a face.
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { WASI } from "node:wasi";
import { gzipSync } from "node:zlib";

const [path, native] = process.argv.slice(2);
const side = 112; // an aligned face
const largestModule = 250_000; // bytes, compressed

/** A skin-coloured ellipse with eyes and a mouth, lit from the upper right; RGB levels [side, side, 3]. */
function drawFace() {
  const inside = (x, y, cx, cy, rx, ry) => ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 <= 1;
  const levels = new Uint8Array(side * side * 3);
  for (let y = 0; y < side; ++y)
    for (let x = 0; x < side; ++x) {
      const [u, v] = [x / side, y / side];
      const dark = inside(u, v, 0.36, 0.42, 0.06, 0.04) || inside(u, v, 0.64, 0.42, 0.06, 0.04) || inside(u, v, 0.5, 0.74, 0.14, 0.04);
      const colour = dark ? [58, 40, 36] : inside(u, v, 0.5, 0.52, 0.34, 0.44) ? [214, 168, 142] : [70, 92, 118];
      colour.forEach((level, c) => (levels[(y * side + x) * 3 + c] = Math.min(255, Math.max(0, level + 40 * (u - v)))));
    }
  return levels;
}

/** The module's functions. It imports WASI for its clock alone. */
function load(bytes) {
  const wasi = new WASI({ version: "preview1", returnOnExit: true });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { wasi_snapshot_preview1: wasi.wasiImport });
  wasi.initialize(instance);
  return instance.exports;
}

/** The score of `levels`: {quality, raw}. */
function score(module, levels) {
  const pixels = module.tinyfiqa_pixels(side, side);
  new Uint8Array(module.memory.buffer, pixels, levels.length).set(levels);
  const quality = module.tinyfiqa_score(side, side);
  if (quality < 0) {
    const text = new Uint8Array(module.memory.buffer, module.tinyfiqa_error());
    throw new Error(new TextDecoder().decode(text.subarray(0, text.indexOf(0))));
  }
  return { quality, raw: module.tinyfiqa_raw_score() };
}

/** The medians of many calls, in microseconds: of the whole, and of the network for each of its two views. */
function measure(module, levels) {
  const whole = [], network = [];
  for (let i = 0; i < 2000; ++i) {
    const [start, before] = [performance.now(), module.tinyfiqa_network_seconds()];
    score(module, levels);
    whole.push((performance.now() - start) * 1e3);
    network.push(((module.tinyfiqa_network_seconds() - before) * 1e6) / 2);
  }
  const median = (values) => values.sort((a, b) => a - b)[values.length / 2];
  return { whole: median(whole), network: median(network) };
}

const bytes = readFileSync(path);
const compressed = gzipSync(bytes, { level: 9 }).length;
const module = load(bytes);
const levels = drawFace();
const { quality, raw } = score(module, levels);

const file = path + ".face.rgb";
writeFileSync(file, levels);
const expected = Number(execFileSync(native, [file, side, side]));
rmSync(file);

const times = measure(module, levels);
console.log(`quality ${quality.toFixed(1)}, raw score ${raw}, native ${expected}`);
console.log(`module ${bytes.length} bytes, compressed ${compressed}`);
console.log(`a face takes ${times.whole.toFixed(0)} us, a run of the network ${times.network.toFixed(0)} us`);
if (!(Math.abs(raw - expected) <= 1e-6)) throw new Error("the native score is another one");
if (compressed > largestModule) throw new Error(`the module has more than ${largestModule} bytes`);
