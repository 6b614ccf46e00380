// words.js - the words of the question that a caption has, marked. The server knows
// better which caption matches; here it is only shown where, so a word counts when it
// begins as the one that was typed, but for an ending.

const SMALL = new Set(("a an and are as at by for from has in is no not of on or the to " +
  "with without").split(" "));

const fold = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase();

/** The words that are worth marking in a phrase; those behind NOT are not wanted. */
export function wordsOf(phrase) {
  const wanted = phrase.replace(/\bNOT\s+("[^"]*"|\S+)/g, " ");
  return (fold(wanted).match(/[\p{L}\p{N}]+/gu) ?? []).filter((w) => !SMALL.has(w));
}

function isForm(word, asked) {
  if (word === asked) return true;
  const shorter = Math.min(word.length, asked.length);
  if (shorter < 4 || Math.abs(word.length - asked.length) > 3) return false;
  return word.slice(0, Math.max(4, shorter - 2)) === asked.slice(0, Math.max(4, shorter - 2));
}

const DENIED = /\b(no|not|without|never|negative for|free of)\b[^.;:]*$/i;

/** `text` as nodes, what matches one of `words` in <mark>; what is
 * denied there ("no effusion") is not what was looked for. */
export function marked(text, words) {
  if (words.length === 0) return [text];
  const nodes = [];
  let at = 0;
  for (const m of text.matchAll(/[\p{L}\p{N}]+/gu)) {
    if (!words.some((word) => isForm(fold(m[0]), word))) continue;
    if (DENIED.test(text.slice(0, m.index))) continue;
    const mark = document.createElement("mark");
    mark.textContent = m[0];
    nodes.push(text.slice(at, m.index), mark);
    at = m.index + m[0].length;
  }
  nodes.push(text.slice(at));
  return nodes;
}
