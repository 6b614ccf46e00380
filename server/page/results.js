// results.js - the answer to what the state asks: its hits so far, and more of them.

import * as api from "./api.js";
import { normal } from "./hits.js";

/** hits are normal()s; total is null when the server does not say it, and
 * counts what totalOf says: "filters" those that pass, "all_words" or "some_words" those
 * whose captions have words of the phrase; behind these, hits that are near go on. */
export const results = { hits: [], total: null, totalOf: "", tookMs: 0, chance: null,
  missing: [], unmet: null, isWhole: true };

let asked = null;
let running = null;

function take(answer, state, offset) {
  const hits = (answer.hits ?? []).map((hit) => normal(hit, state.find));
  results.hits = offset === 0 ? hits : [...results.hits, ...hits];
  results.total = answer.total ?? null;
  results.totalOf = answer.total_of ?? "filters";
  results.unmet = answer.unmet ?? null;
  results.tookMs = answer.took_ms;
  results.chance = answer.no_better_than_chance;
  results.missing = answer.missing_words ?? [];
  results.isWhole = hits.length < api.PAGE ||
    (results.totalOf === "filters" && results.total !== null &&
      results.hits.length >= results.total);
  return answer;
}

/** Ask; a question that is still under way is given up. Rejects with AbortError when
 * this one is. */
export async function load(state) {
  running?.abort();
  running = new AbortController();
  const mine = running;
  asked = state;
  results.isWhole = true;
  const answer = await api.search(api.questionOf(state), mine.signal);
  running = null;
  return take(answer, state, 0);
}

/** The next hits; gives those that came. */
export async function loadMore() {
  if (running || results.isWhole) return [];
  running = new AbortController();
  const mine = running;
  const before = results.hits.length;
  try {
    take(await api.search(api.questionOf(asked, before), mine.signal), asked, before);
    return results.hits.slice(before);
  } finally {
    if (running === mine) running = null;
  }
}

/** What was kept in this browser, as an answer. */
export function showKept(items) {
  running?.abort();
  running = null;
  Object.assign(results, { hits: items, total: items.length, totalOf: "filters",
    tookMs: null, chance: null, missing: [], unmet: null, isWhole: true });
}

export const indexOf = (image) => results.hits.findIndex((hit) => hit.image === image);
