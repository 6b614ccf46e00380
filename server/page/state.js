// state.js - what is asked and shown, and the address bar that says so.
//
// The address is the state: going back, a bookmark and a colleague's link show what was
// shown. Keys: q and not (phrases), like and unlike (images by number), picture and
// unpicture (pictures by the hash that the server gave them), each with its weight in
// front as on the command line ("2:effusion"); filter, find, by, sort (with the
// seed of a random one), image (opened), collection, quiz. Unknown keys are passed over.

const KINDS = { q: ["phrase", 1], not: ["phrase", -1], like: ["like", 1],
  unlike: ["like", -1], picture: ["picture", 1], unpicture: ["picture", -1] };
const FINDS = ["images", "captions", "cases"];
const BYS = ["", "meaning", "words", "both"];
const SORTS = ["", "added", "path", "random"];

/** "2:effusion" is effusion with weight 2; "3:00 position" is a text, as for the
 * command line; what begins with "1:" is the text behind it. */
export function readWeight(text) {
  const m = /^(\d*\.?\d+):\s*(.+)$/s.exec(text);
  const weight = m ? Number(m[1]) : 1;
  if (!m || weight < 0.001 || weight > 1000 || (m[1] !== "1" && /^\d/.test(m[2])))
    return [1, text];
  return [weight, m[2]];
}

/** The inverse of readWeight(). */
export function writeWeight(weight, text) {
  return weight === 1 && readWeight(text)[1] === text ? text : `${weight}:${text}`;
}

const among = (list, value) => (list.includes(value) ? value : list[0]);

export function parse(search) {
  const s = { parts: [], filters: [], find: "images", by: "", sort: "", seed: 0, image: 0,
    collection: "", quiz: false };
  for (const [key, value] of new URLSearchParams(search)) {
    if (KINDS[key] && value.trim()) {
      const [kind, sign] = KINDS[key];
      const [weight, text] = readWeight(value.trim());
      s.parts.push({ kind, text, weight: sign * weight });
    } else if (key === "filter" && value) s.filters.push(value);
    else if (key === "find") s.find = among(FINDS, value);
    else if (key === "by") s.by = among(BYS, value);
    else if (key === "sort") s.sort = among(SORTS, value);
    else if (key === "seed" && /^\d{1,9}$/.test(value)) s.seed = Number(value);
    else if (key === "image" && /^\d{1,15}$/.test(value)) s.image = Number(value);
    else if (key === "collection") s.collection = value;
    else if (key === "quiz") s.quiz = value === "1";
  }
  return s;
}

export function format(s) {
  const out = new URLSearchParams();
  for (const part of s.parts) {
    const key = Object.keys(KINDS).find(
      (k) => KINDS[k][0] === part.kind && KINDS[k][1] === Math.sign(part.weight));
    out.append(key, writeWeight(Math.abs(part.weight), part.text));
  }
  for (const filter of s.filters) out.append("filter", filter);
  if (s.find !== "images") out.set("find", s.find);
  if (s.by) out.set("by", s.by);
  if (s.sort) out.set("sort", s.sort);
  if (s.sort === "random") out.set("seed", s.seed);
  if (s.collection) out.set("collection", s.collection);
  if (s.quiz) out.set("quiz", "1");
  if (s.image) out.set("image", s.image);
  const text = out.toString();
  return text ? `?${text}` : "";
}

/** Words can be looked for when one phrase asks, and nothing else. */
export const isOnePhrase = ({ parts }) =>
  parts.length === 1 && parts[0].kind === "phrase" && parts[0].weight > 0;

/** What is asked, without what is opened: the same text, the same answer. */
export const questionOf = (s) => format({ ...s, image: 0, quiz: false });

export let state = parse(location.search);
const listeners = [];
export const onChange = (listener) => listeners.push(listener);

function tell() {
  for (const listener of listeners) listener(state);
}

/** Go on to another state. `replace` does so without a step for the back button. */
export function go(changes, { replace = false } = {}) {
  const next = { ...state, ...changes };
  const address = location.pathname + format(next);
  const isSame = format(next) === format(state);
  state = next;
  history[replace || isSame ? "replaceState" : "pushState"](null, "", address);
  tell();
}

/** Begin: take the address as it is, but for a token, which is no state. */
export function start() {
  history.replaceState(null, "", location.pathname + format(state));
  addEventListener("popstate", () => {
    state = parse(location.search);
    tell();
  });
  tell();
}

/** Ask anew: what was opened or collected is left. */
export function ask(parts, more = {}) {
  go({ parts, collection: "", image: 0, sort: "", ...more });
}

/** Put `part` beside those that are there, in the place of an equal one. */
export function withPart(parts, part) {
  return [...parts.filter((p) => p.kind !== part.kind || p.text !== part.text), part];
}
