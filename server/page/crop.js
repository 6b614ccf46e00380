// crop.js - a part of the opened picture as a question. The frame is drawn by dragging,
// by a click on two corners, or moved by arrow keys and resized by those with Shift.

import { el, say, toast } from "./dom.js";

const LEAST = 16; // pixels of the picture: less shows nothing

export class Crop {
  /** `ask` gets the cut picture as a Blob. */
  constructor(film, ask, onEnd) {
    this.film = film;
    this.ask = ask;
    this.onEnd = onEnd;
    const { clientWidth: w, clientHeight: h } = film.element;
    const side = Math.min(w, h) / 2;
    this.rect = { x: (w - side) / 2, y: (h - side) / 2, width: side, height: side };
    this.frame = el("div", { class: "crop", tabindex: 0, role: "group", "aria-label":
      "The part to look for: arrow keys move it, with Shift they resize it, Enter asks",
      keydown: (e) => this.#key(e) });
    this.bar = el("div", { class: "crop-bar" },
      el("button", { type: "button", class: "primary", click: () => this.finish() },
        "Search with this part"),
      el("button", { type: "button", class: "plain", click: () => this.end() }, "Cancel"));
    film.isCropping = true;
    film.element.classList.add("cropping");
    film.element.append(this.frame, this.bar);
    this.listeners = { pointerdown: (e) => this.#down(e), pointermove: (e) => this.#move(e),
      pointerup: (e) => this.#up(e) };
    for (const [name, f] of Object.entries(this.listeners))
      film.element.addEventListener(name, f);
    this.#paint();
    this.frame.focus();
    say("Draw a frame around the part to look for");
  }

  end() {
    for (const [name, f] of Object.entries(this.listeners))
      this.film.element.removeEventListener(name, f);
    this.frame.remove();
    this.bar.remove();
    this.film.isCropping = false;
    this.film.element.classList.remove("cropping");
    this.onEnd();
  }

  /** The part within the picture, in its pixels. */
  #part() {
    const { x, y, width, height } = this.rect;
    const { width: w, height: h } = this.film.size;
    const bound = (v, most) => Math.round(Math.min(most, Math.max(0, v)));
    const [left, top] = this.film.toPicture(x, y);
    const [right, bottom] = this.film.toPicture(x + width, y + height);
    return { left: bound(left, w), top: bound(top, h),
      width: bound(right, w) - bound(left, w), height: bound(bottom, h) - bound(top, h) };
  }

  finish() {
    const part = this.#part();
    if (part.width < LEAST || part.height < LEAST) {
      toast("This part is too small to look for: draw a larger frame");
      return;
    }
    const canvas = document.createElement("canvas");
    canvas.width = part.width;
    canvas.height = part.height;
    canvas.getContext("2d").drawImage(this.film.picture, part.left, part.top, part.width,
      part.height, 0, 0, part.width, part.height);
    this.end();
    canvas.toBlob((blob) => this.ask(blob), "image/png");
  }

  #paint() {
    const { style } = this.frame;
    for (const key of ["width", "height"]) style[key] = `${this.rect[key]}px`;
    style.left = `${this.rect.x}px`;
    style.top = `${this.rect.y}px`;
  }

  #at(event) {
    const box = this.film.element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  #down(event) {
    if (event.target.closest(".crop-bar") || event.button !== 0) return;
    event.preventDefault();
    if (this.corner) return this.#to(event); // the second of two clicks
    this.corner = this.#at(event);
    this.hasMoved = false;
  }

  #move(event) {
    if (!this.corner) return;
    const [x, y] = this.#at(event);
    this.hasMoved ||= event.buttons === 1 && Math.hypot(x - this.corner[0], y - this.corner[1]) > 6;
    this.#to(event);
  }

  #up(event) {
    if (!this.corner) return;
    const [x, y] = this.#at(event);
    const isSecond = Math.hypot(x - this.corner[0], y - this.corner[1]) > 6;
    if (this.hasMoved || isSecond) {
      this.corner = null;
      this.frame.focus();
    }
  }

  #to(event) {
    const [x, y] = this.#at(event);
    const [cx, cy] = this.corner;
    this.rect = { x: Math.min(x, cx), y: Math.min(y, cy), width: Math.abs(x - cx),
      height: Math.abs(y - cy) };
    this.#paint();
  }

  #key(event) {
    const step = { ArrowLeft: [-10, 0], ArrowRight: [10, 0], ArrowUp: [0, -10],
      ArrowDown: [0, 10] }[event.key];
    if (event.key === "Enter") this.finish();
    else if (event.key === "Escape") this.end();
    else if (step) this.#step(step, event.shiftKey);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #step([dx, dy], resizes) {
    const { clientWidth: w, clientHeight: h } = this.film.element;
    const r = this.rect;
    const bound = (v, least, most) => Math.min(Math.max(v, least), Math.max(least, most));
    if (resizes) {
      r.width = bound(r.width + dx, 20, w - r.x);
      r.height = bound(r.height + dy, 20, h - r.y);
    } else {
      r.x = bound(r.x + dx, 0, w - r.width);
      r.y = bound(r.y + dy, 0, h - r.height);
    }
    this.#paint();
  }
}
