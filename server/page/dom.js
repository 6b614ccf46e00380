// dom.js - making elements. Texts become text nodes, nothing is ever parsed as HTML:
// captions, names of files and attributes come from strangers.

/** An element. Attributes that are functions are listeners ("click"), false and null
 * leave an attribute out, true is an empty one. Children are nodes or texts. */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key, value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value != null) element.setAttribute(key, String(value));
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

export const find = (id) => document.getElementById(id);

const PATHS = {
  search: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M15.3 15.3 20 20",
  picture: "M4 5h16v14H4zM4 16l5-5 4 4 2-2 5 5M15.5 9.5h.01",
  close: "M6 6l12 12M18 6 6 18",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  star: "M12 4l2.5 5.2 5.5.8-4 4 1 5.6-5-2.7-5 2.7 1-5.6-4-4 5.5-.8z",
  similar: "M4 4h11v11H4zM9 18v2h11V9h-2",
  check: "M5 12.5l4.5 4.5L19 7.5",
  filter: "M4 6h16M7 12h10M10 18h4",
  help: "M9.2 9.2a2.9 2.9 0 1 1 4.1 2.6c-.8.4-1.3 1-1.3 1.8v.4M12 17h.01" +
    "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18",
  quiz: "M3 12c2.5-4 5.5-6 9-6s6.5 2 9 6c-2.5 4-5.5 6-9 6s-6.5-2-9-6" +
    "M12 9.3a2.7 2.7 0 1 0 0 5.4 2.7 2.7 0 0 0 0-5.4M4.5 4l15 16",
  theme: "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16",
  left: "M14.5 5.5 8 12l6.5 6.5",
  right: "M9.5 5.5 16 12l-6.5 6.5",
  invert: "M4 4h16v16H4zM4 20 20 4v16z",
  crop: "M7 3v14h14M3 7h14v14",
  beside: "M3 5h8v14H3zM13 5h8v14h-8z",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  undo: "M8 5 4 9l4 4M4 9h9a6 6 0 0 1 0 12h-2",
};
const FILLED = new Set(["star", "invert", "theme"]);

/** A drawing for a button; it says nothing, the button's label does. */
export function icon(name) {
  const ns = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(ns, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", FILLED.has(name) ? `icon icon-${name}` : "icon");
  const path = document.createElementNS(ns, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** A button that is a drawing: its label is read out and shown as a tip. */
export function iconButton(name, label, onClick, attributes = {}) {
  return el("button", { type: "button", class: "tool", "aria-label": label, title: label,
    click: onClick, ...attributes }, icon(name));
}

/** What is said to who cannot see the page change. */
export function say(text) {
  find("said").textContent = text;
}

/** A short message that goes by itself, and is read out. */
export function toast(text) {
  const box = find("toast");
  box.textContent = text;
  box.classList.add("shown");
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => box.classList.remove("shown"), 4000);
}

/** Behind a proxy several catalogs may share a host: each has a path (theme.js has it, too). */
const keptAs = (key) => `plainfilm${location.pathname}${key}`;

/** What the browser keeps for this page; a browser that keeps nothing is no error. */
export const kept = {
  get(key, otherwise) {
    try {
      return JSON.parse(localStorage.getItem(keptAs(key))) ?? otherwise;
    } catch {
      return otherwise;
    }
  },
  /** False when there is no room for it. */
  set(key, value) {
    try {
      localStorage.setItem(keptAs(key), JSON.stringify(value));
      return true;
    } catch {
      return false;
    }
  },
};

const numbers = new Intl.NumberFormat("en");
export const count = (n) => numbers.format(n);
export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;
/** The name of a file out of its path, with either kind of slash. */
export const baseName = (path) => path.split(/[/\\]/).pop();
