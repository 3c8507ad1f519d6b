// The histogram, drawn by Chart.js, and the same numbers as a table.

const binCount = 20;
const binWidth = (scale.max - scale.min) / binCount;
const binStart = (i) => scale.min + i * binWidth;

/** How many faces of each bin are kept and how many are left out. */
function countBins() {
  const kept = new Array(binCount).fill(0), out = new Array(binCount).fill(0);
  for (const face of scoredFaces) {
    const i = Math.min(binCount - 1, Math.max(0, Math.floor((face.value - scale.min) / binWidth)));
    (face.kept ? kept : out)[i] += 1;
  }
  return { kept, out };
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const points = (counts) => counts.map((y, i) => ({ x: binStart(i) + binWidth / 2, y }));

const histogram = {
  chart: null,
  largest: 1,

  start(choose) {
    this.fillTable();
    if (typeof Chart === "undefined") {
      byId("chart").hidden = true;
      byId("licence").hidden = true;
      byId("chart-missing").hidden = false;
      byId("chart-missing").textContent = `There is no histogram: ${report.chart_advice}.`;
      return;
    }
    const { kept, out } = countBins();
    this.largest = Math.max(1, ...kept.map((n, i) => n + out[i]));
    this.chart = new Chart(byId("histogram"), this.settings(choose));
    this.update();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.update());
  },

  settings(choose) {
    const bars = { type: "bar", grouped: false, barPercentage: 1, categoryPercentage: 0.96, stack: "faces", pointStyle: "rect", order: 2 };
    return {
      data: {
        datasets: [
          { ...bars, label: "left out", data: [] },
          { ...bars, label: "kept", data: [] },
          { type: "line", label: "threshold", data: [], borderWidth: 3, borderDash: [6, 4], pointRadius: 0, pointStyle: "line", order: 1 },
        ],
      },
      options: {
        animation: false,
        maintainAspectRatio: false,
        events: ["click", "mousemove", "mouseout"],
        onClick: (event, _, chart) => choose(chart.scales.x.getValueForPixel(event.x)),
        scales: {
          x: { type: "linear", min: scale.min, max: scale.max, offset: false, grid: { display: false },
               title: { display: true, text: raw ? "raw score" : "quality" } },
          y: { stacked: true, beginAtZero: true, max: this.largest * 1.05, ticks: { precision: 0, callback: (n) => (Number.isInteger(n) ? n : null) },
               title: { display: true, text: "faces" } },
        },
        plugins: {
          legend: { position: "top", align: "end", onClick: () => {}, labels: { usePointStyle: true } },
          tooltip: {
            filter: (item) => item.dataset.type === "bar",
            callbacks: { title: (items) => (items.length ? this.binText(items[0].dataIndex) : "") },
          },
        },
      },
    };
  },

  binText(i) {
    return `${thresholdText(binStart(i))} to ${thresholdText(binStart(i + 1))}`;
  },

  /** After the threshold or the colours have changed. */
  update() {
    if (!this.chart) return;
    const { kept, out } = countBins();
    const [left, right, line] = this.chart.data.datasets;
    left.data = points(out);
    right.data = points(kept);
    line.data = [{ x: state.threshold, y: 0 }, { x: state.threshold, y: this.largest * 1.05 }];
    left.backgroundColor = colour("--left-out");
    right.backgroundColor = colour("--kept");
    line.borderColor = line.backgroundColor = colour("--line");
    const { x, y } = this.chart.options.scales;
    for (const axis of [x, y]) axis.ticks.color = axis.title.color = colour("--muted");
    y.grid.color = colour("--border");
    this.chart.options.plugins.legend.labels.color = colour("--text");
    this.chart.update();
    byId("histogram").setAttribute("aria-label", `Histogram of the scores. ${keptText()}. The table below has the same numbers.`);
  },

  fillTable() {
    const { kept, out } = countBins();
    byId("bins").tBodies[0].replaceChildren(...kept.map((n, i) => {
      const row = element("tr");
      row.append(element("td", "", thresholdText(binStart(i))), element("td", "", thresholdText(binStart(i + 1))),
        element("td", "", number(n + out[i])));
      return row;
    }));
  },
};
