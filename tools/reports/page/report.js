// The list of faces and its controls.

const grid = byId("faces");
const cards = faces.map(makeCard);
let shown = [];
let current = 0; // the face in `shown` that Tab reaches
let tabStop = null; // its button

/** A face as an item of the list: a button, and reasons for print. */
function makeCard(face) {
  const item = element("li"), button = element("button", "card");
  button.type = "button";
  button.tabIndex = -1;
  const frame = element("span", "frame");
  if (face.picture) {
    const image = element("img");
    image.alt = "";
    image.decoding = "async";
    frame.append(image);
  } else {
    frame.append(element("span", "hint", "no image"));
  }
  const line = element("span", "figures");
  if (face.scored) {
    line.append(element("span", "hidden", raw ? "raw score " : "quality "), element("strong", "", valueText(face)));
    if (!raw) line.append(element("span", `band ${face.band}`, face.band));
  } else {
    line.append(element("span", "band", "unscored"));
  }
  const out = element("span", "state");
  const name = element("span", "name");
  name.append(element("bdi", "", face.fileName));
  if (face.faceText) name.append(element("span", "", face.faceText));
  button.append(frame, line, out, name, element("span", "fault", face.scored ? face.reasons[0]?.fault || "" : face.error));
  button.title = face.path;
  item.append(button);
  return { item, button, out, image: frame.querySelector("img") };
}

/** All reasons of a face below its button. Paper has no large view. */
function printReasons(face) {
  const { item } = cards[face.index];
  if (!face.reasons.length || item.querySelector("ul")) return;
  const list = element("ul", "print-only");
  list.append(...face.reasons.map((reason) => element("li", "", `${reason.fault}: ${reason.remedy}`)));
  item.append(list);
}

/** Images get their bytes when they come near the window, all others while nothing else is to be done. */
const pictures = {
  waiting: new Set(cards.map((card, i) => i).filter((i) => cards[i].image)),

  load(i) {
    if (this.waiting.delete(i)) cards[i].image.src = pictureAddress(faces[i].picture);
  },
  loadAll() {
    for (const i of [...this.waiting]) this.load(i);
  },
  start() {
    const indices = new Map(cards.map((card, i) => [card.item, i]));
    const watcher = new IntersectionObserver((entries) => {
      for (const entry of entries) if (entry.isIntersecting) this.load(indices.get(entry.target));
    }, { rootMargin: "600px" });
    for (const card of cards) watcher.observe(card.item);
    const rest = (deadline) => {
      for (const i of this.waiting) {
        if (deadline.timeRemaining() < 2) break;
        this.load(i);
      }
      if (this.waiting.size) requestIdleCallback(rest);
    };
    requestIdleCallback(rest);
    addEventListener("beforeprint", () => {
      this.loadAll();
      faces.forEach(printReasons);
    });
  },
};

/** Marks the faces that are kept. Returns true if some have changed. */
function markKept() {
  let changed = false;
  faces.forEach((face, i) => {
    const kept = isKept(face);
    if (face.kept === kept && cards[i].marked) return;
    changed = true;
    cards[i].marked = true;
    face.kept = kept;
    cards[i].item.classList.toggle("out", !kept);
    cards[i].out.textContent = kept || !face.scored ? "" : "left out";
  });
  return changed;
}

/** Shows the faces that fit the filters, in the chosen order. */
function showFaces() {
  const before = shown[current];
  shown = faces.filter(isShown).sort(orders[state.sort]);
  grid.replaceChildren(...shown.map((face) => cards[face.index].item));
  setCurrent(Math.max(0, shown.indexOf(before)));
  byId("none").hidden = shown.length > 0;
  byId("shown").textContent = `${number(shown.length)} of ${number(faces.length)} are shown`;
}

function setCurrent(at) {
  if (tabStop) tabStop.tabIndex = -1;
  current = Math.min(Math.max(0, at), Math.max(0, shown.length - 1));
  tabStop = shown[current] ? cards[shown[current].index].button : null;
  if (tabStop) tabStop.tabIndex = 0;
}

const columns = () => getComputedStyle(grid).gridTemplateColumns.split(" ").length;

function moveInGrid(event) {
  const moves = {
    ArrowLeft: () => current - 1,
    ArrowRight: () => current + 1,
    ArrowUp: () => (current >= columns() ? current - columns() : current),
    ArrowDown: () => (current + columns() < shown.length ? current + columns() : current),
    Home: () => 0,
    End: () => shown.length - 1,
  };
  if (!moves[event.key] || !shown.length) return;
  event.preventDefault();
  setCurrent(moves[event.key]());
  focusCurrent();
}

function focusCurrent() {
  if (!tabStop) return;
  tabStop.focus({ preventScroll: true });
  tabStop.scrollIntoView({ block: "nearest" });
}

let saying = 0;
/** The numbers after a change. They are said when the slider rests, or a screen reader would say each on the way. */
function showKept() {
  const text = keptText();
  byId("kept").textContent = text;
  byId("printed").textContent = `${text}: ${raw ? "raw score" : "quality"} of at least ${thresholdText(state.threshold)}.`;
  byId("threshold").setAttribute("aria-valuetext", `${thresholdText(state.threshold)}. ${text}`);
  byId("save").disabled = !faces.some((face) => face.kept);
  clearTimeout(saying);
  saying = setTimeout(() => { byId("kept-said").textContent = text; }, 500);
}

function keptChanged() {
  if (markKept() && state.show !== "all") showFaces();
  showKept();
  histogram.update();
}

function setThreshold(value, from) {
  if (!Number.isFinite(value)) return;
  const steps = Math.round((value - scale.min) / scale.step);
  const rounded = Number((scale.min + steps * scale.step).toPrecision(12));
  state.threshold = Math.min(scale.max, Math.max(scale.min, rounded));
  for (const id of ["threshold", "threshold-number"]) if (byId(id) !== from) byId(id).value = thresholdText(state.threshold);
  keptChanged();
}

/** A menu of the reasons that occur, the most frequent first. */
function fillReasonMenu() {
  const counts = new Map();
  for (const face of faces) for (const { component } of face.reasons) counts.set(component, (counts.get(component) || 0) + 1);
  const none = scoredFaces.filter((face) => face.reasons.length === 0).length;
  const menu = byId("reason");
  menu.append(new Option("any or none", "any"));
  for (const [component, n] of [...counts].sort((a, b) => b[1] - a[1])) menu.append(new Option(`${words(component)} (${number(n)})`, component));
  menu.append(new Option(`no reason (${number(none)})`, "none"));
  menu.closest(".field").hidden = !report.explained;
}

function fillBands() {
  byId("bands").querySelector("legend").textContent = raw ? "Photos" : "Bands";
  for (const group of [...(raw ? ["scored"] : [...report.bands].reverse()), "unscored"]) {
    const count = faces.filter((face) => face.group === group).length;
    state.groups.add(group);
    if (!count) continue;
    const box = element("span", "switch"), input = element("input"), label = element("label", "", `${group} (${number(count)})`);
    input.type = "checkbox";
    input.checked = true;
    input.id = label.htmlFor = `band-${group}`;
    input.onchange = () => {
      state.groups[input.checked ? "add" : "delete"](group);
      showFaces();
    };
    box.append(input, label);
    byId("bands").append(box);
  }
}

function startPersons() {
  byId("persons").hidden = persons.size === 0;
  byId("persons").querySelector("label").textContent = `Only the best face of each person (${counted(persons.size, "person")})`;
  byId("best-only").onchange = () => {
    state.bestOnly = byId("best-only").checked;
    keptChanged();
    showFaces();
  };
}

/** All filters as they were in the beginning. The threshold stays. */
function resetFilters() {
  Object.assign(state, { search: "", reason: "any", show: "all", bestOnly: false });
  byId("search").value = "";
  byId("reason").value = "any";
  byId("show").value = "all";
  byId("best-only").checked = false;
  for (const input of byId("bands").querySelectorAll("input")) {
    input.checked = true;
    state.groups.add(input.id.replace("band-", ""));
  }
  keptChanged();
  showFaces();
}

function saveList() {
  const link = element("a");
  link.href = URL.createObjectURL(new Blob([keptList()], { type: "text/csv" }));
  link.download = `kept_${thresholdText(state.threshold)}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function startControls() {
  for (const id of ["threshold", "threshold-number"]) {
    const input = byId(id);
    Object.assign(input, { min: scale.min, max: scale.max, step: scale.step });
    input.oninput = () => {
      if (input.value !== "") setThreshold(Number(input.value), input);
    };
    input.onchange = () => setThreshold(input.value === "" ? state.threshold : Number(input.value));
  }
  byId("search").oninput = () => {
    state.search = byId("search").value.toLowerCase();
    showFaces();
  };
  for (const id of ["reason", "show", "sort"]) {
    byId(id).onchange = () => {
      state[id] = byId(id).value;
      showFaces();
    };
  }
  byId("reset").onclick = resetFilters;
  byId("save").onclick = saveList;
}

function start() {
  const unscored = faces.length - scoredFaces.length;
  byId("about").textContent = `${report.title}: ${counted(scoredFaces.length, "face")}` +
    (unscored ? `, ${counted(unscored, "photo")} without a score` : "") + (report.scored_by ? `. Scored by ${report.scored_by}` : "") +
    (raw ? ". Raw scores, not calibrated: higher is better." : ". Quality of 0 to 100, higher is better.");
  fillReasonMenu();
  fillBands();
  startPersons();
  startControls();
  markKept();
  histogram.start((value) => setThreshold(value));
  setThreshold(scale.min);
  showFaces();
  largeView.start((face) => {
    if (shown.includes(face)) setCurrent(shown.indexOf(face));
    focusCurrent();
  });
  grid.onkeydown = moveInGrid;
  grid.onclick = (event) => {
    const item = event.target.closest("#faces > li");
    const at = shown.findIndex((face) => cards[face.index].item === item);
    if (at < 0) return;
    setCurrent(at);
    largeView.open(shown[at], shown);
  };
  pictures.start();
}

start();
