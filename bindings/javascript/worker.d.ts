/** The same classes, whose work is done in a worker. For browsers. */
export * from "./index.js";
