// keys.js - what keys do, in the grid and with a picture open, and the page that says so.
// Single letters can be switched off, for who speaks to the browser.

import * as collections from "./collections.js";
import * as detail from "./detail.js";
import { el, find, iconButton, kept } from "./dom.js";
import * as grid from "./grid.js";
import * as quiz from "./quiz.js";
import * as selection from "./selection.js";

const help = find("help");
const HELP = [
  ["Everywhere", [["/", "to the box"], ["q", "quiz: captions hidden, or shown"],
    ["Ctrl V", "ask with a copied picture"], ["?", "this page"], ["Esc", "close, or clear"]]],
  ["Among pictures", [["← ↑ ↓ →", "move; h j k l do as well"], ["Enter", "open"],
    ["s", "similar"], ["-", "not like this"], ["f", "keep in the collection"],
    ["x", "select; several ask for more like these"]]],
  ["With a picture open", [["← →", "the one before, the next; h and l"],
    ["+ − 0", "zoom in, out, fit"], ["Shift ← ↑ ↓ →", "move the picture"],
    ["i", "invert"], ["r", "light as it was"], ["b", "side by side with the question"],
    ["c", "look for a part of it"], ["Space", "quiz: the answer"]]],
];

const act = (f) => () => {
  const hit = grid.current();
  if (!hit) return false;
  f(hit);
  return true;
};
const move = (right, down) => () => { grid.move(right, down); return true; };

const inGrid = {
  h: move(-1, 0), ArrowLeft: move(-1, 0), l: move(1, 0), ArrowRight: move(1, 0),
  k: move(0, -1), ArrowUp: move(0, -1), j: move(0, 1), ArrowDown: move(0, 1),
  s: act(grid.similar), "-": act(grid.unlike), x: act(selection.toggle),
  f: act((hit) => { collections.toggle(hit); grid.refresh(); }),
  q: () => { quiz.toggle(); return true; },
  "/": () => { find("phrase").focus(); find("phrase").select(); return true; },
  "?": () => { openHelp(); return true; },
  Escape: () => { selection.clear(); return false; },
};

/** Arrows move the page where no tile has the focus. */
const isForTiles = (key) => !key.startsWith("Arrow") || grid.current() ||
  document.activeElement === find("hits");

const isTyping = (target) => target.closest("input:not([type=range]):not([type=radio])" +
  ":not([type=checkbox]), textarea, select");

function onKey(event) {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (isTyping(target)) {
    if (key === "Escape" && target === find("phrase")) target.blur();
    return;
  }
  if (key.length === 1 && key !== " " && !kept.get("letters", true)) return;
  const dialog = target.closest("dialog") ?? document.querySelector("dialog[open]");
  if (target.type === "range" && key.startsWith("Arrow")) return;
  let done = false;
  if (dialog === find("detail")) done = detail.key(event);
  else if (!dialog && isForTiles(key)) done = inGrid[key]?.() ?? false;
  if (key === "?" && dialog === find("detail")) { openHelp(); done = true; }
  if (done) event.preventDefault();
}

export function openHelp() {
  const letters = el("input", { type: "checkbox", checked: kept.get("letters", true),
    change: (event) => kept.set("letters", event.target.checked) });
  help.replaceChildren(
    el("div", { class: "sheet-head" }, el("h2", { id: "help-title" }, "Keys and words"),
      iconButton("close", "Close", () => help.close())),
    el("div", { class: "key-lists" }, HELP.map(([title, keys]) => el("section", {},
      el("h3", {}, title), el("dl", { class: "keys" }, keys.map(([key, text]) =>
        el("div", {}, el("dt", {}, el("kbd", {}, key)), el("dd", {}, text))))))),
    el("label", { class: "check" }, letters, "Single letters are keys"),
    el("h3", {}, "In the box"),
    el("p", {}, "Words, or a whole sentence. ", el("kbd", {}, "-lateral"), " subtracts, ",
      el("kbd", {}, "+\"pleural plaque\""), " adds, ", el("kbd", {}, "2:effusion"),
      " counts twice. A picture can be picked, pasted or dropped anywhere."),
    el("h3", {}, "How near"),
    el("p", {}, "99 % means: nearer than 99 in 100 unrelated pairs of pictures and texts. " +
      "Each quarter of the bar is ten times rarer: 90, 99, 99.9 and 99.99 %. It says how " +
      "like the question a picture is, not how sure a diagnosis would be."));
  help.showModal();
}

export function start() {
  addEventListener("keydown", onKey);
  for (const dialog of document.querySelectorAll("dialog.sheet"))
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();
    });
}

