// box.js - the one box: a phrase, pictures that are picked, pasted or dropped, and chips
// for everything else a question is made of.

import { el, find, icon, iconButton, say, toast } from "./dom.js";
import * as api from "./api.js";
import * as asked from "./asked.js";
import { ask, go, readWeight, state, withPart, writeWeight } from "./state.js";

const input = find("phrase");

/** The part that stands in the box as text; all others are chips. */
const mainPart = (parts) => {
  const first = parts.find((p) => p.kind === "phrase" && p.weight > 0);
  return first ?? null;
};

/** "effusion -lateral +"pleural plaque"" -> parts. A minus or plus counts in front of a
 * word, behind a blank: "CT-guided" and "T1 - T2" are texts. */
function readPhrase(text) {
  const parts = [];
  const rest = text.replace(/(^|\s)([-+])(?:"([^"]+)"|([^\s"]\S*))/g,
    (_, before, sign, quoted, word) => {
      const [weight, phrase] = readWeight(quoted ?? word);
      parts.push({ kind: "phrase", text: phrase, weight: sign === "-" ? -weight : weight });
      return before;
    }).replace(/\s+/g, " ").trim();
  if (rest) {
    const [weight, phrase] = readWeight(rest);
    parts.unshift({ kind: "phrase", text: phrase, weight });
  }
  return parts;
}

function submit() {
  const main = mainPart(state.parts);
  let parts = state.parts.filter((p) => p !== main);
  const typed = readPhrase(input.value);
  if (typed.length > 0 && typed[0].weight > 0) parts = [typed.shift(), ...parts];
  for (const part of typed) parts = withPart(parts, part);
  input.blur(); // so that draw() writes into it
  ask(parts);
  if (!matchMedia("(pointer: coarse)").matches) find("hits").focus({ preventScroll: true });
}

// ---- chips ----

const WEIGHTS = [0.25, 0.5, 1, 2, 3, 5];

function nameOf(part) {
  if (part.kind === "like") return `picture ${part.text}`;
  return part.kind === "picture" ? "your picture" : part.text;
}

function faceOf(part) {
  if (part.kind === "phrase") return el("span", { class: "chip-text" }, part.text);
  const face = part.kind === "like"
    ? el("img", { src: api.thumbnailUrl(part.text), alt: nameOf(part) })
    : asked.drawing(part.text, nameOf(part));
  return el("span", { class: "chip-picture" }, face);
}

function change(part, next) {
  ask(state.parts.map((p) => (p === part ? next : p)).filter(Boolean));
}

function chip(part) {
  const name = nameOf(part);
  const isMinus = part.weight < 0;
  const size = Math.abs(part.weight);
  const sizes = WEIGHTS.includes(size) ? WEIGHTS : [...WEIGHTS, size].sort((a, b) => a - b);
  const weight = el("select", { "aria-label": `Weight of ${name}`, change: (event) =>
    change(part, { ...part, weight: (isMinus ? -1 : 1) * Number(event.target.value) }) },
    sizes.map((w) => el("option", { value: w, selected: w === size }, `× ${w}`)));
  return el("li", { class: isMinus ? "chip minus" : "chip" },
    iconButton(isMinus ? "minus" : "plus", isMinus ? `Without ${name}: turn into like it`
      : `Like ${name}: turn into without it`, () =>
      change(part, { ...part, weight: -part.weight })),
    faceOf(part), weight,
    iconButton("close", `Take ${name} out of the question`, () => change(part, null)));
}

export function draw() {
  const main = mainPart(state.parts);
  if (document.activeElement !== input)
    input.value = main ? writeWeight(main.weight, main.text) : "";
  const chips = state.parts.filter((p) => p !== main).map(chip);
  find("chips").replaceChildren(...chips);
  find("chips").hidden = chips.length === 0;
}

// ---- pictures ----

let sending = null;

/** Ask with a picture; `parts` go along with it. One that is still under way is given up. */
export async function askPicture(file, parts = []) {
  sending?.abort();
  const mine = new AbortController();
  sending = mine;
  say("Asking with the picture");
  find("box").classList.add("busy");
  try {
    const question = { find: state.find, filter: state.filters, limit: 1 };
    const hash = await api.sendPicture(file, question, mine.signal);
    await asked.keep(hash, file);
    if (sending === mine) ask(withPart(parts, { kind: "picture", text: hash, weight: 1 }));
  } catch (failure) {
    if (failure.name !== "AbortError")
      toast(`This picture could not be asked with: ${failure.message}`);
  } finally {
    if (sending === mine) find("box").classList.remove("busy");
  }
}

const phrases = () => state.parts.filter((p) => p.kind === "phrase");
const fileOf = (transfer) => [...(transfer?.files ?? [])][0];

function takePictures() {
  find("file").addEventListener("change", (event) => {
    const file = event.target.files[0];
    if (file) askPicture(file, phrases());
    event.target.value = "";
  });
  addEventListener("paste", (event) => {
    const file = fileOf(event.clipboardData);
    if (!file) return;
    event.preventDefault();
    askPicture(file, phrases());
  });
  const dropping = find("dropping");
  addEventListener("dragover", (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    dropping.hidden = false;
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) dropping.hidden = true;
  });
  addEventListener("drop", (event) => {
    dropping.hidden = true;
    const file = fileOf(event.dataTransfer);
    if (!file) return;
    event.preventDefault();
    askPicture(file, phrases());
  });
}

export function start() {
  find("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  const pick = find("pick");
  pick.append(icon("picture"));
  pick.setAttribute("aria-label", "Ask with a picture file");
  pick.title = "Ask with a picture: pick one, paste it, or drop it anywhere";
  pick.addEventListener("click", () => find("file").click());
  const search = find("search");
  search.append(icon("search"));
  search.setAttribute("aria-label", "Search");
  for (const key of ["find", "by"])
    find(key).addEventListener("change", (event) => go({ [key]: event.target.value, image: 0 }));
  find("sort").addEventListener("change", (event) => {
    const seed = crypto.getRandomValues(new Uint32Array(1))[0] % 1e9;
    go({ sort: event.target.value, seed, image: 0 });
  });
  takePictures();
}
