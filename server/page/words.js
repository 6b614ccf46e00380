// words.js - the words by which a caption was found, marked in it. Which they are, other
// forms and names included, is the answer's to say; here they are only shown.

/** Words in a row are one mark. */
function ranges(matches) {
  const out = [];
  for (const { at: [from, to], word, as } of matches) {
    const last = out.at(-1);
    if (last && from < last.to) continue; // one name for several words
    out.push({ from, to, word, as });
  }
  return out;
}

/** `text` as nodes, what `matches` (a hit's "matched_words") name in <mark>. Characters
 * are counted as Unicode counts them, which JavaScript's own indexes do not. */
export function marked(text, matches) {
  if (!matches?.length) return [text];
  const letters = [...text];
  const nodes = [];
  let at = 0;
  for (const { from, to, word, as } of ranges(matches)) {
    const mark = document.createElement("mark");
    mark.textContent = letters.slice(from, to).join("");
    if (as === "synonym") mark.title = `another name of ${word}`;
    nodes.push(letters.slice(at, from).join(""), mark);
    at = to;
  }
  nodes.push(letters.slice(at).join(""));
  return nodes;
}

/** "pleural, effusions", "CXR (another name of chest x-ray)" */
export function foundWords(text, matches) {
  const letters = [...(text ?? "")];
  return ranges(matches ?? []).map(({ from, to, word, as }) => {
    const found = letters.slice(from, to).join("");
    return as === "synonym" ? `${found} (another name of ${word})` : found;
  });
}
