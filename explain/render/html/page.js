"use strict";
(() => {
  const root = document.documentElement;
  const facts = JSON.parse(document.getElementById("facts").textContent);
  const all = (selector) => Array.from(document.querySelectorAll(selector));
  const field = (id) => document.getElementById(id);
  const arrows = all(".arrow"), rows = all("tbody tr"), says = all(".says"), folds = all(".fold");
  const panel = field("panel"), packets = field("packets");
  const isShown = (one) => one.offsetParent !== null;
  let cameFrom = null;

  function speak(language) {
    root.dataset.lang = root.lang = language;
    all("[data-en]").forEach((one) => { one.textContent = one.dataset[language]; });
  }
  speak(root.dataset.lang);
  field("language").addEventListener("click", () => speak(root.dataset.lang === "en" ? "ja" : "en"));
  field("theme").addEventListener("click", () => {
    const isDark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = isDark ? "light" : "dark";
  });

  function inBoth(en, ja) {
    return [["en", en], ["ja", ja]].map(([language, words]) => {
      const span = document.createElement("span");
      span.className = "t"; span.lang = language; span.textContent = words;
      return span;
    });
  }
  function show(arrow) {
    const [meaning, , fields, title] = facts.arrows[Number(arrow.dataset.i)];
    const list = panel.querySelector("dl");
    list.replaceChildren(...fields.map(([number, value]) => {
      const [name, en, ja] = facts.names[number];
      const row = document.createElement("div"), term = document.createElement("dt"), said = document.createElement("dd");
      row.className = "field"; term.textContent = name; said.textContent = value; row.append(term, said);
      if (en) { const why = document.createElement("dd"); why.append(...inBoth(en, ja)); row.append(why); }
      return row;
    }));
    panel.querySelector("h2").textContent = `${arrow.querySelector(".no").textContent}  ${title}`;
    panel.querySelector("p").replaceChildren(...inBoth(...facts.means[meaning]));
    panel.hidden = false; panel.scrollTop = 0;
    light([arrow], null);
  }
  function light(some, words) {
    arrows.forEach((arrow) => arrow.classList.toggle("lit", some.includes(arrow)));
    says.forEach((one) => one.classList.toggle("lit", one === words));
  }
  function close() { panel.hidden = true; light([], null); if (cameFrom) { cameFrom.focus(); cameFrom = null; } }
  panel.querySelector("button").addEventListener("click", close);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") { close(); } });

  function rove(arrow) {
    arrows.forEach((one) => { one.tabIndex = one === arrow ? 0 : -1; });
  }
  function firstStop() { rove(arrows.find(isShown)); }
  arrows.forEach((arrow) => {
    arrow.addEventListener("click", () => { rove(arrow); show(arrow); });
    arrow.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { cameFrom = arrow; show(arrow); event.preventDefault(); return; }
      const open = arrows.filter(isShown), at = open.indexOf(arrow);
      const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: open.length - 1 }[event.key];
      if (to === undefined) { return; }
      const next = open[Math.max(0, Math.min(open.length - 1, to))];
      rove(next); next.focus();
      if (!panel.hidden) { show(next); }
      event.preventDefault();
    });
  });

  const meets = (list, [capture, first, last]) => list.some(([where, from, to]) => where === capture && from <= last && first <= to);
  says.forEach((button) => {
    button.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); button.click(); }
    });
    button.addEventListener("click", () => {
      const wanted = JSON.parse(button.dataset.frames);
      const some = arrows.filter((arrow) => facts.arrows[Number(arrow.dataset.i)][1].some((span) => meets(wanted, span)));
      light(some, button);
      const first = some.find(isShown);
      if (first) { cameFrom = button; rove(first); first.scrollIntoView({ block: "center" }); first.focus({ preventScroll: true }); }
    });
  });

  function sieve() {
    const kind = field("kind").value, host = field("host").value, outcome = field("outcome").value;
    const words = field("search").value.toLowerCase();
    const fits = (one) => (!kind || one.dataset.kind === kind) && (!outcome || one.dataset.outcome === outcome)
      && (!host || (one.dataset.hosts || "").split(" ").includes(host)) && (!words || one.textContent.toLowerCase().includes(words));
    arrows.forEach((arrow) => arrow.classList.toggle("off", !fits(arrow)));
    rows.filter((row) => row.closest(".listing")).forEach((row) => row.classList.toggle("off", !fits(row)));
    folds.forEach((fold) => fold.classList.toggle("off", Boolean(kind || host || outcome || words)));
    all("ol.story > li").forEach((item) => item.classList.toggle("off", Boolean(words) && !item.textContent.toLowerCase().includes(words)));
    field("none").hidden = arrows.some((arrow) => !arrow.classList.contains("off"));
    space(); firstStop();
  }
  ["kind", "host", "outcome", "search"].forEach((id) => { if (field(id)) { field(id).addEventListener("input", sieve); } });

  // Time to scale: the space above an arrow is the time since the one before; what would be too tall says how long it was.
  const tallest = 160, worth = 28;
  function told(seconds) {
    return seconds >= 1 ? `+${seconds.toPrecision(3)} s` : seconds >= 0.001 ? `+${(seconds * 1e3).toPrecision(3)} ms` : `+${Math.round(seconds * 1e6)} us`;
  }
  function space() {
    const isTrue = packets.dataset.scale === "true";
    for (const ladder of all(".ladder")) {
      const open = Array.from(ladder.querySelectorAll(".arrow:not(.off)"));
      const times = open.map((arrow) => Number(arrow.dataset.t));
      const steps = times.map((time, at) => (at ? Math.max(0, time - times[at - 1]) : 0));
      const large = steps.filter((step) => step > 0).sort((a, b) => b - a);
      const scale = large.length ? tallest / large[Math.min(large.length - 1, Math.floor(large.length / 8))] : 0;
      open.forEach((arrow, at) => {
        const gap = isTrue ? Math.min(tallest, steps[at] * scale) : 0;
        arrow.style.paddingTop = gap ? `${gap}px` : "";
        if (gap >= worth) { arrow.dataset.gap = told(steps[at]); } else { delete arrow.dataset.gap; }
      });
    }
  }
  all("[data-set]").forEach((button) => button.addEventListener("click", () => {
    packets.dataset[button.dataset.set] = button.dataset.to;
    all(`[data-set=${button.dataset.set}]`).forEach((one) => one.setAttribute("aria-pressed", String(one === button)));
    space(); firstStop();
  }));
  if (arrows.length) { firstStop(); }
})();
