// The worker of worker.js: has one Scorer or Detector, and answers one message after the other.
import * as tinyfiqa from "./index.js";

let object = null;

async function answer({ name, values }) {
  if (name !== "create") return object[name](...values);
  const [kind, options] = values;
  object = await tinyfiqa[kind].create(options);
  return object.bands;
}

let last = Promise.resolve();
self.onmessage = ({ data }) => {
  last = last.then(async () => {
    try {
      const result = await answer(data);
      self.postMessage({ id: data.id, result, times: object.times });
    } catch ({ name, code, message }) {
      self.postMessage({ id: data.id, error: { name, code, message } });
    }
  });
};
