// An instance of the WebAssembly module: one object of the library, with memory of its own.

/** The codes of errors, as enum Errc of the library has them. */
const codes = [
  "ok", "not_found", "unreadable", "bad_format", "unsupported", "mismatch", "not_finite", "bad_argument", "too_large",
  "out_of_memory", "cannot_write", "no_face", "in_use",
];

/** An error of the library. `code` is one of `codes`, or "closed". */
export class TinyfiqaError extends Error {
  constructor(code, message) {
    super(message);
    this.name = "TinyfiqaError";
    this.code = code;
  }
}

const moduleUrl = new URL("./tinyfiqa.wasm", import.meta.url);
let compiled; // a promise: all instances share the machine code

async function readModule() {
  if (moduleUrl.protocol === "file:" && typeof process !== "undefined") {
    const { readFile } = await import("node:fs/promises");
    return readFile(moduleUrl);
  }
  const response = await fetch(moduleUrl);
  if (!response.ok) throw new TinyfiqaError("not_found", `${moduleUrl}: the server answers ${response.status}`);
  return response.arrayBuffer();
}

function compiledModule() {
  compiled ??= readModule().then((bytes) => WebAssembly.compile(bytes));
  compiled.catch(() => (compiled = undefined)); // the next call tries again
  return compiled;
}

/** What the module imports: the clock of WASI, and the output of a C library that never prints anything. */
function imports(memory) {
  const unsupported = 52; // ENOSYS
  return {
    clock_time_get(_id, _precision, result) {
      new DataView(memory()).setBigUint64(result, BigInt(Math.round(performance.now() * 1e6)), true);
      return 0;
    },
    fd_close: () => unsupported,
    fd_seek: () => unsupported,
    fd_write: () => unsupported,
  };
}

const floatsOfFace = 20; // struct FaceOut of module.cpp

export class Instance {
  #functions;
  #broken = false;

  static async create() {
    const instance = new Instance();
    const module = await compiledModule();
    const made = await WebAssembly.instantiate(module, {
      wasi_snapshot_preview1: imports(() => instance.#functions.memory.buffer),
    });
    instance.#functions = made.exports;
    instance.#functions._initialize();
    return instance;
  }

  /** Calls a function of the module. Throws the library's error for a negative result. */
  call(name, ...values) {
    if (this.#broken) throw new TinyfiqaError("closed", "this object ended with an error before; make another one");
    let result;
    try {
      result = this.#functions[name](...values);
    } catch (error) {
      // Without exceptions, C++ ends the program where memory is missing. The instance can't go on.
      this.#broken = true;
      throw new TinyfiqaError("out_of_memory", `there is too little memory (${error.message}); make another object`);
    }
    if (result < 0) throw new TinyfiqaError(codes[-result], this.#text(this.#functions.error_message()));
    return result;
  }

  #text(at) {
    const bytes = new Uint8Array(this.#functions.memory.buffer, at);
    return new TextDecoder().decode(bytes.slice(0, bytes.indexOf(0)));
  }

  /** Copies bytes to where the functions of the module read them. */
  put(bytes) {
    const at = this.call("pixels_for", bytes.length);
    if (at === 0) throw new TinyfiqaError("out_of_memory", `there is no memory for an image of ${bytes.length} bytes`);
    new Uint8Array(this.#functions.memory.buffer, at, bytes.length).set(bytes);
  }

  /** The numbers of face `index`: [floats, integers], two views of the same memory. */
  face(index) {
    const at = this.call("faces_found") + 4 * floatsOfFace * index;
    const { buffer } = this.#functions.memory;
    return [new Float32Array(buffer, at, floatsOfFace), new Int32Array(buffer, at, floatsOfFace)];
  }

  /** Writes the numbers of a known face for score_known(). */
  putKnown(numbers) {
    const at = this.call("prepare_known");
    const place = new Float32Array(this.#functions.memory.buffer, at, floatsOfFace);
    place.set(numbers, numbers.length === 10 ? 5 : 0);
  }

  get memoryBytes() {
    return this.#functions.memory.buffer.byteLength;
  }
}
