// selection.js - several pictures chosen, to ask for more like all of them.

import { el, find, plural, toast } from "./dom.js";
import { state, ask, withPart } from "./state.js";
import * as collections from "./collections.js";

const MOST = 50; // parts of one question; vectors of more say nothing any more
const chosen = new Map(); // image -> hit
let redraw = () => {};

export const has = (image) => chosen.has(image);
export const onRedraw = (f) => { redraw = f; };

function question(weight) {
  let parts = weight > 0 ? [] : state.parts;
  for (const image of [...chosen.keys()].slice(0, MOST))
    parts = withPart(parts, { kind: "like", text: String(image), weight });
  clear();
  ask(parts, { filters: state.filters });
}

function draw() {
  const bar = find("selection");
  bar.hidden = chosen.size === 0;
  if (bar.hidden) return;
  bar.replaceChildren(
    el("p", { role: "status" }, `${plural(chosen.size, "picture")} selected`),
    el("button", { type: "button", class: "primary", click: () => question(1) },
      chosen.size === 1 ? "More like this" : "More like these"),
    el("button", { type: "button", class: "plain", click: () => question(-1) },
      chosen.size === 1 ? "Not like this" : "Not like these"),
    el("button", { type: "button", class: "plain", click: () => {
      const n = collections.addAll([...chosen.values()]);
      toast(`${plural(n, "picture")} put into ${collections.activeName()}`);
      clear();
    } }, "Keep"),
    el("button", { type: "button", class: "plain", click: clear }, "Clear"));
}

export function toggle(hit) {
  if (!chosen.delete(hit.image)) chosen.set(hit.image, hit);
  draw();
  redraw();
}

export function clear() {
  if (chosen.size === 0) return;
  chosen.clear();
  draw();
  redraw();
}
