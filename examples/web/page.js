// The page: takes a photo, shows its faces and their qualities. All work is done in a worker of this browser.
import { Scorer } from "./tinyfiqa/worker.js";

const meanings = {
  reject: "don't use this photo",
  poor: "take another one if possible",
  fair: "usable",
  good: "good",
};
const colours = { reject: "#d93025", poor: "#e8710a", fair: "#1a73e8", good: "#188038" };
const element = (id) => document.getElementById(id);
const say = (text) => (element("status").textContent = text);

let moduleBytes = 0;
const ready = start();

async function start() {
  const scorer = await Scorer.create({ faces: "all" });
  const response = await fetch("tinyfiqa/tinyfiqa.wasm"); // from the browser's cache
  moduleBytes = (await response.arrayBuffer()).byteLength;
  say("Ready: choose a photo.");
  return scorer;
}
ready.catch((error) => say(`The scorer did not start: ${error.message}`));

/** Scores a Blob, or what the camera shows. */
async function score(image, name) {
  try {
    const scorer = await ready;
    say(`Looking at ${name} …`);
    const bitmap = await createImageBitmap(image, { imageOrientation: "from-image" }).catch(() => null);
    const faces = await scorer.scoreAll(image);
    draw(bitmap, faces);
    list(faces);
    say(faces.length === 0 ? `${name}: no face` : `${name}: ${summary(faces)}`);
    tell(scorer.times);
  } catch (error) {
    element("canvas").hidden = element("faces").hidden = true;
    element("figures").textContent = "";
    say(`${name}: ${error.message}`);
  }
}

const summary = (faces) => faces.length === 1 ? `quality ${faces[0].quality}, ${faces[0].band}` : `${faces.length} faces`;

function draw(bitmap, faces) {
  const canvas = element("canvas");
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  canvas.hidden = false;
  const context = canvas.getContext("2d");
  context.drawImage(bitmap, 0, 0);
  const shrunk = Math.max(1, bitmap.width / element("drop").clientWidth); // the page shows photos at most as wide as itself
  const line = Math.max(Math.max(bitmap.width, bitmap.height) / 400, 1.7 * shrunk); // text of at least 13 of the page's pixels
  context.lineWidth = line;
  context.font = `bold ${8 * line}px system-ui, sans-serif`;
  for (const { face, quality, band } of faces) {
    const [x, y, width, height] = face.box;
    context.strokeStyle = context.fillStyle = colours[band];
    context.strokeRect(x, y, width, height);
    for (const [u, v] of face.landmarks) {
      context.beginPath();
      context.arc(u, v, line, 0, 2 * Math.PI);
      context.fill();
    }
    const text = shrunk > 1.5 ? `${quality}` : `${quality} ${band}`; // words would hide the neighbours; the table has them
    const top = y > 10 * line ? y - 10 * line : y + height;
    const wide = context.measureText(text).width + 4 * line;
    const left = Math.max(0, Math.min(x - line / 2, bitmap.width - wide)); // all of it is seen
    context.fillRect(left, top, wide, 10 * line);
    context.fillStyle = "#ffffff";
    context.fillText(text, left + 2 * line, top + 8 * line);
  }
  canvas.setAttribute("aria-label", `The photo with ${faces.length === 0 ? "no face" : `${faces.length} faces`}`);
}

function list(faces) {
  element("faces").hidden = faces.length === 0;
  const rows = faces.map(({ quality, band, raw }, i) => {
    const row = document.createElement("tr");
    row.dataset.raw = raw;
    for (const text of [i + 1, quality, band, meanings[band]]) row.insertCell().textContent = text;
    return row;
  });
  element("faces").tBodies[0].replaceChildren(...rows);
}

function tell({ decode, detect, faces }) {
  const each = faces.map((ms) => ms.toFixed(2)).join(", ");
  element("figures").textContent =
    `Module: ${Math.round(moduleBytes / 1000)} KB. Decoding ${decode.toFixed(0)} ms, finding faces ${detect.toFixed(0)} ms` +
    (faces.length === 0 ? "." : `, scoring each face ${each} ms.`);
}

function take(files) {
  const file = files[0];
  if (file) score(file, file.name || "the photo");
}

/** Takes a file that was not chosen in the field: the field must not name another one. */
function takeOther(files) {
  if (files.length > 0) element("file").value = "";
  take(files);
}

element("file").addEventListener("change", (event) => take(event.target.files));
document.addEventListener("paste", (event) => takeOther(event.clipboardData.files));
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  element("drop").classList.add("over");
});
document.addEventListener("dragleave", () => element("drop").classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  element("drop").classList.remove("over");
  takeOther(event.dataTransfer.files);
});

element("camera").addEventListener("click", async () => {
  try {
    const video = element("video");
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user" } });
    await video.play();
    video.hidden = element("snap").hidden = false;
    element("snap").focus();
  } catch (error) {
    say(`The camera can't be used: ${error.message}`);
  }
});
element("snap").addEventListener("click", async () => {
  const video = element("video");
  const bitmap = await createImageBitmap(video);
  for (const track of video.srcObject.getTracks()) track.stop();
  video.hidden = element("snap").hidden = true;
  element("file").value = "";
  await score(bitmap, "the camera's photo");
});
