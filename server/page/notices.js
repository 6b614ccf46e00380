// notices.js - what is to be said above the pictures, plainly: nothing is near, nothing
// was found, the catalog is empty or being indexed, the server is gone.

import { count, el, find, icon } from "./dom.js";
import { filterOf } from "./filters.js";
import { titleOf } from "./hits.js";
import { ask, go, state, writeWeight } from "./state.js";

const place = find("notices");

function notice(kind, title, text, ...more) {
  return el("div", { class: `notice ${kind}` },
    el("p", {}, el("strong", {}, title), " ", text), ...more);
}
const action = (text, click) => el("button", { type: "button", class: "plain", click }, text);

/** The phrase with `wrong` in it replaced. */
function correct(wrong, right) {
  const parts = state.parts.map((p) => (p.kind !== "phrase" ? p
    : { ...p, text: p.text.split(wrong).join(right) }));
  ask(parts, { filters: state.filters });
}

function missing({ word, suggestions }) {
  return notice("missing", `No caption has “${word}”.`,
    suggestions.length ? "Did you mean" : "",
    el("div", { class: "row" }, suggestions.map((s) => action(
      `${s.word} (${count(s.captions)})`, () => correct(word, s.word)))));
}

/** The values there are, in the place of a filter that nothing meets. */
function instead({ filter, key, values }) {
  const choose = (value) => go({ filters: state.filters.map((f) =>
    (f === filter ? filterOf(key, [value]) : f)) });
  return el("div", { class: "row" }, values.slice(0, 12).map(({ value, count: n }) =>
    action(`${value} (${count(n)})`, () => choose(value))));
}

function nothing({ unmet }) {
  const text = unmet ? `No picture has ${unmet.filter}.`
    : state.filters.length ? "No picture passes all filters."
      : "Try other words, or ask by meaning.";
  const hasOthers = unmet?.values?.length > 0;
  return notice("nothing", "Nothing was found.",
    hasOthers ? `${text} ${titleOf(unmet.key)} can be:` : text,
    hasOthers ? instead(unmet) : null,
    el("div", { class: "row" },
      state.filters.length ? action("Remove the filters", () => go({ filters: [] })) : null,
      state.by === "words" ? action("Ask by meaning", () => go({ by: "meaning" })) : null,
      state.parts.length ? action("Show all pictures", () => ask([])) : null));
}

function empty(catalog) {
  if (catalog?.indexing)
    return notice("nothing", "This catalog has no pictures yet.",
      "They are being indexed; this page shows them when they are there.");
  return notice("nothing", "This catalog has no pictures yet.",
    "Index a folder, and this page shows what is in it:",
    el("pre", { tabindex: 0 }, "plainfilm-index --model pubmed-clip FOLDER"));
}

/** What an answer says of itself. `catalog` may be null. */
export function draw(results, catalog, extra = []) {
  const notes = [...extra.filter(Boolean)];
  if (state.collection) {
    notes.push(notice("collection", `Collection: ${state.collection}.`,
      results.hits.length ? "" : "Nothing is in it yet.",
      el("div", { class: "row" }, action("Back to the catalog", () => go({ collection: "" })))));
  } else if (catalog && catalog.images === 0) {
    notes.push(empty(catalog));
  } else {
    if (catalog?.indexing)
      notes.push(notice("indexing", "The catalog is being indexed.",
        "This is its last complete state."));
    notes.push(...results.missing.map(missing));
    if (results.chance === true && results.hits.length > 0)
      notes.push(notice("chance", "Nothing here is nearer than chance.",
        "These are the nearest, but unrelated pictures often are as near."));
    if (results.hits.length === 0) notes.push(nothing(results));
  }
  place.replaceChildren(...notes);
}

const TITLES = { gone: "The server does not answer.", token: "Not let in." };

/** What went wrong; `retry` asks again, for a server that is gone by itself, too. */
export function fail(failure, retry, seconds) {
  if (failure.code === "empty") return place.replaceChildren(empty(null));
  const isGone = failure.code === "gone";
  const text = isGone ? `It may have been stopped. Next try in ${seconds} s.`
    : `${failure.message}.`;
  const isForgotten = failure.code === "not_found" &&
    state.parts.some((p) => p.kind === "picture");
  return place.replaceChildren(el("div", { class: "notice failure", role: "alert" },
    el("p", {}, icon("close"),
      el("strong", {}, TITLES[failure.code] ?? "This could not be answered."), " ", text),
    el("div", { class: "row" }, isGone ? action("Try now", retry) : null,
      isForgotten ? action("Go on without the picture", () =>
        ask(state.parts.filter((p) => p.kind !== "picture"))) : null)));
}

/** The question in words, for the title. */
export function describe() {
  if (state.collection) return state.collection;
  const names = state.parts.map((p) => {
    const name = p.kind === "phrase" ? writeWeight(Math.abs(p.weight), p.text)
      : p.kind === "like" ? `picture ${p.text}` : "your picture";
    return (p.weight < 0 ? "without " : "") + name;
  });
  return [...names, ...state.filters].join(", ");
}
