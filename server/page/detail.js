// detail.js - one picture, opened: large, beside the question if that is a picture, with
// all that is known of it. The picture itself is film.js; what is open is in the state.

import * as about from "./about.js";
import * as api from "./api.js";
import * as asked from "./asked.js";
import { askPicture } from "./box.js";
import * as collections from "./collections.js";
import { Crop } from "./crop.js";
import { el, find, iconButton, say, toast } from "./dom.js";
import { Film, light } from "./film.js";
import * as grid from "./grid.js";
import { diagnosisOf, kindOf, normal } from "./hits.js";
import * as quiz from "./quiz.js";
import { indexOf, results } from "./results.js";
import { go, state } from "./state.js";

const dialog = find("detail");
const WINDOWS = [["", "As in the file"], ["lung", "Lung"], ["mediastinum", "Mediastinum"],
  ["soft", "Soft tissue"], ["bone", "Bone"], ["brain", "Brain"], ["subdural", "Subdural"],
  ["stroke", "Stroke"], ["liver", "Liver"]];
const SIZES = [1200, 4096]; // pixels of previews: at first, and zoomed in

// {hit, known: what the server knows, ofCase: numbers of images, file: what came with the
// preview, view: {window, frame, size}}
let open = null;
let isBeside = false;
let crop = null;
let running = null;
let fetching = null;
const film = new Film(() => sharpen());
const question = new Film();

// ---- the picture ----

/** The picture as an <img>, out of memory: what the server says of it came along. */
async function imageOf({ blob }, alt) {
  const image = el("img", { alt, src: URL.createObjectURL(blob) });
  try {
    await image.decode();
  } finally {
    URL.revokeObjectURL(image.src);
  }
  return image;
}

/** The thumbnail at once, the picture when it is there; if it never is, that is said. */
async function showPicture() {
  const mine = open;
  const { hit, view } = mine;
  fetching?.abort();
  fetching = new AbortController();
  if (film.picture?.dataset.image !== String(hit.image))
    film.show(el("img", { alt: grid.altOf(hit), class: "thumbnail",
      src: api.thumbnailUrl(hit.image), "data-image": hit.image, load: () => film.paint() }));
  try {
    const preview = await api.preview(hit.image, view, fetching.signal);
    const image = await imageOf(preview, grid.altOf(hit));
    if (open !== mine || mine.view !== view) return;
    image.dataset.image = hit.image;
    film.show(image, preview.width);
    find("stage-note").replaceChildren();
    if (!mine.file) find("of-the-file").replaceChildren(...ofTheFile(preview));
    mine.file = preview;
  } catch (failure) {
    if (open === mine && failure.name !== "AbortError") told(failure);
  }
}

function told(failure) {
  find("stage-note").replaceChildren(el("p", { class: "notice failure", role: "alert" },
    el("strong", {}, failure.code === "gone" ? "The server does not answer. "
      : "The picture's file cannot be shown. "), "This is its thumbnail. ",
    quiz.isHidden(open.hit.image) || !failure.code ? "" : `(${failure.message})`));
}

/** Zoomed in, a larger preview comes. */
function sharpen() {
  find("zoomed")?.replaceChildren(`${Math.round(film.scale * 100)} %`);
  if (!open?.file || open.view.size === SIZES[1] || film.zoom < 1.5) return;
  if (open.file.width <= film.size.width) return;
  look({ size: SIZES[1] });
}

function look(changes) {
  open.view = { ...open.view, ...changes };
  showPicture();
}

// ---- light, window, frame ----

function repaint() {
  film.paint();
  question.paint();
  const invert = find("invert");
  invert?.setAttribute("aria-pressed", String(light.isInverted));
}

function slider(key, label, min, max) {
  return el("label", { class: "slider" }, label, el("input", { type: "range", id: key, min, max,
    step: 0.05, value: light[key], input: (event) => {
      light[key] = Number(event.target.value);
      repaint();
    } }));
}

function resetLight() {
  Object.assign(light, { brightness: 1, contrast: 1, isInverted: false });
  find("brightness").value = find("contrast").value = 1;
  repaint();
}
const invert = () => { light.isInverted = !light.isInverted; repaint(); };

/** Windows make sense for files with more than 8 bits, frames where there are some. */
function ofTheFile({ isDeep, frame, frames }) {
  const out = [];
  if (isDeep)
    out.push(el("label", { class: "slider" }, "Window", el("select", { id: "window",
      change: (event) => look({ window: event.target.value }) },
      WINDOWS.map(([value, name]) => el("option", { value }, name)))));
  if (frames > 1) {
    const shown = el("output", { class: "place" }, `${frame + 1} of ${frames}`);
    out.push(el("label", { class: "slider" }, "Frame", el("input", { type: "range", id: "frame",
      min: 0, max: frames - 1, value: frame, input: (event) => {
        shown.textContent = `${Number(event.target.value) + 1} of ${frames}`;
        look({ frame: Number(event.target.value) });
      } }), shown));
  }
  return out;
}

function controls() {
  return el("div", { class: "controls", role: "group", "aria-label": "The picture" },
    el("div", { class: "group" },
      iconButton("minus", "Zoom out", () => film.zoomBy(1 / 1.5)),
      el("output", { id: "zoomed", class: "zoomed" }, "100 %"),
      iconButton("plus", "Zoom in", () => film.zoomBy(1.5)),
      iconButton("fit", "Fit", () => film.fit())),
    el("div", { class: "group" }, slider("brightness", "Brightness", 0.2, 3),
      slider("contrast", "Contrast", 0.2, 3),
      iconButton("invert", "Invert", invert,
        { id: "invert", "aria-pressed": String(light.isInverted) }),
      iconButton("undo", "Light as it was", resetLight)),
    el("div", { class: "group", id: "of-the-file" }),
    el("div", { class: "group" },
      askedPicture() && iconButton("beside", "Side by side with the question", beside,
        { id: "beside", "aria-pressed": String(isBeside) }),
      iconButton("crop", "Look for a part of it", startCrop)));
}

// ---- the question, side by side; a part of the picture ----

const askedPicture = () => state.parts.find((p) => p.kind !== "phrase" && p.weight > 0);

function beside() {
  isBeside = !isBeside;
  drawBeside();
}

async function showQuestion({ kind, text }) {
  const alt = "The question's picture";
  if (kind === "picture") return question.show(asked.drawing(text, alt));
  question.show(el("img", { alt, src: api.thumbnailUrl(text), load: () => question.paint() }));
  try {
    question.show(await imageOf(await api.preview(text, { size: SIZES[0] }), alt));
  } catch {
    // its thumbnail is there
  }
}

function drawBeside() {
  const part = askedPicture();
  const is = isBeside && Boolean(part);
  find("stage").classList.toggle("beside", is);
  find("question-side").hidden = !is;
  find("beside")?.setAttribute("aria-pressed", String(isBeside));
  if (is)
    showQuestion(part);
  requestAnimationFrame(repaint);
}

function startCrop() {
  crop ??= new Crop(film, (blob) => { if (blob) askPicture(blob); }, () => { crop = null; });
}

// ---- what is known (about.js), the case's pictures, the quiz ----

function drawCase(images) {
  const others = images.filter((image) => image !== open.hit.image);
  if (others.length === 0) return;
  find("of-case").replaceChildren(
    el("h3", {}, "Other pictures of the case"),
    el("ul", { class: "strip" }, others.map((image) => el("li", {}, el("button", { type: "button",
      "aria-label": `Picture ${image}`, click: () => go({ image }, { replace: true }) },
      el("img", { src: api.thumbnailUrl(image), alt: "", loading: "lazy" }))))));
}

function actions(hit) {
  return el("div", { class: "row act" },
    el("button", { type: "button", class: "plain", click: () => grid.similar(hit) }, "Similar"),
    el("button", { type: "button", class: "plain", click: () => grid.unlike(hit) },
      "Not like this"),
    grid.star(hit));
}

function answerButtons(hit) {
  if (!state.quiz) return null;
  if (quiz.isHidden(hit.image))
    return el("section", { class: "answer" }, el("p", {}, "What is it? Decide, then look."),
      el("button", { type: "button", class: "primary", id: "answer", click: reveal },
        "Show the answer"));
  const verdict = quiz.verdictOf(hit.image);
  const button = (is, text) => el("button", { type: "button", class: "plain",
    "aria-pressed": String(verdict === (is ? "known" : "missed")), click: () => {
      quiz.judge(hit.image, is);
      drawAbout();
      grid.refresh();
    } }, text);
  return el("section", { class: "answer" }, el("p", {}, "Did you know it?"),
    el("div", { class: "row" }, button(true, "I knew"), button(false, "I did not")));
}

function reveal() {
  if (!open || !quiz.isHidden(open.hit.image)) return false;
  quiz.show(open.hit.image);
  drawAbout();
  grid.refresh();
  film.picture.alt = grid.altOf(open.hit);
  say(`${diagnosisOf(open.hit)}. ${open.hit.caption ?? ""}`);
  return true;
}

function drawAbout() {
  const { hit, known } = open;
  const hadFocus = find("about").contains(document.activeElement);
  const isHidden = quiz.isHidden(hit.image);
  find("detail-title").textContent = isHidden ? "Quiz"
    : diagnosisOf(hit) || kindOf(hit) || `Picture ${hit.image}`;
  const parts = [answerButtons(hit), !isHidden && about.captions(hit), actions(hit),
    el("section", { id: "of-case" })];
  if (!isHidden) parts.push(about.why(hit), about.attributes(hit), about.file(hit, known));
  find("about").replaceChildren(...parts.filter(Boolean));
  if (open.ofCase) drawCase(open.ofCase);
  // What had the focus was made anew: who uses keys goes on where they were.
  if (hadFocus) (find("about").querySelector(".answer button") ?? find("about")).focus();
}

// ---- opening and closing ----

function step(by) {
  const at = indexOf(open.hit.image);
  const next = results.hits[at + by];
  if (at === -1 || !next) return;
  go({ image: next.image }, { replace: true });
}

function head() {
  const at = indexOf(open.hit.image);
  return el("div", { class: "detail-head" },
    iconButton("left", "The one before", () => step(-1), { disabled: at < 1 }),
    el("span", { class: "place" }, at === -1 ? "" : `${at + 1} of ${results.hits.length}`),
    iconButton("right", "The next", () => step(1),
      { disabled: at === -1 || at + 1 >= results.hits.length }),
    el("h2", { id: "detail-title" }, ""),
    iconButton("close", "Close", close, { id: "close-detail" }));
}

function build() {
  dialog.replaceChildren(head(),
    el("div", { class: "stage", id: "stage" },
      el("figure", { id: "question-side", hidden: true }, question.element,
        el("figcaption", {}, "The question")),
      el("figure", {}, film.element), el("div", { id: "stage-note" })),
    controls(),
    el("div", { class: "about", id: "about", tabindex: -1 }));
}

/** A hit says why it is there, and of captions little of their picture. */
function withAll(hit, known) {
  const all = normal(known, "images");
  return { ...all, ...hit, path: all.path, captions: all.captions, attributes: all.attributes };
}

/** All that the server knows; what the hit says is shown until then. */
async function learn(mine) {
  running?.abort();
  running = new AbortController();
  try {
    mine.known = await api.image(mine.hit.image, running.signal);
    if (open !== mine) return;
    mine.hit = withAll(mine.hit, mine.known);
    drawAbout();
    if (mine.known.case_id == null) return;
    mine.ofCase = await api.imagesOfCase(mine.known.case_id, running.signal);
    if (open === mine) drawCase(mine.ofCase);
  } catch (failure) {
    if (failure.name !== "AbortError" && open === mine && !mine.known) told(failure);
  }
}

function show(image) {
  crop?.end();
  const hit = results.hits.find((h) => h.image === image) ??
    { image, path: "", frame: 0, attributes: {}, captions: [], found: null };
  open = { hit, known: null, file: null, view: { size: SIZES[0], window: "", frame: null } };
  const focused = document.activeElement?.getAttribute("aria-label");
  build();
  drawAbout();
  if (!dialog.open) dialog.showModal();
  film.clear();
  film.fit();
  showPicture();
  drawBeside();
  // Buttons were made anew: the focus goes on to the one that took the place of its own.
  const same = focused && [...dialog.querySelectorAll(".detail-head button:not(:disabled)")]
    .find((b) => b.getAttribute("aria-label") === focused);
  (find("answer") || same || find("close-detail")).focus();
  learn(open);
}

export function close() {
  go({ image: 0 });
}

/** Show what the state has open. */
export function draw() {
  if (state.image && open?.hit.image !== state.image) return show(state.image);
  if (state.image || !open) return;
  const { image } = open.hit;
  crop?.end();
  running?.abort();
  fetching?.abort();
  open = null;
  dialog.close();
  grid.focusImage(image);
}

/** The answer came after the picture was opened: its place, and why it is there. */
export function refresh() {
  const hit = open && results.hits.find((h) => h.image === open.hit.image);
  if (!hit) return;
  open.hit = open.known ? withAll(hit, open.known) : hit;
  const old = dialog.querySelector(".detail-head");
  const hadFocus = old.contains(document.activeElement);
  old.replaceWith(head());
  if (hadFocus) find("close-detail").focus();
  drawAbout();
}

const keys = {
  ArrowLeft: () => step(-1), h: () => step(-1), ArrowRight: () => step(1), l: () => step(1),
  "+": () => film.zoomBy(1.5), "=": () => film.zoomBy(1.5), "-": () => film.zoomBy(1 / 1.5),
  0: () => film.fit(), i: invert, r: resetLight, c: startCrop,
  b: () => { if (askedPicture()) beside(); },
  s: () => grid.similar(open.hit),
  f: () => { collections.toggle(open.hit); drawAbout(); grid.refresh(); },
};
const pans = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };

export function key(event) {
  if (!open || crop) return false;
  if (event.shiftKey && pans[event.key]) film.panBy(...pans[event.key]);
  else if (event.key === " " && !event.target.closest("button")) return reveal();
  else if (keys[event.key]) keys[event.key]();
  else return false;
  return true;
}

export function start() {
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    close();
  });
  // The frame of a film changes with the window.
  new ResizeObserver(() => { if (open) repaint(); }).observe(film.element);
}
