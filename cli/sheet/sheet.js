// Keys and the filter; without it the page is a list. No ampersand and no less-than sign
// in here, so that the page is well-formed XML, too.
"use strict";
(function () {
  const hits = Array.from(document.querySelectorAll("#hits .hit"));
  const filter = document.getElementById("filter");
  const count = document.getElementById("count");
  const help = document.getElementById("help");
  const large = document.getElementById("large");
  const all = count.textContent;

  const fold = function (text) {
    return text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
  };
  const texts = hits.map(function (hit) {
    return fold(hit.querySelector(".text").textContent);
  });

  const shown = function () {
    return hits.filter(function (hit) { return !hit.hidden; });
  };
  const focus = function (hit) {
    if (!hit) return;
    hit.querySelector(".picture").focus({ preventScroll: true });
    hit.scrollIntoView({ block: "center" });
  };

  const applyFilter = function () {
    const words = fold(filter.value).split(/\s+/).filter(Boolean);
    hits.forEach(function (hit, i) {
      hit.hidden = !words.every(function (word) { return texts[i].includes(word); });
    });
    count.textContent =
      words.length === 0 ? all : shown().length + " of " + hits.length + " shown";
  };

  const columns = function (list) {
    const top = list[0].offsetTop;
    const n = list.findIndex(function (hit) { return hit.offsetTop !== top; });
    return n === -1 ? list.length : n;
  };
  const steps = {
    ArrowLeft: function () { return -1; }, h: function () { return -1; },
    ArrowRight: function () { return 1; }, l: function () { return 1; },
    ArrowUp: function (n) { return -n; }, k: function (n) { return -n; },
    ArrowDown: function (n) { return n; }, j: function (n) { return n; },
    Home: function () { return -Infinity; }, End: function () { return Infinity; }
  };
  const move = function (step) {
    const list = shown();
    if (list.length === 0) return;
    const at = list.indexOf(document.activeElement.closest(".hit"));
    const to = at === -1 ? 0 : at + step(columns(list));
    if (Number.isFinite(to) ? to === Math.min(Math.max(to, 0), list.length - 1) : true)
      focus(list[Math.min(Math.max(to, 0), list.length - 1)]);
  };

  const toggleLarge = function () {
    const is = document.body.classList.toggle("large");
    large.setAttribute("aria-pressed", String(is));
    const hit = document.activeElement.closest(".hit");
    if (hit) hit.scrollIntoView({ block: "center" });
  };
  const clear = function () {
    filter.value = "";
    applyFilter();
  };

  filter.addEventListener("input", applyFilter);
  filter.addEventListener("keydown", function (event) {
    if (event.key === "Escape") clear();
    if (["Escape", "Enter", "ArrowDown"].includes(event.key)) {
      event.preventDefault();
      focus(shown()[0]);
    }
    event.stopPropagation();
  });
  large.addEventListener("click", toggleLarge);
  document.getElementById("keys").addEventListener("click", function () {
    help.showModal();
  });

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (help.open) {
      if (event.key === "?") help.close();
      return; // Esc is the dialog's own
    }
    if (Object.hasOwn(steps, event.key)) move(steps[event.key]);
    else if (event.key === "/") { filter.focus(); filter.select(); }
    else if (event.key === "?") help.showModal();
    else if (event.key === "f") toggleLarge();
    else if (event.key === "Escape") clear();
    else return;
    event.preventDefault();
  });
  document.getElementById("tools").hidden = false;
})();
