// quiz.js - captions and diagnoses hidden until asked for, and a score that the browser
// keeps. What is hidden is not on the page at all, for eyes and ears alike.

import { el, iconButton, kept, say } from "./dom.js";
import { state, go } from "./state.js";

const shown = new Set(); // images whose answer was looked at
let score = kept.get("quiz", { known: [], missed: [] });

export const isHidden = (image) => state.quiz && !shown.has(image);
export const show = (image) => shown.add(image);

/** "known", "missed" or "" */
export function verdictOf(image) {
  return score.known.includes(image) ? "known" : score.missed.includes(image) ? "missed" : "";
}

export function judge(image, isKnown) {
  const without = (list) => list.filter((id) => id !== image);
  score = { known: without(score.known), missed: without(score.missed) };
  (isKnown ? score.known : score.missed).push(image);
  kept.set("quiz", score);
  document.querySelector(".score").textContent = scoreText();
  say(scoreText());
}

function scoreText() {
  const n = score.known.length + score.missed.length;
  return n === 0 ? "no answers yet" : `${score.known.length} of ${n} known`;
}

/** The score, and a button that begins anew; `redraw` is called then. */
export function scoreBox(redraw) {
  const restart = iconButton("undo", "Begin the quiz anew", () => {
    score = { known: [], missed: [] };
    shown.clear();
    kept.set("quiz", score);
    redraw();
  });
  return el("div", { class: "notice quiz" },
    el("p", {}, el("strong", {}, "Quiz. "), "Captions are hidden. Open a picture, decide, " +
      "then look at the answer. Your score: ", el("strong", { class: "score" }, scoreText()), "."),
    restart);
}

export function toggle() {
  shown.clear();
  go({ quiz: !state.quiz });
  say(state.quiz ? "Quiz: captions are hidden" : "Captions are shown");
}
