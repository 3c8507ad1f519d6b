// node --no-warnings run_wasi.mjs PROGRAM.wasm ARGUMENT...: runs a WebAssembly program that uses WASI, with this process's
// arguments, environment, files and exit status.
import { readFileSync } from "node:fs";
import { WASI } from "node:wasi";

const program = process.argv[2];
const wasi = new WASI({
  version: "preview1",
  args: process.argv.slice(2),
  env: process.env,
  preopens: { "/": "/", ".": "." },
  returnOnExit: true,
});
// Each import is called by a function of JavaScript. If WebAssembly calls it directly, Node.js 20 may collect `wasi` as garbage
// during the call, and crash.
const imports = Object.fromEntries(
  Object.entries(wasi.wasiImport).map(([name, call]) => [name, (...values) => call(...values)]),
);
const module = new WebAssembly.Module(readFileSync(program));
const instance = new WebAssembly.Instance(module, { wasi_snapshot_preview1: imports });
process.exitCode = wasi.start(instance);
