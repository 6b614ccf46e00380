// hits.js - hits of all kinds (images, captions, cases) and kept pictures as one thing,
// and the words that stand below a picture.

/** What a tile and the opened picture need of a hit. `image` is the picture's number,
 * of a case that of its best picture. */
export function normal(hit, find) {
  const best = find === "cases" ? hit.images?.[0] : hit;
  return {
    ...hit,
    image: find === "captions" ? hit.image_id : best?.id ?? 0,
    path: best?.path ?? "",
    frame: best?.frame ?? 0,
    attributes: hit.attributes ?? {},
    captions: hit.captions ?? [],
    found: find === "cases" ? { matched: hit.matched, all: hit.image_count } : null,
  };
}

const list = (value) => (value == null ? [] : [].concat(value)).filter(Boolean);
export const DIAGNOSES = ["diagnosis", "diagnoses", "finding", "findings", "label", "labels"];
const KINDS = ["modality", "body_part", "bodypart", "anatomy", "region", "view", "side",
  "laterality", "year"];

/** What the picture shows, if an attribute or the case's title says so. */
export function diagnosisOf(hit) {
  for (const key of DIAGNOSES) {
    const values = list(hit.attributes[key]);
    if (values.length > 0) return values.join(", ").replace(/\s*;\s*/g, ", ");
  }
  return hit.title && hit.title !== hit.case ? hit.title : "";
}

/** "CT · abdomen · axial" */
export function kindOf(hit, most = 3) {
  return KINDS.flatMap((key) => list(hit.attributes[key])).slice(0, most).join(" · ");
}

/** Keys for reading: what pictures are and show first, what there is a lot of last. */
export function inOrder(keys) {
  const first = [...KINDS, ...DIAGNOSES];
  const last = ["source", "has_caption", "case"];
  const place = (key) => first.includes(key) ? first.indexOf(key)
    : first.length + 1 + last.indexOf(key);
  return [...keys].sort((a, b) => place(a) - place(b) || a.localeCompare(b));
}

export const attributesOf = (hit) =>
  inOrder(Object.keys(hit.attributes)).map((key) => [key, list(hit.attributes[key])]);

/** body_part -> Body part */
export function titleOf(key) {
  const text = key.replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** 0 .. 1 for a bar: each quarter is ten times rarer among unrelated pairs, so that 90,
 * 99 and 99.9 % do not look the same. */
export function nearness(percentile) {
  return Math.min(1, -Math.log10(Math.max(1e-4, 1 - percentile / 100)) / 4);
}

export function percent(percentile) {
  const digits = percentile >= 99.95 ? 2 : percentile >= 99 ? 1 : 0;
  return `${Math.min(percentile, 99.99).toFixed(digits)} %`;
}

/** Why it is there, in words. */
export function reasons(hit) {
  const names = { words: "words of its texts", caption: "meaning of the caption",
    meaning: "what the picture shows" };
  return Object.entries(names).filter(([key]) => hit.because?.[key])
    .map(([key, name]) => ({ name, ...hit.because[key] }));
}
