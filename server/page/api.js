// api.js - what the server is asked, and what went wrong in words for people. Nothing
// else on the page speaks to the network.

import { isOnePhrase } from "./state.js";

export const PAGE = 40; // hits that are asked for at once

/** Why there is no answer: `code` is the server's ("not_found", "misuse", ...), or
 * "gone" when no server answered, "token" when it wants one, "empty" when nothing was
 * indexed yet. */
class Failure extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

async function failureOf(response) {
  let problem = {};
  try {
    problem = await response.json();
  } catch {
    // a proxy's page, or nothing
  }
  if (response.status === 401)
    return new Failure("token", "this page needs the address that plainfilm-serve " +
      "printed when it started: it has the token");
  if (response.status === 503 && problem.code === "not_found")
    return new Failure("empty", "nothing was indexed yet");
  if ([502, 503, 504].includes(response.status) && !problem.code)
    return new Failure("gone", "the server does not answer");
  const text = problem.detail ?? problem.error?.message ?? problem.title ??
    `the server answered ${response.status}`;
  return new Failure(problem.code ?? problem.error?.code ?? "io", text);
}

async function request(url, options = {}) {
  let response;
  try {
    response = await fetch(url, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure("gone", "the server does not answer");
  }
  if (!response.ok) throw await failureOf(response);
  return response;
}

const getJson = async (url, options) => (await request(url, options)).json();

/** One part as the API has it. */
const partOf = ({ kind, text, weight }) =>
  ({ [kind]: kind === "like" ? Number(text) || text : text, weight });

/** The question of a state, from hit `offset` on. */
export function questionOf(state, offset = 0) {
  const question = { parts: state.parts.map(partOf), filter: state.filters,
    find: state.find, limit: PAGE, offset };
  if (state.by && isOnePhrase(state)) question.by = state.by;
  if (state.parts.length === 0) question.sort = state.sort || "date";
  if (question.sort === "random") question.seed = state.seed;
  return question;
}

const JSON_POST = { method: "POST", headers: { "content-type": "application/json" } };

export function search(question, signal) {
  return getJson("api/search", { ...JSON_POST, signal, body: JSON.stringify(question) });
}

/** Ask with a picture's bytes; gives the hash by which it can be asked with again. */
export async function sendPicture(file, question, signal) {
  const form = new FormData();
  form.append("query", JSON.stringify(question));
  form.append("image", file, "picture");
  const { query } = await getJson("api/search", { method: "POST", body: form, signal });
  const part = query.parts.find((p) => p.picture);
  if (!part) throw new Failure("io", "the server has not kept the picture");
  return part.picture;
}

export const catalog = () => getJson("api/catalog");
export const image = (id, signal) => getJson(`api/image/${id}`, { signal });

/** The numbers of a case's images. */
export async function imagesOfCase(caseId, signal) {
  const { images } = await getJson(`api/case/${caseId}`, { signal });
  return images.map((found) => found.id);
}

/** The keys that pictures have values under: [{value: "modality", count: 118}, ...]. */
export async function facetKeys() {
  return (await search({ values: true })).keys?.values ?? [];
}

/** {modality: {values: [{value, count}], more: 0}} among all that a question finds. */
export async function facets(state, filter, keys, signal) {
  const question = { ...questionOf(state), filter, limit: 1, facets: keys };
  const answer = await search(question, signal);
  return answer.facets ?? {};
}

export const thumbnailUrl = (id) => `api/thumbnail/${id}`;

function previewUrl(id, { size, window = "", frame = null }) {
  const query = new URLSearchParams({ size });
  if (window) query.set("window", window);
  if (frame !== null) query.set("frame", frame);
  return `api/preview/${id}?${query}`;
}

/** The picture large: {blob, frame, frames, isDeep, width}. The frame that is shown, from
 * 0, is one of the file's frames; isDeep says that it has more than 8 bits, so that windows
 * make a difference; width is that of the picture itself, 0 when it is not known. */
export async function preview(id, view, signal) {
  const response = await request(previewUrl(id, view), { signal });
  const header = (name) => response.headers.get(`Plainfilm-${name}`);
  return { blob: await response.blob(), frame: Number(header("Frame")) || 0,
    frames: Number(header("Frames")) || 1, isDeep: header("Deep") === "1",
    width: parseInt(header("Size"), 10) || 0 };
}

/** The picture's bytes, for an export. */
export const original = async (id) => (await request(`api/original/${id}`)).blob();
