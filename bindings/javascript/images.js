// From what a program has, such as a file or an element of a page, to pixels.
import { TinyfiqaError } from "./instance.js";

const channels = { rgb: 3, bgr: 3, rgba: 4, bgra: 4, grey: 1 };
/** As module.cpp numbers them. RGBA is laid on white, as the library does with transparency in files. */
const orders = { rgb: 0, bgr: 1, rgba: 5, bgra: 3, grey: 4 };

const is = (image, name) => typeof globalThis[name] === "function" && image instanceof globalThis[name];

/** Pixels: {data, height, width, order}, `order` as module.cpp numbers it. `instance` explains what is wrong with a file. */
export async function pixelsOf(image, instance) {
  if (is(image, "Blob")) return decoded(image, instance);
  if (is(image, "ArrayBuffer")) return decoded(new Blob([image]), instance);
  if (is(image, "ImageData") || ArrayBuffer.isView(image?.data)) return checkedPixels(image);
  if (image !== null && typeof image === "object" && typeof globalThis.OffscreenCanvas === "function")
    return drawn(image);
  throw new TinyfiqaError(
    "bad_argument",
    "an image may be ImageData or {data, width, height}, and in browsers also a Blob, an ArrayBuffer with the bytes of a " +
      "file, an ImageBitmap, a canvas, an image or a video",
  );
}

function checkedPixels({ data, width, height, order = "rgba" }) {
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray))
    throw new TinyfiqaError("bad_argument", `pixels are of type ${data.constructor.name}; they must be Uint8Array, 0..255`);
  if (!(order in channels))
    throw new TinyfiqaError("bad_argument", `order ${JSON.stringify(order)} may be rgb, bgr, rgba, bgra or grey`);
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1)
    throw new TinyfiqaError("bad_argument", `an image of shape [${height}, ${width}] has no pixels`);
  if (data.length !== width * height * channels[order])
    throw new TinyfiqaError(
      "mismatch",
      `an image of ${data.length} bytes has no ${width}x${height} pixels of order "${order}", which take ` +
        `${width * height * channels[order]}; name its order: rgb, bgr, rgba, bgra or grey`,
    );
  return { data, width, height, order: orders[order] };
}

/** The pixels of a file as the browser decodes it, upright, without conversion of colours. */
async function decoded(blob, instance) {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  if (typeof globalThis.createImageBitmap !== "function")
    throw new TinyfiqaError("unsupported", "only browsers decode files; give {data, width, height}");
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob, {
      imageOrientation: "from-image",
      colorSpaceConversion: "none",
      premultiplyAlpha: "none",
    });
  } catch {
    const head = bytes.subarray(0, 65536);
    instance.put(head);
    instance.call("check_file", head.length); // throws what the library says of other files
    throw new TinyfiqaError("bad_format", `the browser can't decode it (${bytes.length} bytes): damaged or cut off; get the file again`);
  }
  try {
    return drawn(bitmap);
  } finally {
    bitmap.close();
  }
}

/** The pixels of whatever a canvas can draw. */
function drawn(source) {
  const width = source.displayWidth ?? source.videoWidth ?? source.naturalWidth ?? source.width;
  const height = source.displayHeight ?? source.videoHeight ?? source.naturalHeight ?? source.height;
  if (!(width > 0 && height > 0))
    throw new TinyfiqaError("bad_argument", `an image of shape [${height}, ${width}] has no pixels; is it loaded?`);
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
  context.drawImage(source, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  return { data, width, height, order: orders.rgba };
}
