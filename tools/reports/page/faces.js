"use strict";
// The faces of the report, which of them are kept, and which are shown.

const byId = (id) => document.getElementById(id);
const report = JSON.parse(byId("data").textContent);
const raw = report.shown === "raw";
const number = (n) => n.toLocaleString("en");

const counted = (n, noun) => `${number(n)} ${noun}${n === 1 ? "" : "s"}`;

/** An element with text in it. */
function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

const facesOfPath = new Map();
for (const face of report.faces) facesOfPath.set(face.path, (facesOfPath.get(face.path) || 0) + 1);

const faces = report.faces.map((data, index) => {
  const scored = data.error === undefined;
  const several = facesOfPath.get(data.path) > 1 && data.face !== undefined;
  return {
    ...data,
    index,
    scored,
    value: scored ? (raw ? data.score : data.quality) : -Infinity,
    fileName: data.path.split("/").pop(),
    faceText: several ? `face ${data.face}` : "",
    searched: data.path.toLowerCase(),
    group: scored ? (raw ? "scored" : data.band) : "unscored",
    reasons: data.reasons || [],
    best: true,
    kept: scored,
  };
});
const fullName = (face) => face.fileName + (face.faceText && `, ${face.faceText}`);
const scoredFaces = faces.filter((face) => face.scored);

/** Best first: by the shown score, equal ones by the raw score, then in the order of the report. */
const bestFirst = (a, b) =>
  b.value - a.value || (b.score ?? -Infinity) - (a.score ?? -Infinity) || a.index - b.index;

/** The faces of each person, best first. Faces without an embedding are persons of their own. */
const persons = new Map();
for (const face of [...scoredFaces].sort(bestFirst)) {
  if (face.person === undefined) continue;
  if (persons.has(face.person)) face.best = false;
  else persons.set(face.person, []);
  persons.get(face.person).push(face);
}

/** The ends of the slider and its step: 0..100 for qualities, the range of the faces for raw scores. */
const scale = (() => {
  if (!raw) return { min: 0, max: 100, step: 1, decimals: 0 };
  const values = scoredFaces.map((face) => face.value);
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  if (!values.length || low === high) return { min: low || 0, max: (low || 0) + 1, step: 0.01, decimals: 4 };
  const exponent = Math.floor(Math.log10((high - low) / 1000));
  const step = 10 ** exponent;
  const round = (steps) => Number((steps * step).toPrecision(12));
  return { min: round(Math.floor(low / step)), max: round(Math.ceil(high / step)), step, decimals: Math.max(0, -exponent) };
})();

const valueText = (face) => (raw ? face.score.toFixed(4) : String(face.quality));
const thresholdText = (value) => value.toFixed(scale.decimals);

const state = {
  threshold: scale.min,
  search: "",
  reason: "any",
  show: "all",
  sort: "best",
  groups: new Set(),
  bestOnly: false,
};

const isKept = (face) => face.scored && face.value >= state.threshold && (!state.bestOnly || face.best);

function hasReason(face) {
  if (state.reason === "any") return true;
  if (state.reason === "none") return face.scored && face.reasons.length === 0;
  return face.reasons.some((reason) => reason.component === state.reason);
}

const isShown = (face) =>
  state.groups.has(face.group) &&
  hasReason(face) &&
  face.searched.includes(state.search) &&
  (state.show === "all" || (state.show === "kept") === face.kept) &&
  (!state.bestOnly || face.best);

const byName = (a, b) => a.path.localeCompare(b.path, "en", { numeric: true }) || a.index - b.index;
/** Worst first has errors last too: they are no bad faces. */
const worstFirst = (a, b) => b.scored - a.scored || a.value - b.value || a.index - b.index;
const orders = { best: bestFirst, worst: worstFirst, name: byName };

/** "Kept 812 of 1,000 faces (81 %)" */
function keptText() {
  const kept = faces.reduce((sum, face) => sum + face.kept, 0), all = scoredFaces.length;
  const percent = all ? Math.round((100 * kept) / all) : 0;
  return `Kept ${number(kept)} of ${counted(all, "face")} (${percent} %)`;
}

/** A component's name as words. */
const words = (component) => component.replaceAll("_", " ");

/** A field of CSV (RFC 4180). */
const csvField = (value) => {
  const text = value === undefined ? "" : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

/** The kept faces in the order that is chosen. */
function keptList() {
  const columns = ["path", "face", ...(raw ? [] : ["quality", "band"]), "score", "reasons"];
  const rows = faces.filter((face) => face.kept).sort(orders[state.sort]).map((face) => [
    face.path, face.face, ...(raw ? [] : [face.quality, face.band]), face.score,
    face.reasons.map((reason) => `${reason.fault}: ${reason.remedy}`).join("; "),
  ]);
  return [columns, ...rows].map((row) => row.map(csvField).join(",") + "\r\n").join("");
}
