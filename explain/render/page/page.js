"use strict";
(() => {
  const root = document.documentElement;
  const facts = JSON.parse(document.getElementById("facts").textContent);
  const all = (selector) => Array.from(document.querySelectorAll(selector));
  const arrows = all(".arrow"), rows = all("tbody tr"), panel = document.getElementById("panel");
  const field = (id) => document.getElementById(id);

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

  function show(arrow) {
    const fact = facts[Number(arrow.dataset.i)];
    const list = panel.querySelector("dl");
    list.replaceChildren();
    for (const [name, value] of fact.f) {
      const term = document.createElement("dt"), said = document.createElement("dd");
      term.textContent = name; said.textContent = value; list.append(term, said);
    }
    panel.querySelector("p").replaceChildren(...["en", "ja"].map((language) => {
      const span = document.createElement("span");
      span.className = "t"; span.lang = language; span.textContent = fact[language];
      return span;
    }));
    panel.hidden = false;
    light([arrow]);
  }
  function light(some) {
    arrows.forEach((arrow) => arrow.classList.toggle("lit", some.includes(arrow)));
  }
  function close() { panel.hidden = true; light([]); }
  panel.querySelector("button").addEventListener("click", close);

  arrows.forEach((arrow) => {
    arrow.addEventListener("click", () => show(arrow));
    arrow.addEventListener("keydown", (event) => {
      const open = arrows.filter((one) => !one.classList.contains("off")), at = open.indexOf(arrow);
      const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: open.length - 1 }[event.key];
      if (event.key === "Enter" || event.key === " ") { show(arrow); } else if (to === undefined) { return; } else {
        open[Math.max(0, Math.min(open.length - 1, to))].focus();
      }
      event.preventDefault();
    });
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") { close(); } });

  const inside = (list, capture, frame) => list.some(([where, first, last]) => where === capture && first <= frame && frame <= last);
  all(".says").forEach((button) => button.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); button.click(); }
  }));
  all(".says").forEach((button) => button.addEventListener("click", () => {
    const wanted = JSON.parse(button.dataset.frames);
    const some = arrows.filter((arrow) => facts[Number(arrow.dataset.i)].s.some(([capture, frame]) => inside(wanted, capture, frame)));
    light(some);
    if (some.length) { some[0].scrollIntoView({ block: "center", behavior: "auto" }); some[0].focus({ preventScroll: true }); }
  }));

  function sieve() {
    const kind = field("kind").value, host = field("host").value, outcome = field("outcome").value;
    const words = field("search").value.toLowerCase();
    const fits = (one) => (!kind || one.dataset.kind === kind) && (!outcome || one.dataset.outcome === outcome)
      && (!host || (one.dataset.hosts || "").split(" ").includes(host)) && (!words || one.textContent.toLowerCase().includes(words));
    arrows.forEach((arrow) => arrow.classList.toggle("off", !fits(arrow)));
    rows.forEach((row) => row.classList.toggle("off", !fits(row)));
    all("ol.story > li").forEach((item) => item.classList.toggle("off", Boolean(words) && !item.textContent.toLowerCase().includes(words)));
  }
  ["kind", "host", "outcome", "search"].forEach((id) => field(id).addEventListener("input", sieve));
})();
