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
const module = new WebAssembly.Module(readFileSync(program));
const instance = new WebAssembly.Instance(module, wasi.getImportObject());
process.exitCode = wasi.start(instance);
