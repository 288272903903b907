"use strict";
// Reading aids only: the page is complete without them. Errors are counted on the root, where a test can see them.
(() => {
  const root = document.documentElement;
  const failed = () => { root.dataset.errors = String(Number(root.dataset.errors || 0) + 1); };
  window.addEventListener("error", failed);
  document.addEventListener("securitypolicyviolation", failed);

  const setUp = () => {
    const charts = JSON.parse(document.getElementById("charts").textContent);
    const tip = document.getElementById("tip");

    const hide = () => {
      tip.hidden = true;
      document.querySelectorAll(".cursor").forEach((line) => line.setAttribute("visibility", "hidden"));
    };

    const show = (svg, data, index, low = true) => {
      hide();
      const box = svg.getBoundingClientRect();
      const scale = box.width / svg.viewBox.baseVal.width;
      const cursor = svg.querySelector(".cursor");
      cursor.setAttribute("x1", data.px[index]);
      cursor.setAttribute("x2", data.px[index]);
      cursor.setAttribute("visibility", "visible");
      tip.replaceChildren();
      const head = document.createElement("strong");
      head.textContent = data.head[index];
      tip.append(head);
      for (const line of data.lines) {
        const row = document.createElement("span");
        row.className = line.look;
        row.textContent = line.name + " " + line.text[index];
        tip.append(row);
      }
      tip.hidden = false;
      const left = box.left + data.px[index] * scale + 12;
      const room = root.clientWidth - tip.offsetWidth - 8;
      // Where there is no room at the right, the box stands at the left of the line.
      tip.style.left = Math.max(8, left > room ? left - tip.offsetWidth - 24 : left) + window.scrollX + "px";
      // In the half of the chart where the pointer is not, so that it hides nothing that is looked at.
      tip.style.top = box.top + box.height * (low ? 0.5 : 0.15) + window.scrollY + "px";
    };

    for (const svg of document.querySelectorAll("[data-chart]")) {
      const data = charts[svg.dataset.chart];
      let at = data.x.length - 1;
      const point = (event) => {
        const box = svg.getBoundingClientRect();
        const x = (event.clientX - box.left) * svg.viewBox.baseVal.width / box.width;
        at = data.px.reduce((best, px, i) => Math.abs(px - x) < Math.abs(data.px[best] - x) ? i : best, 0);
        show(svg, data, at, event.clientY < box.top + box.height / 2);
      };
      svg.addEventListener("pointermove", point);
      svg.addEventListener("pointerdown", point);
      svg.addEventListener("pointerleave", hide);
      svg.addEventListener("blur", hide);
      svg.addEventListener("keydown", (event) => {
        const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -data.x.length, End: data.x.length };
        if (event.key === "Escape") { hide(); return; }
        if (!(event.key in steps)) { return; }
        event.preventDefault();
        at = Math.min(data.x.length - 1, Math.max(0, at + steps[event.key]));
        show(svg, data, at);
      });
    }

    // What is folded on the screen is wanted on paper.
    window.addEventListener("beforeprint", () => {
      document.querySelectorAll("details").forEach((part) => { part.open = true; });
    });
    root.dataset.ready = "yes";
  };

  document.addEventListener("DOMContentLoaded", setUp);
})();
