"use strict";
(function () {
  const root = document.documentElement;
  const find = (selector, within) => Array.from((within || document).querySelectorAll(selector));
  const byId = (id) => document.getElementById(id);
  root.classList.add("js");

  const index = JSON.parse(byId("index").textContent);
  const opened = new Map();

  function chunk(number) {
    if (!opened.has(number)) {
      const bytes = Uint8Array.from(atob(byId("chunk-" + number).textContent), (c) => c.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
      opened.set(number, new Response(stream).json());
    }
    return opened.get(number);
  }

  // The fragments were escaped when the page was made; a parsed document runs no script, and the policy allows none.
  async function fragment(id) {
    const box = document.createElement("div");
    if (!Object.prototype.hasOwnProperty.call(index, id)) {
      const text = document.createElement("p");
      text.textContent = "This page has no trial " + id;
      box.append(text);
      return box;
    }
    const texts = await chunk(index[id]);
    const parsed = new DOMParser().parseFromString(texts[id], "text/html");
    box.append(...parsed.body.childNodes);
    return box;
  }

  function address() {
    const [view, query] = location.hash.slice(1).split("?", 2);
    const name = byId(view) && byId(view).classList.contains("view") ? view : "overview";
    return { view: name, given: new URLSearchParams(query || "") };
  }

  const filters = byId("filters");
  const rows = find("#map tbody tr");

  function filter(given) {
    for (const element of filters.elements) {
      if (!element.name) continue;
      if (element.type === "checkbox") element.checked = given.get(element.name) === "1";
      else element.value = given.get(element.name) || "";
      if (element.selectedIndex === -1) element.value = "";
    }
    apply();
  }

  function chosen() {
    const found = {};
    for (const element of filters.elements) {
      if (element.name && (element.type !== "checkbox" || element.checked) && element.value) found[element.name] = element.value;
    }
    return found;
  }

  function fits(cell, want) {
    const worst = Number(cell.dataset.worst);
    if (want.score === "v" && worst < 3) return false;
    if (want.score === "u" && !cell.dataset.outcome.split(" ").includes("?")) return false;
    if (/^[0-5]$/.test(want.score || "") && worst < Number(want.score)) return false;
    if (want.rule && !cell.dataset.rules.split("|").includes(want.rule)) return false;
    return !want.ending || cell.dataset.endings.split("|").includes(want.ending);
  }

  function differs(cells) {
    const seen = new Map();
    for (const cell of cells) {
      const variant = cell.dataset.variant;
      if (!cell.dataset.outcome) continue;
      if (seen.has(variant) && seen.get(variant) !== cell.dataset.outcome) return true;
      seen.set(variant, cell.dataset.outcome);
    }
    return false;
  }

  function apply() {
    const want = chosen();
    const narrow = want.score || want.rule || want.ending;
    let count = 0;
    for (const element of find("#map [data-variant]")) element.hidden = Boolean(want.variant && element.dataset.variant !== want.variant);
    for (const head of find("#map [data-model]")) {
      const own = find("#map thead [data-of]").filter((one) => one.dataset.of === head.dataset.model && !one.hidden).length;
      head.hidden = own === 0;
      if (own) head.colSpan = own;
    }
    for (const row of rows) {
      const cells = find("td", row).filter((cell) => !cell.hidden);
      const hits = cells.filter((cell) => fits(cell, want));
      for (const cell of cells) cell.classList.toggle("dim", Boolean(narrow) && !hits.includes(cell));
      const gone = (want.domain && row.dataset.domain !== want.domain) || (narrow && !hits.length) || (want.differs && !differs(cells));
      row.hidden = Boolean(gone);
      count += gone ? 0 : 1;
    }
    const number = (row, key) => Number(row.dataset[key]);
    const order = {
      worst: (a, b) => number(b, "worst") - number(a, "worst") || number(b, "mean") - number(a, "mean"),
      mean: (a, b) => number(b, "mean") - number(a, "mean"),
      name: (a, b) => (a.dataset.name < b.dataset.name ? -1 : 1),
    }[want.sort] || ((a, b) => number(a, "place") - number(b, "place"));
    const body = rows.length ? rows[0].parentNode : null;
    if (body) body.append(...rows.slice().sort(order));
    byId("shown").textContent = count + " of " + rows.length + " scenarios";
  }

  function keep() {
    const query = new URLSearchParams(chosen()).toString();
    history.replaceState(null, "", "#heatmap" + (query ? "?" + query : ""));
  }

  filters.addEventListener("change", () => { apply(); keep(); });
  filters.addEventListener("reset", () => setTimeout(() => { apply(); keep(); }));
  filters.addEventListener("submit", (event) => event.preventDefault());

  let latest = 0;

  async function show() {
    const { view, given } = address();
    const turn = ++latest;
    for (const section of find(".view")) section.classList.toggle("on", section.id === view);
    for (const link of find("nav a")) {
      if (link.hash === "#" + view || (view === "trial" && link.hash === "#heatmap")) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    let target = find("h2", byId(view))[0];
    if (view === "heatmap") filter(given);
    if (view === "trial" && given.get("id")) {
      const body = byId("trial-body");
      if (body.dataset.id !== given.get("id")) {
        const made = await fragment(given.get("id"));
        if (turn !== latest) return;
        body.replaceChildren(made);
        body.dataset.id = given.get("id");
      }
      target = find("h3", body)[0] || target;
      find(".here", body).forEach((step) => step.classList.remove("here"));
      const step = find("[data-command]", body).find((one) => one.dataset.command === given.get("step"));
      if (step) {
        step.classList.add("here");
        target = step;
      }
    }
    if (view === "compare") {
      const box = byId("side-by-side");
      const sides = given.get("left") ? await Promise.all([fragment(given.get("left")), fragment(given.get("right") || "")]) : [];
      if (turn !== latest) return;
      box.replaceChildren(...sides);
      if (sides.length) target = find("h3", box)[0] || target;
    }
    if (started || location.hash) {
      target.focus({ preventScroll: true });
      target.scrollIntoView({ block: "start" });
    }
    started = true;
  }

  let started = false;
  addEventListener("hashchange", () => { if (location.hash !== "#main") show(); });
  show();
})();
