"use strict";
// Shows and hides what is there; all words come from the page. Errors are counted on the root, where a test can see them.
(() => {
  const root = document.documentElement;
  const failed = () => { root.dataset.errors = String(Number(root.dataset.errors || 0) + 1); };
  window.addEventListener("error", failed);
  document.addEventListener("securitypolicyviolation", failed);

  const setUp = () => {
    const views = JSON.parse(document.getElementById("data").textContent);
    const byId = (id) => document.getElementById(id);
    let key = "folded", at = 0;

    const view = () => byId("view-" + key);
    const nodeOf = (id) => view().querySelector(`[data-node="${id}"]`);

    const scrollTo = (shape) => {
      const frame = view().getBoundingClientRect(), box = shape.getBoundingClientRect();
      const inside = box.top > frame.top + 8 && box.bottom < frame.bottom - 8 && box.left > frame.left && box.right < frame.right;
      if (inside) return;
      view().scrollBy(box.left + box.width / 2 - frame.left - frame.width / 2, box.top + box.height / 2 - frame.top - frame.height / 2);
    };

    const tell = (id) => {
      const told = views[key].details[id];
      for (const article of document.querySelectorAll("article")) article.hidden = article.id !== told;
      const article = byId(told);
      if (!article) return;
      const from = { ahead: views[key].values[id], back: views[key].gradients[id] };
      for (const way of ["ahead", "back"]) {
        const seen = from[way] === undefined || from[way] <= at;
        article.querySelectorAll(".on-the-way-" + way).forEach((part) => { part.hidden = !seen; });
      }
    };

    const show = (step, remember = true) => {
      const { steps, values } = views[key];
      at = Math.max(0, Math.min(steps.length - 1, step));
      const [phase, nodes, edges, sentence] = steps[at];
      for (const part of view().querySelectorAll("[data-from]")) {
        const until = part.dataset.until === undefined ? Infinity : Number(part.dataset.until);
        part.classList.toggle("unseen", !(Number(part.dataset.from) <= at && at < until));
      }
      for (const part of view().querySelectorAll("[data-node]")) {
        const id = Number(part.dataset.node), now = nodes.includes(id);
        part.classList.toggle("waiting", values[id] > at);
        part.classList.toggle("now-forward", now && phase === "forward");
        part.classList.toggle("now-backward", now && phase === "backward");
      }
      for (const part of view().querySelectorAll("[data-edge]")) {
        const now = edges.includes(Number(part.dataset.edge));
        part.classList.toggle("now-forward", now && phase === "forward");
        part.classList.toggle("now-backward", now && phase === "backward");
        const head = (name) => `url(#${key}-gw-${name})`;
        part.setAttribute("marker-end", now && phase === "backward" ? "none" : head(now ? "ahead" : "plain"));
        part.setAttribute("marker-start", now && phase === "backward" ? head("back") : "none");
      }
      byId("sentence").textContent = sentence;
      const words = { start: "before the first", forward: "forward", backward: "backward", end: "the end" };
      byId("where").textContent = `Step ${at} of ${steps.length - 1}: ${words[phase]}`;
      byId("at").max = steps.length - 1;
      byId("at").value = at;
      byId("first").disabled = byId("previous").disabled = at === 0;
      byId("last").disabled = byId("next").disabled = at === steps.length - 1;
      const focus = nodes.length ? nodes[nodes.length > 1 ? 0 : nodes.length - 1] : Object.keys(values).map(Number).at(phase === "end" ? -1 : 0);
      if (focus !== undefined && views[key].details[focus]) {
        tell(focus);
        if (nodes.length === 1) scrollTo(nodeOf(focus));
        else if (phase === "start" || nodes.length > 1) view().scrollTo(0, 0);
      }
      if (remember) {
        try { history.replaceState(null, "", `#step=${at}${key === "full" ? "&all" : ""}`); } catch (error) { /* a page in a frame may not */ }
      }
    };

    const open = (which) => {
      if (!views[which]) return;
      key = which;
      for (const name of Object.keys(views)) byId("view-" + name).hidden = name !== key;
      const button = byId("unfold");
      if (button) {
        button.textContent = key === "full" ? "Fold" : "Unfold";
        button.setAttribute("aria-pressed", String(key === "full"));
        byId("fold-words").hidden = key === "full";
      }
    };

    const readAddress = () => {
      const asked = new URLSearchParams(location.hash.slice(1));
      open(asked.has("all") ? "full" : "folded");
      show(asked.has("step") ? Number(asked.get("step")) || 0 : 0, false);
    };

    root.classList.add("stepping");
    for (const id of ["controls", "where", "unfold"]) if (byId(id)) byId(id).hidden = false;
    byId("first").addEventListener("click", () => show(0));
    byId("previous").addEventListener("click", () => show(at - 1));
    byId("next").addEventListener("click", () => show(at + 1));
    byId("last").addEventListener("click", () => show(Infinity));
    byId("at").addEventListener("input", (event) => show(Number(event.target.value)));
    if (byId("unfold")) {
      byId("unfold").addEventListener("click", () => {
        // stay with the same node, as far as it is drawn in both
        const before = views[key].steps[at];
        open(key === "full" ? "folded" : "full");
        const same = views[key].steps.findIndex((step) => step[0] === before[0] && String(step[1]) === String(before[1]));
        show(same < 0 ? 0 : same);
      });
    }
    document.addEventListener("keydown", (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey || event.target.id === "at") return;
      const steps = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: Infinity };
      if (!(event.key in steps)) return;
      event.preventDefault();
      show(steps[event.key]);
    });
    for (const shape of document.querySelectorAll("[data-node]")) {
      shape.setAttribute("tabindex", "0");
      shape.addEventListener("click", () => tell(Number(shape.dataset.node)));
      shape.addEventListener("keydown", (event) => { if (event.key === "Enter") tell(Number(shape.dataset.node)); });
    }
    window.addEventListener("hashchange", readAddress);
    readAddress();
    root.dataset.ready = "yes";
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", setUp); else setUp();
})();
