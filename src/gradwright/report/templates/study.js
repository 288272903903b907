"use strict";
// Marks of one trial light up together; a stretch of an axis can be chosen. Reading aids only, as above.
(() => {
  const LEFT_OUT = "faded";
  const setUp = () => {
    const said = JSON.parse(document.getElementById("said").textContent);
    const tip = document.getElementById("tip");
    const pictures = [...document.querySelectorAll("svg.linked")];
    const rows = [...document.querySelectorAll("tr[data-trial]")];
    let pinned = null;

    // The corners of a mark: of a line all of them, of a dot its middle. A line with gaps has several pieces.
    const pieces = (mark) => {
      if (mark.tagName === "circle") { return [[Number(mark.getAttribute("cx")), Number(mark.getAttribute("cy"))]]; }
      return (mark.getAttribute("d") || "").split("M").filter(Boolean).map((piece) => piece.split(/[L ]/).map(Number));
    };
    for (const svg of pictures) {
      const marks = [...svg.querySelectorAll("[data-trial]:not(.cross)")];
      svg.marks = null;
      // Read when they are first needed: a thousand lines take a moment.
      svg.read = () => svg.marks ??= marks.map((mark) => ({ mark, trial: mark.dataset.trial, pieces: pieces(mark) }));
      svg.over = document.createElementNS("http://www.w3.org/2000/svg", "g");
      svg.over.setAttribute("class", "over");
      svg.append(svg.over);
    }

    const distance = (x, y, a, b, c, d) => {
      const long = (c - a) ** 2 + (d - b) ** 2;
      const t = long ? Math.max(0, Math.min(1, ((x - a) * (c - a) + (y - b) * (d - b)) / long)) : 0;
      return Math.hypot(x - a - t * (c - a), y - b - t * (d - b));
    };
    const nearest = (svg, x, y, reach) => {
      let best = reach, found = null;
      for (const { mark, trial, pieces: all } of svg.read()) {
        if (mark.classList.contains(LEFT_OUT)) { continue; }
        for (const p of all) {
          for (let i = 0; i < Math.max(p.length - 2, 1); i += 2) {
            const j = i + 3 < p.length ? i + 2 : i;
            const far = distance(x, y, p[i], p[i + 1], p[j], p[j + 1]);
            if (far < best) { best = far; found = trial; }
          }
        }
      }
      return found;
    };

    const light = (trial) => {
      for (const svg of pictures) {
        const own = trial === null ? [] : svg.querySelectorAll(`:not(.over) > [data-trial="${trial}"]`);
        svg.over.replaceChildren(...[...own].map((mark) => mark.cloneNode(false)));
      }
      rows.forEach((row) => row.classList.toggle("lit", row.dataset.trial === trial));
    };
    const tell = (trial, x, y) => {
      const [head, score, which, state, epochs, given] = said.trials[trial];
      const lines = [score, which, epochs, state, ...given.map(([i, value]) => said.names[i] + " " + value)];
      tip.replaceChildren();
      const first = document.createElement("strong");
      first.textContent = head;
      tip.append(first);
      for (const line of lines.filter(Boolean)) {
        const row = document.createElement("span");
        row.textContent = line;
        tip.append(row);
      }
      tip.hidden = false;
      const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
      tip.style.left = Math.max(8, x + 16 > room ? x - tip.offsetWidth - 16 : x + 16) + window.scrollX + "px";
      tip.style.top = Math.max(8, y - tip.offsetHeight - 12) + window.scrollY + "px";
    };
    const rest = () => { tip.hidden = true; light(pinned); };

    const spot = (svg, event) => {
      const box = svg.getBoundingClientRect();
      const scale = svg.viewBox.baseVal.width / box.width;
      return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale, 14 * scale];
    };
    const point = (svg, event) => {
      const trial = nearest(svg, ...spot(svg, event));
      if (trial === null) { rest(); return null; }
      light(trial);
      tell(trial, event.clientX, event.clientY);
      return trial;
    };

    // Chosen stretches of the axes of the parallel coordinates: [axis, low, high], in the picture's own units.
    const brush = (svg) => {
      const turned = svg.classList.contains("turned");
      const chosen = new Map();
      let drag = null;
      const apply = () => {
        const kept = new Set();
        for (const { trial, pieces: all } of svg.read()) {
          const at = (axis) => all[0][2 * axis + (turned ? 0 : 1)];
          if ([...chosen].every(([axis, { low, high }]) => at(axis) >= low && at(axis) <= high)) { kept.add(trial); }
        }
        document.querySelectorAll("[data-trial]").forEach((mark) => {
          mark.classList.toggle(LEFT_OUT, chosen.size > 0 && !kept.has(mark.dataset.trial));
        });
        document.getElementById("brushed").textContent =
          chosen.size ? kept.size + " of " + svg.read().length + " trials are shown" : "";
      };
      const clear = (axis) => { chosen.get(axis)?.shape.remove(); chosen.delete(axis); };
      for (const group of svg.querySelectorAll(".axis")) {
        const room = group.querySelector(".brush-room"), axis = Number(group.dataset.axis);
        const along = (event) => spot(svg, event)[turned ? 0 : 1];
        room.addEventListener("pointerdown", (event) => {
          room.setPointerCapture(event.pointerId);
          drag = { axis, from: along(event) };
        });
        room.addEventListener("pointermove", (event) => {
          if (drag === null) { return; }
          event.stopPropagation();
          const to = along(event), low = Math.min(drag.from, to), high = Math.max(drag.from, to);
          if (high - low < 4) { return; }
          clear(axis);
          const shape = room.cloneNode(false);
          shape.setAttribute("class", "brush");
          shape.setAttribute(turned ? "x" : "y", low);
          shape.setAttribute(turned ? "width" : "height", high - low);
          group.append(shape);
          chosen.set(axis, { low, high, shape });
          apply();
        });
        const drop = (event) => {
          if (drag !== null && event.type === "pointerup" && Math.abs(along(event) - drag.from) < 4) { clear(axis); apply(); }
          drag = null;
        };
        room.addEventListener("pointerup", drop);
        room.addEventListener("pointercancel", drop);
      }
      return () => { [...chosen.keys()].forEach(clear); apply(); };
    };
    const clearers = pictures.filter((svg) => svg.classList.contains("parallel")).map(brush);

    for (const svg of pictures) {
      svg.addEventListener("pointermove", (event) => point(svg, event));
      svg.addEventListener("pointerleave", rest);
      svg.addEventListener("click", (event) => {
        if (event.target.closest(".axis")) { return; }
        const trial = nearest(svg, ...spot(svg, event));
        pinned = trial === pinned ? null : trial;
        light(pinned);
      });
    }
    for (const row of rows) {
      const choose = () => { light(row.dataset.trial); };
      row.addEventListener("pointerenter", choose);
      row.addEventListener("focus", choose);
      row.addEventListener("pointerleave", rest);
      row.addEventListener("blur", rest);
      row.addEventListener("click", () => { pinned = pinned === row.dataset.trial ? null : row.dataset.trial; light(pinned); });
    }
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") { return; }
      pinned = null;
      clearers.forEach((clear) => clear());
      rest();
    });
  };
  document.addEventListener("DOMContentLoaded", setUp);
})();
