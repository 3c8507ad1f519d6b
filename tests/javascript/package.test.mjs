// The npm package in Node.js. TINYFIQA_PACKAGE is its folder, TINYFIQA_TOOL the command whose scores are expected.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = process.env.TINYFIQA_PACKAGE + "/";
const { Detector, Scorer, TinyfiqaError } = await import(pathToFileURL(folder + "index.js"));

const photos = ["examples/photos", "examples/faces"].flatMap((place) =>
  readdirSync(root + place).filter((name) => name.endsWith(".jpg")).map((name) => `${root}${place}/${name}`));
const group = `${root}examples/photos/group.jpg`;

/** The pixels of a JPEG, decoded by libjpeg-turbo as the tool does. */
function decode(path) {
  const ppm = execFileSync("djpeg", ["-ppm", path], { maxBuffer: 1e9 });
  const [header, width, height] = /^P6\s+(\d+) (\d+)\s255\n/.exec(ppm.subarray(0, 40).toString("latin1"));
  return { data: new Uint8Array(ppm.subarray(header.length)), width: Number(width), height: Number(height), order: "rgb" };
}

function rowsOfTool(path, isa) {
  const options = ["--face", "all", "--model", "tinyfqnet", "--isa", isa, "--format", "jsonl"];
  const { stdout } = spawnSync(process.env.TINYFIQA_TOOL, ["score", ...options, path], { encoding: "utf8" });
  return stdout.trim().split("\n").map((line) => JSON.parse(line)).filter((row) => "score" in row);
}

const fails = (code, words) => (error) => {
  assert(error instanceof TinyfiqaError, String(error));
  assert.equal(error.code, code);
  assert.match(error.message, words);
  return true;
};

test("scores are those of the tool's scalar kernels, and near those of its fastest", async () => {
  const scorer = await Scorer.create({ faces: "all" });
  let count = 0;
  for (const photo of photos) {
    const faces = await scorer.scoreAll(decode(photo));
    for (const [isa, most] of [["scalar", 1e-6], ["auto", 2e-4]]) {
      const rows = rowsOfTool(photo, isa);
      assert.equal(faces.length, rows.length, photo);
      rows.forEach((row, i) => {
        assert(Math.abs(faces[i].raw - row.score) <= most, `${photo}, ${isa}: ${faces[i].raw}, the tool ${row.score}`);
        assert.deepEqual([faces[i].quality, faces[i].band], [row.quality, row.band], photo);
        row.box.forEach((v, k) => assert(Math.abs(faces[i].face.box[k] - v) < 0.01, photo));
        ++count;
      });
    }
  }
  assert(count > photos.length);
});

test("score() is the largest face, or null", async () => {
  const scorer = await Scorer.create();
  assert.equal(await scorer.score(decode(`${root}examples/photos/coffee.jpg`)), null);
  assert.equal((await scorer.score(decode(group))).quality, rowsOfTool(group, "scalar")[0].quality);
});

test("a face that the detector found has the same score as a known face", async () => {
  const pixels = decode(group);
  const [face] = await (await Detector.create()).detect(pixels);
  const scorer = await Scorer.create({ faces: "all" });
  const [best] = await scorer.scoreAll(pixels);
  const known = await scorer.scoreKnownFace(pixels, { landmarks: face.landmarks });
  assert.equal(known.raw, best.raw);
  assert.equal(known.face, null);
});

test("RGBA lies on white, and all orders of channels have the same score", async () => {
  const rgb = decode(`${root}examples/faces/astronaut.jpg`);
  const scorer = await Scorer.create();
  const expected = (await scorer.score(rgb)).raw;
  const rgba = new Uint8ClampedArray((rgb.data.length / 3) * 4).fill(255);
  const bgr = new Uint8Array(rgb.data.length);
  for (let i = 0, j = 0; i < rgb.data.length; i += 3, j += 4)
    for (let c = 0; c < 3; ++c) rgba[j + c] = bgr[i + 2 - c] = rgb.data[i + c];
  assert.equal((await scorer.score({ ...rgb, data: rgba, order: undefined })).raw, expected);
  assert.equal((await scorer.score({ ...rgb, data: bgr, order: "bgr" })).raw, expected);
  await assert.rejects(scorer.score({ ...rgb, data: rgba.fill(0), order: "rgba" }), fails("bad_format", /every pixel is transparent/));
});

test("errors name what is wrong", async () => {
  const scorer = await Scorer.create();
  const pixels = { data: new Uint8Array(12), width: 2, height: 2, order: "rgb" };
  await assert.rejects(scorer.score({ ...pixels, width: 3 }), fails("mismatch", /12 bytes has no 3x2 pixels/));
  await assert.rejects(scorer.score({ ...pixels, data: new Float32Array(12) }), fails("bad_argument", /Float32Array/));
  await assert.rejects(scorer.score({ ...pixels, order: "hsv" }), fails("bad_argument", /rgb, bgr, rgba, bgra or grey/));
  await assert.rejects(scorer.score("photo.jpg"), fails("bad_argument", /an image may be/));
  await assert.rejects(scorer.scoreKnownFace(pixels, { box: [1, 2] }), fails("bad_argument", /4 numbers/));
  await assert.rejects(Scorer.create({ threshold: 2 }), fails("bad_argument", /threshold must lie between 0 and 1/));
  await assert.rejects(Scorer.create({ faces: "some" }), fails("bad_argument", /largest/));
});

test("a closed object says so, also to calls that began before", async () => {
  const scorer = await Scorer.create();
  const before = scorer.score(decode(group));
  scorer.close();
  await assert.rejects(before, fails("closed", /this Scorer is closed/));
  await assert.rejects(scorer.score(decode(group)), fails("closed", /this Scorer is closed/));
});

test("two calls at once give the scores of two calls one after the other", async () => {
  const scorer = await Scorer.create({ faces: "all" });
  const [a, b] = [decode(group), decode(`${root}examples/photos/astronaut.jpg`)];
  const apart = [await scorer.scoreAll(a), await scorer.scoreAll(b)];
  assert.deepEqual(await Promise.all([scorer.scoreAll(a), scorer.scoreAll(b)]), apart);
});

test("the example of docs/javascript.md prints the tool's qualities", async () => {
  const [, , code] = /## In Node.js[^]*?```js\n(import .*\n)([^]*?)```/.exec(readFileSync(`${root}docs/javascript.md`, "utf8"));
  const printed = [];
  const run = Object.getPrototypeOf(async () => {}).constructor("Scorer", "console", "data", "width", "height", code);
  const { data, width, height } = decode(group);
  await run(Scorer, { log: (...values) => printed.push(values) }, data, width, height);
  assert.deepEqual(printed.map(([quality]) => quality), rowsOfTool(group, "scalar").map((row) => row.quality));
});

test("the module has at most 305 KB, compressed, and the package the project's version", () => {
  assert(gzipSync(readFileSync(folder + "tinyfiqa.wasm"), { level: 9 }).length <= 305_000);
  const version = /project\(tinyfiqa VERSION ([0-9.]+)/.exec(readFileSync(root + "CMakeLists.txt", "utf8"))[1];
  assert.equal(JSON.parse(readFileSync(folder + "package.json")).version, version);
});
