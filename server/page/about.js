// about.js - what is known of an opened picture: captions, why it is there, attributes,
// its file, and what can be copied of it. Each part is an element, or null without any.

import { baseName, el, toast } from "./dom.js";
import { toggle as toggleFilter } from "./facets.js";
import { nearnessBar } from "./grid.js";
import { attributesOf, diagnosisOf, percent, reasons, titleOf } from "./hits.js";
import { foundWords, marked } from "./words.js";

const section = (title, ...children) => el("section", {}, el("h3", {}, title), ...children);

/** The one by which it was found first, its words marked. */
export function captions(hit) {
  const all = [...new Set([hit.caption, ...hit.captions].filter(Boolean))];
  if (all.length === 0) return null;
  return section(all.length > 1 ? "Captions" : "Caption", ...all.map((text, i) =>
    el("p", { class: i === 0 ? "lead" : "" },
      ...marked(text, text === hit.caption ? hit.matched_words : []))));
}

export function why(hit) {
  const because = reasons(hit);
  const found = foundWords(hit.caption, hit.matched_words);
  if (hit.percentile == null && because.length + found.length === 0) return null;
  return section("Why it is here",
    hit.percentile != null && el("p", { class: "near-text" },
      `Nearer to the question than ${percent(hit.percentile)} of unrelated pairs`),
    nearnessBar(hit),
    found.length > 0 && el("p", {}, `The caption has: ${found.join(", ")}`),
    because.length > 0 && el("ul", { class: "reasons" }, because.map((r) =>
      el("li", {}, `${r.name}: `, el("strong", {}, `rank ${r.rank}`)))));
}

/** Each value is a filter. */
export function attributes(hit) {
  const rows = attributesOf(hit).map(([key, values]) => el("div", {},
    el("dt", {}, titleOf(key)),
    el("dd", {}, values.map((value) => el("button", { type: "button", class: "link",
      title: `Only pictures with ${titleOf(key)}: ${value}`,
      click: () => toggleFilter(key, value) }, value)))));
  return rows.length ? section("Attributes", el("dl", { class: "attributes" }, rows)) : null;
}

async function copy(name, text) {
  try {
    await navigator.clipboard.writeText(text);
    toast(`${name} copied`);
  } catch {
    toast("This browser does not let the page copy");
  }
}

function citationOf(hit, link) {
  const { source, license } = hit.attributes;
  return [diagnosisOf(hit), hit.caption ?? hit.captions[0], hit.case && `case ${hit.case}`,
    `image ${hit.image}`, source, license, link].flat().filter(Boolean)
    .map((text) => String(text).replace(/\.$/, "")).join(". ");
}

function copyButtons(hit) {
  const link = `${location.origin}${location.pathname}?image=${hit.image}`;
  const texts = { Number: String(hit.image), Path: hit.path, Citation: citationOf(hit, link),
    Link: link };
  return el("div", { class: "row" }, el("span", { class: "hint" }, "Copy"),
    Object.entries(texts).map(([name, text]) => el("button", { type: "button",
      class: "plain small", "aria-label": `Copy the ${name.toLowerCase()}`,
      click: () => copy(name, text) }, name)));
}

/** `known` is the server's answer, null until it is there. */
export function file(hit, known) {
  const size = known?.width ? `${known.width} × ${known.height} ${known.format ?? ""}` : "";
  const facts = [`image ${hit.image}`, hit.case && `case ${hit.case}`, size].filter(Boolean);
  return el("section", { class: "file" }, el("h3", {}, "File"),
    el("p", { class: "path" }, baseName(hit.path)),
    el("p", { class: "hint" }, facts.join(" · ")), copyButtons(hit));
}
