"use strict";
// Asks for what is new, keeps it, draws it. What came from data is only ever put in as text (textContent).
// Errors are counted on the root, where a test can see them.
(() => {
  const root = document.documentElement;
  const failed = () => { root.dataset.errors = String(Number(root.dataset.errors || 0) + 1); };
  window.addEventListener("error", failed);
  window.addEventListener("unhandledrejection", failed);
  document.addEventListener("securitypolicyviolation", failed);

  const SVG = "http://www.w3.org/2000/svg";
  const MOST_CHARTS = 16, RUNNING = 1000, RESTING = 5000;
  const epochs = { rows: [], version: -1 }, steps = { points: [], version: -1, width: 1 };
  const charts = new Map(), normRows = new Map();
  const byId = (id) => document.getElementById(id);
  let answered = null;

  // --- numbers as people read them ---
  const short = (x) => {
    if (x === null || x === undefined) { return "–"; }
    const size = Math.abs(x);
    if (size !== 0 && (size >= 1e5 || size < 1e-3)) { return Number(x.toPrecision(3)).toExponential().replace("e+", "e"); }
    return String(Number(x.toPrecision(4)));
  };
  const duration = (seconds) => {
    const s = Math.round(seconds);
    if (s < 60) { return s + " s"; }
    if (s < 3600) { return Math.floor(s / 60) + " min " + (s % 60) + " s"; }
    return Math.floor(s / 3600) + " h " + Math.floor(s % 3600 / 60) + " min";
  };
  const title = (name) => {
    const known = { loss: "Loss", learning_rate: "Learning rate", r2: "R²", rmse: "RMSE", mae: "MAE", roc_auc: "ROC-AUC", f1_macro: "F1 (macro)", f1_micro: "F1 (micro)", f1_binary: "F1" };
    const words = name.replaceAll("_", " ");
    return Object.hasOwn(known, name) ? known[name] : words.charAt(0).toUpperCase() + words.slice(1);
  };

  // --- elements ---
  const make = (tag, className, text) => {
    const element = document.createElement(tag);
    if (className) { element.className = className; }
    if (text !== undefined) { element.textContent = text; }
    return element;
  };
  const draw = (tag, attributes) => {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) { element.setAttribute(name, value); }
    return element;
  };

  // --- scales ---
  const niceSteps = (low, high, about) => {
    const raw = (high - low) / about, power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw * 0.999);
    const ticks = [];
    for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) { ticks.push(k * step); }
    return ticks;
  };
  const scale = (low, high, from, to, log) => {
    const turn = log ? Math.log10 : (v) => v;
    const a = turn(low), b = turn(high);
    return (v) => from + (turn(v) - a) / (b - a) * (to - from);
  };
  const logTicks = (low, high) => {
    const ticks = [];
    const first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high)), every = Math.ceil((last - first) / 6);
    const within = last - first <= 2 ? [1, 2, 5] : [1];
    for (let e = first; e <= last; e += every) {
      for (const m of within) { if (m * 10 ** e >= low && m * 10 ** e <= high) { ticks.push(m * 10 ** e); } }
    }
    return ticks.length > 1 ? ticks : [low, high];
  };

  // --- one chart ---
  class Chart {
    constructor(name, first) {
      this.log = false;
      this.figure = make("figure", first ? "chart first" : "chart");
      const head = make("header");
      this.legend = make("ul", "legend");
      const button = make("button", "", "log");
      button.type = "button";
      button.setAttribute("aria-pressed", "false");
      button.title = "Logarithmic scale";
      button.addEventListener("click", () => {
        this.log = !this.log;
        button.setAttribute("aria-pressed", String(this.log));
        this.render();
      });
      this.title = title(name);
      head.append(make("h2", "", this.title), button);
      this.svg = draw("svg", { role: "img" });
      this.svg.addEventListener("pointermove", (event) => this.point(event));
      this.svg.addEventListener("pointerleave", () => { this.at = undefined; this.render(); });
      this.figure.append(head, this.legend, this.svg);
      this.height = first ? 280 : 200;
      byId("charts").append(this.figure);
    }

    point(event) {
      if (!this.back) { return; }
      const box = this.svg.getBoundingClientRect();
      this.at = this.back(event.clientX - box.left);
      this.render();
    }

    show(series, axis) {
      this.series = series;
      this.axis = axis;
      this.render();
    }

    render() {
      if (!this.series) { return; }
      const width = Math.max(240, this.figure.clientWidth - 32), height = this.height;
      const usable = (y) => y !== null && y !== undefined && (!this.log || y > 0);
      const lines = this.series.map((s) => ({ ...s, points: s.points.filter((p) => usable(p[1])) }));
      const all = lines.flatMap((s) => s.points);
      this.svg.replaceChildren();
      this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
      this.svg.setAttribute("height", height);
      if (!all.length) {
        this.back = null;
        const note = draw("text", { x: width / 2, y: height / 2, "text-anchor": "middle" });
        note.textContent = "nothing to draw yet";
        this.svg.append(note);
        return;
      }
      let [x0, x1, y0, y1] = [Infinity, -Infinity, Infinity, -Infinity];
      for (const [x, y] of all) { x0 = Math.min(x0, x); x1 = Math.max(x1, x); y0 = Math.min(y0, y); y1 = Math.max(y1, y); }
      if (x0 === x1) { x0 -= 0.5; x1 += 0.5; }
      if (this.log) { [y0, y1] = y0 === y1 ? [y0 / 2, y1 * 2] : [y0, y1]; }
      else if (y0 === y1) { const room = Math.abs(y0) * 0.1 || 1; y0 -= room; y1 += room; }
      else { const room = (y1 - y0) * 0.04; y0 = y0 >= 0 && y0 - room < 0 ? 0 : y0 - room; y1 += room; }
      const yTicks = this.log ? logTicks(y0, y1) : niceSteps(y0, y1, height / 40);
      const left = 12 + 7 * Math.max(...yTicks.map((t) => short(t).length)), right = 10, bottom = 34, top = 10;
      const px = scale(x0, x1, left, width - right, false), py = scale(y0, y1, height - bottom, top, this.log);
      this.back = (at) => x0 + (at - left) / (width - right - left) * (x1 - x0);
      for (const tick of yTicks) {
        this.svg.append(draw("line", { class: "grid", x1: left, x2: width - right, y1: py(tick), y2: py(tick) }));
        const text = draw("text", { x: left - 7, y: py(tick) + 4, "text-anchor": "end" });
        text.textContent = short(tick);
        this.svg.append(text);
      }
      for (const tick of niceSteps(x0, x1, width / 80).filter((t) => Number.isInteger(t))) {
        const text = draw("text", { x: px(tick), y: height - bottom + 17, "text-anchor": "middle" });
        text.textContent = tick.toLocaleString("en");
        this.svg.append(text);
      }
      const name = draw("text", { x: (left + width - right) / 2, y: height - 3, "text-anchor": "middle" });
      name.textContent = this.axis;
      this.svg.append(name);
      const clip = (y) => Math.min(height - bottom, Math.max(top, py(y)));
      for (const line of lines) {
        if (line.band) {
          const band = line.band.filter((b) => usable(b[1]) && usable(b[2]));
          if (band.length > 1) {
            const path = band.map((b) => `${px(b[0]).toFixed(1)},${clip(b[2]).toFixed(1)}`)
              .concat(band.slice().reverse().map((b) => `${px(b[0]).toFixed(1)},${clip(b[1]).toFixed(1)}`));
            this.svg.append(draw("path", { class: "band", d: "M" + path.join("L") + "Z" }));
          }
        }
        const path = line.points.map((p) => `${px(p[0]).toFixed(1)},${py(p[1]).toFixed(1)}`);
        if (path.length) { this.svg.append(draw("path", { class: "line " + line.look, d: "M" + path.join("L") })); }
        if (path.length === 1 || this.at === undefined && line.look !== "steps" && path.length) {
          const last = line.points[line.points.length - 1];
          this.svg.append(draw("circle", { class: line.look, cx: px(last[0]), cy: py(last[1]), r: 3.2 }));
        }
      }
      this.say(lines, px, py, height - bottom, top);
    }

    // The legend has the last values, or those under the pointer.
    say(lines, px, py, low, high) {
      this.legend.replaceChildren();
      const said = [];
      let place;
      for (const line of lines) {
        if (!line.points.length) { continue; }
        let point = line.points[line.points.length - 1];
        if (this.at !== undefined) {
          for (const p of line.points) { if (Math.abs(p[0] - this.at) < Math.abs(point[0] - this.at)) { point = p; } }
          this.svg.append(draw("circle", { class: line.look, cx: px(point[0]), cy: py(point[1]), r: 3.2 }));
          place = point[0];
        }
        const item = make("li", line.look, line.name + " ");
        item.append(make("b", "", short(point[1])));
        this.legend.append(item);
        said.push(line.name + " " + short(point[1]));
      }
      if (place !== undefined) {
        this.svg.prepend(draw("line", { class: "cursor", x1: px(place), x2: px(place), y1: high, y2: low }));
        this.legend.prepend(make("span", "", this.axis + " " + place.toLocaleString("en")));
      }
      this.svg.setAttribute("aria-label", `${this.title}: ${said.join(", ")}`);
    }
  }

  const chart = (name, first = false) => {
    if (!charts.has(name)) {
      if (charts.size >= MOST_CHARTS) { return null; }
      charts.set(name, new Chart(name, first));
    }
    return charts.get(name);
  };

  // --- what is drawn ---
  const drawCharts = () => {
    const perStep = steps.points.length > 0 && (!epochs.rows.length || epochs.rows.some((row) => row.step !== null));
    const axis = perStep ? "step" : "epoch";
    const placed = perStep ? epochs.rows.filter((row) => row.step !== null) : epochs.rows;
    const curve = (name) => placed.filter((row) => name in row).map((row) => [perStep ? row.step : row.epoch, row[name]]);
    const byStep = (name) => steps.points.map((p) => [p.step, p[name]]);
    const wide = steps.width > 1 ? `mean of ${steps.width} steps` : "each step";
    const loss = [];
    if (perStep) {
      loss.push({ name: wide, look: "steps", points: byStep("loss"), band: steps.width > 1 ? steps.points.map((p) => [p.step, p.low, p.high]) : null });
    }
    loss.push({ name: "train", look: "train", points: curve("train_loss") }, { name: "validation", look: "validation", points: curve("validation_loss") });
    chart("loss", true).show(loss, axis);
    const names = new Set();
    for (const row of epochs.rows) {
      for (const name of Object.keys(row)) {
        const found = /^(?:train|validation)_(.+)$/s.exec(name);
        if (found && found[1] !== "loss") { names.add(found[1]); }
      }
    }
    for (const name of names) {
      const drawn = chart(name);
      if (!drawn) { break; }
      drawn.show([
        { name: "train", look: "train", points: curve("train_" + name) },
        { name: "validation", look: "validation", points: curve("validation_" + name) },
      ], axis);
    }
    const rate = perStep ? byStep("learning_rate") : curve("learning_rate");
    if (rate.length) { chart("learning_rate")?.show([{ name: "learning rate", look: "validation", points: rate }], axis); }
  };

  const sparkline = (svg, values) => {
    const known = values.filter((v) => v !== null && v > 0);
    svg.replaceChildren();
    if (!known.length) { return; }
    const low = Math.log(Math.min(...known)), high = Math.log(Math.max(...known));
    const y = (v) => high === low ? 10 : 18 - 16 * (Math.log(v) - low) / (high - low);
    const at = (i) => values.length > 1 ? 1 + 82 * i / (values.length - 1) : 42;
    const path = values.map((v, i) => v !== null && v > 0 ? `${at(i).toFixed(1)},${y(v).toFixed(1)}` : null).filter((p) => p);
    svg.append(draw("path", { d: "M" + (path.length > 1 ? path.join("L") : path[0] + "h2") }));
  };

  const drawNorms = () => {
    const rows = epochs.rows.filter((row) => row.norms);
    byId("norms").hidden = rows.length === 0;
    if (!rows.length) { return; }
    const recent = rows.slice(-200), last = rows[rows.length - 1].norms;
    const get = (row, kind, name) => row.norms[kind]?.[name] ?? null;
    const ratio = (row, name) => {
      const update = get(row, "update", name), weight = get(row, "weight", name);
      return update !== null && weight ? update / weight : null;
    };
    const names = new Set(["gradient", "weight", "update"].flatMap((kind) => Object.keys(last[kind] ?? {})));
    for (const name of names) {
      if (!normRows.has(name)) {
        const row = make("tr"), head = make("th", "", name);
        head.scope = "row";
        head.title = name;
        row.append(head);
        const cells = [0, 1, 2].map(() => {
          const number = make("td", "number"), holder = make("td"), svg = draw("svg", { viewBox: "0 0 84 20", "aria-hidden": "true" });
          holder.append(svg);
          row.append(number, holder);
          return [number, svg];
        });
        byId("norm-rows").append(row);
        normRows.set(name, cells);
      }
      const curves = [
        recent.map((row) => get(row, "gradient", name)),
        recent.map((row) => get(row, "weight", name)),
        recent.map((row) => ratio(row, name)),
      ];
      normRows.get(name).forEach(([number, svg], i) => {
        number.textContent = short(curves[i][curves[i].length - 1]);
        sparkline(svg, curves[i]);
      });
    }
  };

  const drawState = (answer) => {
    byId("state").dataset.state = answer.gone ? "gone" : answer.state;
    if (byId("words").textContent !== answer.words) { byId("words").textContent = answer.words; }
    const facts = [["epochs done", answer.planned === null ? String(answer.done) : `${answer.done} of ${answer.planned}`]];
    if (steps.points.length) { facts.push(["step", steps.points[steps.points.length - 1].step.toLocaleString("en")]); }
    const best = epochs.rows.filter((row) => typeof row.validation_loss === "number");
    if (best.length) {
      const row = best.reduce((a, b) => b.validation_loss < a.validation_loss ? b : a);
      facts.push(["lowest validation loss", `${short(row.validation_loss)} in epoch ${row.epoch}`]);
    }
    if (answer.left !== null) { facts.push(["time left", "at most " + duration(answer.left)]); }
    byId("facts").replaceChildren(...facts.map(([name, value]) => {
      const pair = make("div");
      pair.append(make("dt", "", name), make("dd", "", value));
      return pair;
    }));
    const bar = byId("progress");
    bar.hidden = !answer.planned;
    if (answer.planned) {
      bar.setAttribute("aria-valuemax", answer.planned);
      bar.setAttribute("aria-valuenow", Math.min(answer.done, answer.planned));
      byId("bar").style.width = 100 * Math.min(1, answer.done / answer.planned) + "%";
    }
    document.title = (answer.planned && answer.state === "running" ? `${answer.done}/${answer.planned} ` : "") + `${answer.name} · Gradwright`;
  };

  // --- asking ---
  const take = (answer) => {
    epochs.rows.splice(answer.epochs.from, Infinity, ...answer.epochs.rows);
    epochs.version = answer.epochs.version;
    steps.points.splice(answer.steps.from, Infinity, ...answer.steps.points);
    steps.version = answer.steps.version;
    steps.width = answer.steps.width;
  };

  const ask = async () => {
    let wait = RESTING;
    let answer = null;
    try {
      const question = new URLSearchParams({
        epochs: epochs.rows.length, epochs_version: epochs.version, steps: steps.points.length, steps_version: steps.version,
      });
      const response = await fetch("data?" + question, { cache: "no-store" });
      if (response.ok) { answer = await response.json(); }
    } catch { /* the server is gone; that is said below, and asked again later */ }
    if (answer) {
      take(answer);
      drawState(answer);
      drawCharts();
      drawNorms();
      answered = new Date();
      root.dataset.ready = "yes";
      wait = answer.state === "running" && !answer.gone ? RUNNING : RESTING;
    } else {
      byId("state").dataset.state = "silent";
      byId("words").textContent = "gradwright watch no longer answers" + (answered ? "; what stands here is from " + answered.toLocaleTimeString() : "") + ".";
    }
    setTimeout(ask, document.hidden ? Math.max(wait, RESTING) : wait);
  };

  document.addEventListener("DOMContentLoaded", () => {
    ask();
    let pending = 0;
    window.addEventListener("resize", () => {
      cancelAnimationFrame(pending);
      pending = requestAnimationFrame(() => charts.forEach((one) => one.render()));
    });
  });
})();
