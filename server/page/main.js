// main.js - puts the page together: a state is asked for, and drawn.
//
//   state.js     what is asked and opened, in the address
//   api.js       the server           results.js   hits so far
//   box.js       the question         facets.js    filters
//   grid.js      tiles                selection.js several of them
//   detail.js    one picture: about.js, film.js, crop.js
//   quiz.js, collections.js, keys.js, notices.js, words.js, hits.js, asked.js, zip.js, dom.js

import * as api from "./api.js";
import * as box from "./box.js";
import * as collections from "./collections.js";
import * as detail from "./detail.js";
import { count, find, iconButton, kept, plural, say } from "./dom.js";
import * as facets from "./facets.js";
import * as grid from "./grid.js";
import * as keys from "./keys.js";
import * as notices from "./notices.js";
import * as quiz from "./quiz.js";
import { load, loadMore, results, showKept } from "./results.js";
import * as selection from "./selection.js";
import { isOnePhrase, onChange, questionOf, start, state } from "./state.js";

let catalog = null;
let drawn = null; // the question whose answer is on the page
let wasQuiz = false;
let tries = 0;
let timer = 0; // until what failed is asked again
let learning = 0; // until the catalog is looked at again

// The next hits come before the end is seen.
const end = new IntersectionObserver((entries) => {
  if (entries.some((entry) => entry.isIntersecting)) more();
}, { rootMargin: "600px" });

// ---- drawing ----

const NOUNS = { images: "picture", captions: "caption", cases: "case" };

/** "10 of 8,214 in 12 ms" */
function summary() {
  const { hits, total, totalOf, tookMs } = results;
  if (hits.length === 0) return "";
  const ms = tookMs == null ? "" : ` in ${tookMs < 10 ? tookMs.toFixed(1) : Math.round(tookMs)} ms`;
  const noun = NOUNS[state.find];
  if (total === null) return plural(hits.length, noun) + ms;
  if (totalOf !== "filters")
    return `${plural(hits.length, noun)}${ms}, ${count(total)} with ` +
      `${totalOf === "all_words" ? "all" : "some"} words`;
  return `${count(hits.length)} of ${plural(total, noun)}${ms}`;
}

function drawHits(added = null) {
  const extra = state.quiz ? [quiz.scoreBox(() => drawHits())] : [];
  notices.draw(results, catalog, extra);
  grid.draw(results.hits, added);
  grid.refresh();
  find("summary").textContent = summary();
  find("more").hidden = results.isWhole;
  const left = results.totalOf === "filters" && results.total !== null
    ? Math.min(api.PAGE, results.total - results.hits.length) : api.PAGE;
  find("more").textContent = `${count(left)} more`;
}

function drawTop() {
  box.draw();
  facets.drawChips();
  facets.hide(collections.isShown());
  const isList = state.parts.length === 0;
  find("find").value = state.find;
  find("by").value = state.by === "both" ? "" : state.by;
  find("sort").value = state.sort;
  find("by-label").hidden = !isOnePhrase(state) || collections.isShown();
  find("sort-label").hidden = !isList || collections.isShown();
  find("quiz").setAttribute("aria-pressed", String(state.quiz));
  const question = notices.describe();
  find("title").textContent = question || "All pictures";
  document.title = question ? `${question} - plainfilm` : "plainfilm";
}

// ---- asking ----

async function recount() {
  try {
    await facets.load();
  } catch (failure) {
    if (failure.name !== "AbortError") facets.forget();
  }
}

async function answer() {
  clearTimeout(timer);
  if (collections.isShown()) {
    showKept(collections.itemsOf(state.collection));
    return drawHits();
  }
  grid.wait();
  try {
    await load(state);
  } catch (failure) {
    if (failure.name !== "AbortError") failed(failure);
    return;
  }
  tries = 0;
  drawHits();
  detail.refresh();
  say([summary(), results.chance ? "Nothing here is nearer than chance" : "",
    results.hits.length ? "" : "Nothing was found"].filter(Boolean).join(". "));
  recount();
}

/** Say so; a server that is gone is asked again by itself. */
function retry(failure, f, seconds) {
  notices.fail(failure, f, seconds);
  clearTimeout(timer);
  if (["gone", "empty"].includes(failure.code)) timer = setTimeout(f, seconds * 1000);
}

/** Ever more seldom. */
function failed(failure) {
  grid.draw([]);
  results.hits = [];
  find("summary").textContent = "";
  find("more").hidden = true;
  retry(failure, again, Math.min(60, 2 ** ++tries));
}

function again() {
  facets.forget();
  learnCatalog();
  answer();
}

async function more() {
  try {
    const added = await loadMore();
    if (added.length) drawHits(added);
    // An end that is still in sight is not told of again.
    end.unobserve(find("more"));
    end.observe(find("more"));
  } catch (failure) {
    if (failure.name !== "AbortError") retry(failure, more, 5);
  }
}

/** How large the catalog is, and whether it is being indexed: then again in a while. */
async function learnCatalog() {
  let seconds = 60;
  try {
    const before = catalog;
    catalog = await api.catalog();
    if (before && before.generation !== catalog.generation) {
      facets.forget();
      answer();
    } else if (catalog.images === 0 || catalog.indexing) {
      notices.draw(results, catalog, state.quiz ? [quiz.scoreBox(() => drawHits())] : []);
    }
    if (catalog.indexing || catalog.images === 0) seconds = 5;
  } catch {
    // said when something is asked for
  }
  clearTimeout(learning);
  learning = setTimeout(learnCatalog, seconds * 1000);
}

function changed() {
  drawTop();
  const question = questionOf(state);
  if (question !== drawn) {
    drawn = question;
    selection.clear();
    scrollTo(0, 0);
    answer();
  } else if (wasQuiz !== state.quiz) {
    drawHits();
    facets.redraw();
  }
  wasQuiz = state.quiz;
  detail.draw();
}

// ---- the head of the page ----

function toggleTheme() {
  const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  document.querySelector("meta[name=color-scheme]").content = theme;
  kept.set("theme", theme);
  say(`The page is ${theme}`);
}

function drawTools() {
  const labels = iconButton("quiz", "Quiz: hide captions", quiz.toggle,
    { id: "quiz", "aria-pressed": "false" });
  const kept = iconButton("star", "Collections", collections.open, { class: "tool outline" });
  find("tools").append(labels, kept, iconButton("theme", "Light or dark", toggleTheme),
    iconButton("help", "Keys and words", keys.openHelp));
}

drawTools();
box.start();
facets.start();
detail.start();
keys.start();
selection.onRedraw(grid.refresh);
collections.onChange(() => {
  grid.refresh();
  if (collections.isShown()) answer();
});
find("more").addEventListener("click", more);
end.observe(find("more"));
onChange(changed);
start();
learnCatalog();
