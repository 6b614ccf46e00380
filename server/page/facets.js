// facets.js - what the catalog has, with counts, to narrow what is shown; and the chips
// of what was chosen.

import { count, el, find, icon, iconButton, kept } from "./dom.js";
import * as api from "./api.js";
import { choiceOf, filterOf } from "./filters.js";
import { DIAGNOSES, inOrder, titleOf } from "./hits.js";
import { results } from "./results.js";
import { go, state } from "./state.js";

const FEW = 7; // values of a key that are shown at first
const panel = find("facets");
const opened = new Set(); // keys with all of their values shown
let keys = null;
let running = null;

const chosenOf = (key) =>
  state.filters.map(choiceOf).find((choice) => choice?.[0] === key)?.[1] ?? [];
const isOf = (key) => (filter) => choiceOf(filter)?.[0] === key;

/** Choose a value, or no longer. */
export function toggle(key, value) {
  const chosen = chosenOf(key);
  const next = chosen.includes(value) ? chosen.filter((v) => v !== value) : [...chosen, value];
  const others = state.filters.filter((f) => !isOf(key)(f));
  go({ filters: next.length ? [...others, filterOf(key, next)] : others, image: 0,
    collection: "" });
}

export function drawChips() {
  find("filters").replaceChildren(...state.filters.map((filter) => {
    const choice = choiceOf(filter);
    const text = choice ? `${titleOf(choice[0])}: ${choice[1].join(" or ")}` : filter;
    return el("li", { class: "chip" }, el("span", { class: "chip-text" }, text),
      iconButton("close", `Remove the filter ${text}`, () =>
        go({ filters: state.filters.filter((f) => f !== filter), image: 0 })));
  }));
}

// ---- the panel ----

function valueButton(key, { value, count: n }) {
  const isChosen = chosenOf(key).includes(value);
  return el("li", {}, el("button", { type: "button", class: "value",
    "aria-pressed": String(isChosen), "data-key": key, "data-value": value,
    click: () => toggle(key, value) },
    el("span", { class: "box", "aria-hidden": "true" }, isChosen ? icon("check") : null),
    el("span", { class: "name" }, value), el("span", { class: "count" }, count(n))));
}

function group(key, facet) {
  const isOpen = opened.has(key);
  const values = isOpen ? facet.values : facet.values.slice(0, FEW);
  const rest = facet.values.length + (facet.more ?? 0) - FEW;
  return el("section", {}, el("h2", {}, titleOf(key)),
    el("ul", {}, values.map((value) => valueButton(key, value))),
    rest > 0 && el("button", { type: "button", class: "quiet", click: () => {
      if (!opened.delete(key)) opened.add(key);
      redraw();
    } }, isOpen ? "Fewer" : `${count(rest)} more`));
}

let last = {};
export function redraw() {
  const focused = document.activeElement?.closest("#facets .value")?.dataset;
  // One value that all have narrows nothing, nor do values that one picture has; a quiz
  // does not name what could be on its pictures.
  const useful = Object.entries(last).filter(([key, { values }]) => chosenOf(key).length > 0 ||
    (values.length > 1 && values[0].count > 1 && !(state.quiz && DIAGNOSES.includes(key))));
  panel.replaceChildren(...useful.map(([key, facet]) => group(key, facet)));
  if (focused)
    [...panel.querySelectorAll(".value")].find((b) => b.dataset.key === focused.key &&
      b.dataset.value === focused.value)?.focus();
  panel.classList.toggle("nothing", useful.length === 0);
  find("narrow").hidden = useful.length === 0;
}

/** By words alone those with the words are all there is. By both, what is near goes on
 * behind them: where they are few, everything that passes the filters is counted. */
const isCounted = () => state.by === "words" || results.totalOf === "filters" ||
  results.total >= api.PAGE;

/** Count anew for the state. A key that is filtered by is counted without that filter,
 * so that its other values can be chosen beside it. */
export async function load() {
  running?.abort();
  running = new AbortController();
  const { signal } = running;
  const now = isCounted() ? state : { ...state, parts: [] };
  keys ??= inOrder((await api.facetKeys()).map((k) => k.value));
  const filtered = keys.filter((key) => chosenOf(key).length > 0);
  const open = keys.filter((key) => !filtered.includes(key));
  const answers = await Promise.all([
    open.length ? api.facets(now, now.filters, open, signal) : {},
    ...filtered.map((key) =>
      api.facets(now, now.filters.filter((f) => !isOf(key)(f)), [key], signal)),
  ]);
  const all = Object.assign({}, ...answers);
  last = Object.fromEntries(keys.filter((key) => all[key]).map((key) => [key, all[key]]));
  redraw();
}

/** A new catalog may have other keys. */
export function forget() {
  keys = null;
}

export function hide(is) {
  panel.hidden = is || !isShown();
}

const isWide = matchMedia("(min-width: 60rem)");
const isShown = () =>
  (isWide.matches ? kept.get("facets", true) : find("narrow").dataset.open === "1");

export function start() {
  const button = find("narrow");
  button.append(icon("filter"), "Filters");
  const show = (is) => {
    if (isWide.matches) kept.set("facets", is);
    else button.dataset.open = is ? "1" : "";
    panel.hidden = !is;
    button.setAttribute("aria-expanded", String(is));
  };
  button.addEventListener("click", () => show(panel.hidden));
  isWide.addEventListener("change", () => show(isShown()));
  show(isShown());
}
