// film.js - one picture on a dark ground: zoom, pan, brightness, contrast, invert. All
// of it is done to what is drawn; the picture's own grey values are not touched.

import { el } from "./dom.js";

const MOST = 16; // times the size that fits

/** What films share, so that two side by side are seen under the same light. */
export const light = { brightness: 1, contrast: 1, isInverted: false };

export class Film {
  constructor(onChange = () => {}) {
    this.onChange = onChange;
    this.zoom = 1;
    this.x = 0;
    this.y = 0;
    this.isCropping = false;
    this.element = el("div", { class: "film", wheel: (e) => this.#wheel(e),
      pointerdown: (e) => this.#down(e), pointermove: (e) => this.#move(e),
      pointerup: (e) => this.#up(e), pointercancel: (e) => this.#up(e),
      dblclick: (e) => this.#double(e) });
    this.pointers = new Map();
    this.element.addEventListener("wheel", (e) => e.preventDefault(), { passive: false });
  }

  /** An <img> or a <canvas>, in the place of the one before; `width` is that of the
   * picture it was made of, when that is larger. */
  show(picture, width = 0) {
    this.clear();
    this.picture = picture;
    this.width = width;
    picture.draggable = false;
    this.element.prepend(picture); // a frame that is being drawn stays above it
    this.paint();
  }

  clear() {
    this.picture?.remove();
    this.picture = null;
  }

  fit() {
    this.zoom = 1;
    this.x = this.y = 0;
    this.paint();
  }

  get size() {
    const p = this.picture;
    return { width: p?.naturalWidth || p?.width || 1, height: p?.naturalHeight || p?.height || 1 };
  }

  /** Pixels of the screen per pixel of the picture, at zoom 1. */
  get fitting() {
    const { width, height } = this.size;
    return Math.min(this.element.clientWidth / width, this.element.clientHeight / height);
  }

  /** How large a pixel of the picture itself is seen. */
  get scale() {
    return this.fitting * this.zoom * Math.min(1, this.size.width / (this.width || 1));
  }

  /** Where a point of the element lies in the picture, in its pixels. */
  toPicture(px, py) {
    const scale = this.fitting * this.zoom;
    const { width, height } = this.size;
    return [(px - this.element.clientWidth / 2 - this.x) / scale + width / 2,
      (py - this.element.clientHeight / 2 - this.y) / scale + height / 2];
  }

  /** Larger or smaller by `factor`; the point (px, py) of the element stays where it
   * is, the middle without one. */
  zoomBy(factor, px = this.element.clientWidth / 2, py = this.element.clientHeight / 2) {
    const zoom = Math.min(MOST, Math.max(1, this.zoom * factor));
    const real = zoom / this.zoom;
    const dx = px - this.element.clientWidth / 2;
    const dy = py - this.element.clientHeight / 2;
    this.x = dx - (dx - this.x) * real;
    this.y = dy - (dy - this.y) * real;
    this.zoom = zoom;
    this.paint();
  }

  panBy(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.paint();
  }

  paint() {
    if (!this.picture) return;
    const { width, height } = this.size;
    const reach = (side, length) => Math.max(0,
      (length * this.fitting * this.zoom - side) / 2 + (this.zoom > 1 ? side / 4 : 0));
    const bound = (v, most) => Math.min(most, Math.max(-most, v));
    this.x = bound(this.x, reach(this.element.clientWidth, width));
    this.y = bound(this.y, reach(this.element.clientHeight, height));
    const { style } = this.picture;
    style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.zoom})`;
    style.filter = `brightness(${light.brightness}) contrast(${light.contrast})` +
      (light.isInverted ? " invert(1)" : "");
    style.imageRendering = this.fitting * this.zoom > 6 ? "pixelated" : "auto";
    this.onChange();
  }

  #at(event) {
    const box = this.element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  #wheel(event) {
    this.zoomBy(Math.exp(-event.deltaY / (event.deltaMode ? 20 : 500)), ...this.#at(event));
  }

  #double(event) {
    if (this.isCropping) return;
    if (this.zoom > 1) this.fit();
    else this.zoomBy(Math.max(2, 1 / this.fitting), ...this.#at(event));
  }

  #down(event) {
    if (this.isCropping || event.button !== 0) return;
    this.element.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, this.#at(event));
    this.element.classList.add("held");
  }

  /** One finger pans, two pinch. */
  #move(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = this.#at(event);
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.pointers.set(event.pointerId, now);
    if (!other) return this.panBy(now[0] - before[0], now[1] - before[1]);
    const apart = ([ax, ay], [bx, by]) => Math.max(1, Math.hypot(ax - bx, ay - by));
    this.zoomBy(apart(now, other) / apart(before, other), (now[0] + other[0]) / 2,
      (now[1] + other[1]) / 2);
  }

  #up(event) {
    this.pointers.delete(event.pointerId);
    if (this.pointers.size === 0) this.element.classList.remove("held");
  }
}
