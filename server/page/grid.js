// grid.js - the tiles: a picture, how near it is, why it is there, what to do with it.

import { el, find, iconButton } from "./dom.js";
import * as api from "./api.js";
import * as collections from "./collections.js";
import { diagnosisOf, kindOf, nearness, percent } from "./hits.js";
import * as quiz from "./quiz.js";
import * as selection from "./selection.js";
import { ask, go, state, withPart } from "./state.js";
import { marked } from "./words.js";

const list = find("hits");
let shown = []; // hits in the order of the tiles

/** A bar for the percentile, for eyes; the words beside it are for all. */
export function nearnessBar(hit) {
  if (hit.percentile == null) return null;
  const fill = el("span", { class: "fill" });
  fill.style.width = `${Math.round(nearness(hit.percentile) * 100)}%`;
  return el("span", { class: "nearness", "aria-hidden": "true" }, fill);
}

export const altOf = (hit) => quiz.isHidden(hit.image)
  ? "Picture without its caption"
  : [kindOf(hit), hit.caption ?? diagnosisOf(hit)].filter(Boolean).join(": ") ||
    `Picture ${hit.image}`;

function picture(hit) {
  const image = el("img", { src: api.thumbnailUrl(hit.image), alt: altOf(hit),
    loading: shown.indexOf(hit) < api.PAGE ? "eager" : "lazy", decoding: "async",
    draggable: "false", error: (event) => {
      event.target.replaceWith(el("span", { class: "no-picture" }, "no picture"));
    } });
  return el("button", { type: "button", class: "open", "data-image": hit.image,
    click: () => go({ image: hit.image }) }, image);
}

/** "Similar" begins a new question, "not like this" goes on with the one there is. */
export function similar(hit) {
  ask([{ kind: "like", text: String(hit.image), weight: 1 }], { filters: state.filters });
}
export function unlike(hit) {
  ask(withPart(state.parts, { kind: "like", text: String(hit.image), weight: -1 }),
    { filters: state.filters });
}

export function star(hit) {
  const button = iconButton("star", "Keep in the collection", () => {
    collections.toggle(hit);
    paint();
  });
  const paint = () => button.setAttribute("aria-pressed", String(collections.has(hit.image)));
  paint();
  return button;
}

function tools(hit) {
  const select = iconButton("check", "Select", () => selection.toggle(hit),
    { "aria-pressed": String(selection.has(hit.image)), class: "tool select" });
  const bar = el("div", { class: "tile-tools", role: "group", "aria-label":
    `What to do with picture ${hit.image}` },
    iconButton("similar", "Similar", () => similar(hit)),
    iconButton("minus", "Not like this", () => unlike(hit)), star(hit));
  return [select, bar];
}

function text(hit) {
  if (quiz.isHidden(hit.image)) {
    const verdict = quiz.verdictOf(hit.image);
    return el("div", { class: "text" }, el("p", { class: "kind" },
      `Picture ${shown.indexOf(hit) + 1}${verdict ? ` · ${verdict}` : ""}`));
  }
  const diagnosis = diagnosisOf(hit);
  const kind = hit.found
    ? `${hit.found.matched} of ${hit.found.all} ${hit.found.all === 1 ? "picture" : "pictures"}`
    : kindOf(hit);
  return el("div", { class: "text" },
    diagnosis && el("p", { class: "diagnosis" }, diagnosis),
    hit.caption && el("p", { class: "caption" }, ...marked(hit.caption, hit.matched_words)),
    el("p", { class: "kind" }, el("span", {}, kind),
      hit.percentile != null && el("span", { class: "percent", title:
        "Nearer to the question than this share of unrelated pictures and texts" },
        el("span", { class: "unseen" }, "nearer than "), percent(hit.percentile))));
}

function tile(hit) {
  const verdict = state.quiz ? quiz.verdictOf(hit.image) : "";
  return el("li", { class: `tile ${verdict}`, "data-image": hit.image },
    el("div", { class: "frame" }, picture(hit), ...tools(hit)),
    nearnessBar(hit), text(hit));
}

/** Draw all hits anew, or `added` behind those that are there. */
export function draw(hits, added = null) {
  shown = hits;
  list.classList.remove("waiting");
  if (added) list.append(...added.map(tile));
  else list.replaceChildren(...hits.map(tile));
}

/** Tiles whose marks have changed, in place: the focus stays where it is. */
export function refresh() {
  for (const li of list.children) {
    const image = Number(li.dataset.image);
    const hit = shown.find((h) => h.image === image);
    if (!hit) continue;
    const isSelected = selection.has(image);
    li.classList.toggle("selected", isSelected);
    li.querySelector(".select").setAttribute("aria-pressed", String(isSelected));
    li.querySelector(".icon-star").closest("button")
      .setAttribute("aria-pressed", String(collections.has(image)));
    if (state.quiz) li.querySelector(".text").replaceWith(text(hit));
    li.querySelector("img")?.setAttribute("alt", altOf(hit));
  }
}

/** Grey frames where pictures will be. */
export function wait() {
  list.classList.add("waiting");
  if (list.children.length === 0)
    list.replaceChildren(...Array.from({ length: 12 }, () =>
      el("li", { class: "tile", "aria-hidden": "true" }, el("div", { class: "frame" }))));
}

// ---- moving about with keys ----

const buttons = () => [...list.querySelectorAll(".open")];

/** The hit that has the focus, or whose tools have it. */
export function current() {
  const li = document.activeElement?.closest(".tile");
  return li && shown.find((hit) => hit.image === Number(li.dataset.image));
}

export function focusImage(image) {
  const button = list.querySelector(`.open[data-image="${image}"]`);
  button?.focus({ preventScroll: true });
  button?.scrollIntoView({ block: "nearest" });
}

/** By so many tiles to the right, or rows down. */
export function move(right, down) {
  const all = buttons();
  if (all.length === 0) return;
  const at = all.findIndex((b) => b.closest(".tile") === document.activeElement?.closest(".tile"));
  const top = all[0].getBoundingClientRect().top;
  const next = all.findIndex((b) => b.getBoundingClientRect().top > top + 1);
  const columns = next === -1 ? all.length : next;
  const to = at === -1 ? 0 : at + right + down * columns;
  if (to < 0 || to >= all.length) return;
  all[to].focus({ preventScroll: true });
  all[to].closest(".tile").scrollIntoView({ block: "nearest" });
}

/** The tools of a tile are reached by Tab from its picture, and not from 39 others. */
function reachable(li, is) {
  for (const button of li.querySelectorAll(".tool")) button.tabIndex = is ? 0 : -1;
}
list.addEventListener("focusin", (event) => {
  for (const li of list.querySelectorAll(".near")) {
    li.classList.remove("near");
    reachable(li, false);
  }
  const li = event.target.closest(".tile");
  li?.classList.add("near");
  if (li) reachable(li, true);
});
