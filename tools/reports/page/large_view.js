// The large view: one face with its marks, reasons and components.

const svgElement = (tag, attributes) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
};

const pictureAddress = (picture) => `data:image/jpeg;base64,${picture.jpeg}`;

/** Box and landmarks as a drawing that lies on the picture. */
function marksOf({ width, height, box, points: landmarks }) {
  const svg = svgElement("svg", { viewBox: `0 0 ${width} ${height}`, class: "marks", "aria-hidden": "true" });
  if (box) {
    const [x, y, w, h] = box;
    const place = { x: x * width, y: y * height, width: w * width, height: h * height };
    svg.append(svgElement("rect", { ...place, class: "under" }), svgElement("rect", { ...place, class: "over" }));
  }
  for (const [x, y] of landmarks || [])
    svg.append(svgElement("circle", { cx: x * width, cy: y * height, r: Math.max(width, height) / 90 }));
  return svg;
}

/** The heat map as a canvas: blue cells lower the score, orange ones raise it; stronger is less transparent. */
function heatOf({ width, height, data, place }) {
  const canvas = element("canvas", "heat-map");
  canvas.width = width;
  canvas.height = height;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", "Heat map: blue lowers the score, orange raises it");
  const bytes = Int8Array.from(atob(data), (character) => (character.charCodeAt(0) << 24) >> 24);
  const largest = bytes.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  const image = new ImageData(width, height);
  bytes.forEach((value, i) => {
    const [red, green, blue] = value < 0 ? [0, 114, 178] : [230, 120, 0];
    image.data.set([red, green, blue, Math.round((200 * Math.abs(value)) / largest)], 4 * i);
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
  const [left, top, w, h] = place || [0, 0, 1, 1];
  for (const [name, share] of Object.entries({ left, top, width: w, height: h })) canvas.style[name] = `${100 * share}%`;
  return canvas;
}

const largeView = {
  list: [],
  at: 0,
  dialog: byId("large"),

  /** `closed` is told the face that was shown last. */
  start(closed) {
    byId("previous").onclick = () => this.step(-1);
    byId("next").onclick = () => this.step(1);
    byId("close").onclick = () => this.dialog.close();
    this.dialog.onclose = () => closed(this.list[this.at]);
    this.dialog.onclick = (event) => { // it must not return false: that would stop what a click does
      if (event.target === this.dialog) this.dialog.close();
    };
    this.dialog.onkeydown = (event) => {
      const steps = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!steps) return;
      event.preventDefault();
      this.step(steps);
    };
    for (const id of ["marks", "heat"]) byId(id).onchange = () => this.showMarks();
  },

  /** Opens a face; Previous and Next go through `list`. */
  open(face, list) {
    this.list = list.includes(face) ? list : [face];
    this.at = this.list.indexOf(face);
    this.fill();
    if (!this.dialog.open) this.dialog.showModal();
    byId("next").focus();
  },

  step(steps) {
    const at = this.at + steps;
    if (at < 0 || at >= this.list.length) return;
    this.at = at;
    this.fill();
  },

  fill() {
    const face = this.list[this.at];
    byId("large-name").replaceChildren(element("bdi", "", fullName(face)));
    const group = raw || !face.scored ? "" : `, ${face.band}`;
    byId("large-score").textContent = face.scored
      ? `${raw ? "Raw score" : "Quality"} ${valueText(face)}${group}, ${face.kept ? "kept" : "left out"}`
      : `No score: ${face.error}`;
    // A button that has the focus must not be disabled: the focus would be lost.
    byId("previous").setAttribute("aria-disabled", this.at === 0);
    byId("next").setAttribute("aria-disabled", this.at === this.list.length - 1);
    byId("large-note").textContent = face.note ? `Note: ${face.note}` : "";
    byId("open-photo").href = face.link;
    byId("open-photo").textContent = face.path;
    this.fillStage(face);
    this.fillReasons(face);
    this.fillOthers(face);
    this.fillComponents(face);
    this.dialog.scrollTop = 0;
  },

  fillStage(face) {
    const { picture } = face, stage = byId("stage");
    stage.replaceChildren();
    byId("no-picture").hidden = Boolean(picture);
    byId("marks-switch").hidden = !(picture && (picture.box || picture.points));
    byId("heat-switch").hidden = !(picture && face.heat);
    if (!picture) return;
    const image = element("img");
    image.alt = `The face of ${fullName(face)}`;
    image.width = picture.width;
    image.height = picture.height;
    image.src = pictureAddress(picture);
    stage.append(image);
    if (face.heat) stage.append(heatOf(face.heat));
    stage.append(marksOf(picture));
    stage.style.aspectRatio = `${picture.width} / ${picture.height}`;
    this.showMarks();
  },

  showMarks() {
    const heat = byId("stage").querySelector(".heat-map"), marks = byId("stage").querySelector(".marks");
    if (marks) marks.classList.toggle("off", !byId("marks").checked);
    if (heat) heat.classList.toggle("off", !byId("heat").checked);
    byId("legend").hidden = !(heat && byId("heat").checked);
  },

  fillReasons(face) {
    byId("reasons-heading").hidden = byId("large-reasons").hidden = !report.explained || !face.scored;
    const rows = face.reasons.map((reason) => {
      const item = element("li");
      item.append(element("strong", "", reason.fault), `: ${reason.remedy}`);
      return item;
    });
    byId("large-reasons").replaceChildren(...(rows.length ? rows : [element("li", "", "none: no component is below 50")]));
  },

  fillOthers(face) {
    const others = (persons.get(face.person) || []).filter((other) => other !== face);
    byId("same-person").hidden = others.length === 0;
    byId("others").replaceChildren(...others.slice(0, 24).map((other) => {
      const item = element("li"), button = element("button");
      button.type = "button";
      if (other.picture) {
        const image = element("img");
        image.alt = "";
        image.src = pictureAddress(other.picture);
        button.append(image);
      }
      button.append(element("span", "", valueText(other)), element("span", "hidden", fullName(other)));
      button.onclick = () => this.open(other, this.list);
      item.append(button);
      return item;
    }));
    if (others.length > 24) byId("others").append(element("li", "", `and ${number(others.length - 24)} more`));
  },

  fillComponents(face) {
    byId("components").hidden = !face.components;
    const rows = (face.components || []).map((value, i) => {
      const row = element("tr", value !== null && value < 50 ? "low" : ""), bar = element("div", "meter");
      const name = element("th", "", words(report.components[i]));
      name.scope = "row";
      if (value !== null) {
        const filled = element("div");
        filled.style.width = `${value}%`;
        bar.append(filled);
      }
      const middle = element("td");
      middle.append(value === null ? element("span", "hint", "not measured") : bar);
      row.append(name, middle, element("td", "figure", value === null ? "" : String(value)));
      return row;
    });
    byId("components").querySelector("tbody").replaceChildren(...rows);
  },
};
