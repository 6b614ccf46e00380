// collections.js - pictures that were put aside: lists with names, kept in this browser
// and nowhere else, and taken out as a table, JSON, or a zip of pictures and captions.

import * as api from "./api.js";
import { baseName, count, el, find, iconButton, kept, plural, toast } from "./dom.js";
import { go, state } from "./state.js";
import { zip } from "./zip.js";

let lists = readLists(kept.get("collections", {}));
let active = kept.get("collection", "Favourites");
let changed = () => {};

/** What was kept, or by whatever hand came to stand there. */
function readLists(stored) {
  const good = Object.entries(Object(stored)).filter(([, items]) => Array.isArray(items));
  return good.length ? Object.fromEntries(good) : { Favourites: [] };
}

export const onChange = (f) => { changed = f; };
export const activeName = () => active;
export const itemsOf = (name) => lists[name] ?? [];
export const has = (image) => itemsOf(active).some((item) => item.image === image);

function save() {
  if (!lists[active]) active = Object.keys(lists)[0] ?? "Favourites";
  lists[active] ??= [];
  if (!kept.set("collections", lists) || !kept.set("collection", active))
    toast("This browser has no room for more: export the collection, then delete some");
  changed();
}

/** What is worth keeping of a hit: what a tile and a table need. */
const itemOf = ({ image, path, frame, case: key, title, caption, captions, attributes }) =>
  ({ image, path, frame, case: key ?? null, title: title ?? null, caption: caption ?? null,
    captions, attributes });

export function toggle(hit) {
  const items = itemsOf(active);
  const isIn = has(hit.image);
  lists[active] = isIn ? items.filter((item) => item.image !== hit.image)
    : [...items, itemOf(hit)];
  save();
  toast(isIn ? `Taken out of ${active}` : `Put into ${active}`);
}

/** How many of them were not there yet. */
export function addAll(hits) {
  const fresh = hits.filter((hit) => !has(hit.image));
  lists[active] = [...itemsOf(active), ...fresh.map(itemOf)];
  save();
  return fresh.length;
}

// ---- exports ----

function download(blob, name) {
  const link = el("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

/** A field of a table: no tabs or line breaks, and nothing that a spreadsheet would take
 * for a formula. */
function field(value) {
  const text = String(value ?? "").replace(/[\t\r\n]+/g, " ");
  return /^[=+\-@]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
}

export function tsv(items) {
  const keys = [...new Set(items.flatMap((item) => Object.keys(item.attributes ?? {})))].sort();
  const rows = items.map((item) => [item.image, item.path, item.case, item.caption,
    ...keys.map((key) => [].concat(item.attributes?.[key] ?? []).join("; "))]);
  return [["id", "path", "case", "caption", ...keys], ...rows]
    .map((row) => row.map(field).join("\t")).join("\n") + "\n";
}

const safe = (name) => name.replace(/[^\p{L}\p{N}._ -]+/gu, "_").slice(0, 80) || "collection";
const endOf = (blob) => ({ "image/jpeg": "jpg", "image/png": "png",
  "application/dicom": "dcm", "image/tiff": "tif", "image/webp": "webp" })[blob.type] ?? "bin";

async function pictures(items, told) {
  const encoder = new TextEncoder();
  const files = [];
  let failed = 0;
  for (const [i, item] of items.entries()) {
    told(`${i + 1} of ${items.length}`);
    const name = `${item.image}-${safe(baseName(item.path).replace(/\.[^.]*$/, ""))}`;
    try {
      const blob = await api.original(item.image);
      const bytes = new Uint8Array(await blob.arrayBuffer());
      files.push({ name: `${name}.${endOf(blob)}`, bytes });
    } catch {
      failed++;
    }
    const captions = item.captions?.length ? item.captions : [item.caption ?? ""];
    files.push({ name: `${name}.txt`, bytes: encoder.encode(captions.join("\n") + "\n") });
  }
  files.push({ name: "collection.tsv", bytes: encoder.encode(tsv(items)) });
  return { files, failed };
}

async function exportAs(kind, name, button) {
  const items = itemsOf(name);
  const file = `plainfilm-${safe(name)}.${kind}`;
  if (kind === "tsv")
    return download(new Blob([tsv(items)], { type: "text/tab-separated-values" }), file);
  if (kind === "json")
    return download(new Blob([JSON.stringify({ name, images: items }, null, 1)],
      { type: "application/json" }), file);
  button.disabled = true;
  const { files, failed } = await pictures(items, (text) => { button.textContent = text; });
  button.disabled = false;
  button.textContent = "Zip";
  download(zip(files), file);
  if (failed > 0)
    toast(`${plural(failed, "picture")} could not be read: only their captions are in it`);
}

// ---- the dialog ----

const dialog = find("collections");

function rename(from, to) {
  const name = to.trim();
  if (!name || name === from || lists[name]) return;
  lists = Object.fromEntries(Object.entries(lists).map(([k, v]) => [k === from ? name : k, v]));
  if (active === from) active = name;
  save();
  draw();
}

function removeButton(name) {
  const button = el("button", { type: "button", class: "plain", "aria-label": `Delete ${name}`,
    click: () => {
      if (button.textContent === "Delete" && itemsOf(name).length > 0) {
        button.textContent = "Really?";
        button.setAttribute("aria-label", `Really delete ${name}?`);
        return;
      }
      delete lists[name];
      save();
      draw();
    } }, "Delete");
  return button;
}

function row(name) {
  const n = itemsOf(name).length;
  const exports = ["TSV", "JSON", "Zip"].map((kind) => el("button", { type: "button",
    class: "plain", disabled: n === 0, "aria-label": `${kind} of ${name}`,
    click: (event) => exportAs(kind.toLowerCase(), name, event.target) }, kind));
  return el("li", { class: "collection" },
    el("label", { class: "radio" }, el("input", { type: "radio", name: "active",
      checked: name === active, "aria-label": `New pictures go to ${name}`,
      change: () => { active = name; save(); draw(); } })),
    el("input", { type: "text", value: name, maxlength: 60, "aria-label": `Name of ${name}`,
      change: (event) => rename(name, event.target.value) }),
    el("span", { class: "count" }, count(n)),
    el("div", { class: "row" },
      el("button", { type: "button", class: "plain", disabled: n === 0, "aria-label":
        `Show ${name}`, click: () => { dialog.close(); go({ collection: name, image: 0 }); } },
        "Show"), exports, removeButton(name)));
}

function draw() {
  const name = el("input", { type: "text", id: "new-collection", maxlength: 60 });
  dialog.replaceChildren(
    el("div", { class: "sheet-head" }, el("h2", { id: "collections-title" }, "Collections"),
      iconButton("close", "Close", () => dialog.close())),
    el("p", { class: "hint" }, "They are kept in this browser alone. The marked one takes " +
      "what you keep with the star, or with ", el("kbd", {}, "f"), "."),
    el("ul", { class: "plain-list" }, Object.keys(lists).map(row)),
    el("form", { class: "row", submit: (event) => {
      event.preventDefault();
      const text = name.value.trim();
      if (!text || lists[text]) return;
      lists[text] = [];
      active = text;
      save();
      draw();
      find("new-collection").focus();
    } }, el("label", { for: "new-collection" }, "A new one"), name,
      el("button", { type: "submit", class: "plain" }, "Add")));
}

export function open() {
  draw();
  dialog.showModal();
}

export const isShown = () => state.collection !== "";
