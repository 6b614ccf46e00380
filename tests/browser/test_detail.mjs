// test_detail.mjs - one picture, opened: seen large and in another light, compared, asked
// with in part; and the quiz.

import { rmSync } from "node:fs";
import { join } from "node:path";

import { Server, check, indexCopies, same } from "./harness.mjs";

/** Open the first picture of an answer, and wait until it is drawn. */
async function openFirst(page, search) {
  await page.open(search);
  const [id] = await page.images();
  await page.browser.click(".open");
  await page.seen("#detail");
  await drawn(page, id);
  return id;
}

const drawn = (page, id) => page.browser.until("the large picture", (n) => {
  const image = document.querySelector("#stage figure:not(#question-side) .film img");
  return image?.dataset.image === String(n) && image.className !== "thumbnail" &&
    image.naturalWidth > 0;
}, id);

const style = (page, key) => page.browser.run((k) =>
  document.querySelector("#stage figure:not(#question-side) .film img").style[k], key);

export const tests = {
  async "a picture with all that is known of it"(page) {
    const id = await openFirst(page, "?q=pleural+effusion");
    await page.inSearch(`image=${id}`);
    same(await page.text("#detail-title"), "pleural effusion", "the title");
    await page.says("#about", "Why it is here");
    await page.says("#about", "words of its texts");
    await page.says("#about .attributes", "chest");
    await page.says("#about .file", `image ${id}`);
    check(await page.count("#about mark") > 0, "words are marked");
    check(await page.browser.run(() => document.querySelector(".film img").alt.length > 10),
      "the picture has a text");
  },

  async "a link opens a picture that the answer does not have"(page) {
    await page.open("?q=fracture&by=words");
    const { hits } = await page.ask({ phrase: "mammogram", limit: 1 });
    await page.browser.go(`${page.server.base}?q=fracture&by=words&image=${hits[0].id}`);
    await drawn(page, hits[0].id);
    await page.says("#about", hits[0].caption);
  },

  async "the other pictures of the case"(page) {
    const { hits } = await page.ask({ filter: ["modality=XR"], phrase: "chest", limit: 100 });
    const ofCase = hits.filter((a) => hits.some((b) => a !== b && a.case === b.case));
    await page.open(`?image=${ofCase[0].id}`);
    await page.seen("#of-case button");
    await page.browser.click("#of-case button");
    await page.browser.until("another picture", (id) =>
      !location.search.includes(`image=${id}`), ofCase[0].id);
    const other = Number(new URLSearchParams(await page.search()).get("image"));
    same((await page.ask({ like: String(other), limit: 1 })).error, undefined, "it is one");
    await page.browser.back();
  },

  async "zoom and pan, by keys, buttons and the mouse"(page) {
    await openFirst(page, "?q=fracture");
    const { browser } = page;
    await browser.press("+");
    check((await style(page, "transform")).includes("scale(1.5)"), await style(page, "transform"));
    await browser.click("#detail [aria-label='Zoom in']");
    check((await style(page, "transform")).includes("scale(2.25)"), "the button zooms");
    const before = await style(page, "transform");
    await browser.drag([400, 300], [460, 340]);
    check(before !== await style(page, "transform"), "the mouse moves it");
    await browser.press("Shift+ArrowLeft");
    await browser.press("0");
    same(await style(page, "transform"), "translate(0px, 0px) scale(1)", "it fits again");
    await browser.run(() => document.querySelector("#stage figure:not(#question-side) .film").dispatchEvent(
      new WheelEvent("wheel", { deltaY: -300, clientX: 400, clientY: 300, cancelable: true })));
    check(!(await style(page, "transform")).includes("scale(1)"), "the wheel zooms");
  },

  async "brightness, contrast, invert, and as it was"(page) {
    await openFirst(page, "?q=fracture");
    await page.browser.press("i");
    check((await style(page, "filter")).includes("invert(1)"), "inverted");
    await page.browser.run(() => {
      const slider = document.querySelector("#brightness");
      slider.value = "1.5";
      slider.dispatchEvent(new Event("input"));
    });
    check((await style(page, "filter")).includes("brightness(1.5)"), await style(page, "filter"));
    await page.browser.press("r");
    same(await style(page, "filter"), "brightness(1) contrast(1)", "the light");
  },

  async "windows and frames, where the file has them"(page) {
    const usual = page.server;
    const folder = join(page.folder, "deep");
    const names = ["big.dcm", "frames.dcm"];
    page.use(await Server.start(page.bin, indexCopies(page.bin, folder, "tests/golden/images", names)));
    try {
      await page.browser.go(page.server.address);
      const { hits } = await page.ask({ phrase: "x" });
      const idOf = (name) => hits.find((hit) => hit.path.endsWith(name)).id;
      const bytes = () => page.browser.run(() => {
        const canvas = document.createElement("canvas");
        const image = document.querySelector("#stage figure:not(#question-side) .film img");
        canvas.width = image.naturalWidth;
        canvas.height = image.naturalHeight;
        const context = canvas.getContext("2d");
        context.drawImage(image, 0, 0);
        return [...context.getImageData(0, 0, canvas.width, canvas.height).data].join();
      });
      for (const [name, control, change] of [["big.dcm", "#window", "lung"], ["frames.dcm", "#frame", "0"]]) {
        await page.open(`?image=${idOf(name)}`);
        await drawn(page, idOf(name));
        await page.seen(control);
        const before = await bytes();
        await page.browser.run((selector, value) => {
          const e = document.querySelector(selector);
          e.value = value;
          e.dispatchEvent(new Event("input"));
          e.dispatchEvent(new Event("change"));
        }, control, change);
        for (let tries = 0; await bytes() === before; tries++)
          check(tries < 300, `${name}: ${control} changes the picture`);
      }
      same(await page.count("#window"), 0, "windows of a file with 8 bits");
      same(await page.text("#of-the-file output"), "1 of 3", "the frame");
    } finally {
      await page.server.stop();
      page.use(usual);
    }
  },

  async "side by side with the question"(page) {
    const { hits } = await page.ask({ phrase: "fracture", limit: 1 });
    await openFirst(page, `?like=${hits[0].id}`);
    await page.browser.press("b");
    await page.seen("#question-side img");
    const [left, right] = await page.browser.run(() => [...document.querySelectorAll("#stage figure")]
      .map((f) => Math.round(f.getBoundingClientRect().width)));
    check(left > 300 && Math.abs(left - right) <= 1, `${left} beside ${right}`);
  },

  async "a part of the picture, drawn with the mouse"(page) {
    await openFirst(page, "?q=fracture");
    await page.browser.press("c");
    await page.seen(".crop");
    await page.browser.drag([300, 200], [600, 500]);
    await page.browser.click(".crop-bar .primary");
    await page.inSearch("picture=");
    await page.answered();
    same(await page.count(".chip canvas"), 1, "the part as a chip");
  },

  async "a part of the picture, by keys alone"(page) {
    await openFirst(page, "?q=fracture");
    await page.browser.press("c", "ArrowLeft", "Shift+ArrowDown", "Enter");
    await page.inSearch("picture=");
  },

  async "a filter out of an attribute"(page) {
    await openFirst(page, "?q=fracture");
    const key = await page.text("#about .attributes dt");
    await page.browser.click("#about .attributes .link");
    await page.inSearch(`filter=${key.toLowerCase()}=`);
    await page.browser.until("closed", () => !document.querySelector("#detail").open);
  },

  async "a quiz hides what it asks, and keeps the score"(page) {
    await page.open("?filter=modality%3DCT&quiz=1");
    same(await page.count(".diagnosis, .caption"), 0, "captions");
    check(!(await page.browser.run(() => document.querySelector("#hits").outerHTML))
      .includes("hematoma"), "nothing in the page tells");
    const [id] = await page.images();
    await page.browser.click(".open");
    await page.seen("#answer");
    same(await page.text("#detail-title"), "Quiz", "the title");
    same(await page.count("#about .attributes, #about .lead, #about .path"), 0, "what would tell");
    await page.browser.press("Space");
    await page.seen("#about .lead");
    await page.says("#about", "Did you know it?");
    await page.browser.click("#about .answer .plain");
    await page.browser.press("Escape");
    await page.says(".score", "1 of 1 known");
    await page.seen(`.tile.known[data-image="${id}"], .tile[data-image="${id}"] .caption`);
    await page.open("?filter=modality%3DCT&quiz=1");
    await page.says(".score", "1 of 1 known");
  },

  "a picture whose file is gone has its thumbnail still": Object.assign(async (page) => {
    const { hits } = await page.ask({ phrase: "x", by: "meaning", limit: 200 });
    const hit = hits.find((h) => h.path.endsWith("case0088-1.jpg"));
    rmSync(hit.path);
    await page.open(`?image=${hit.id}`);
    await page.says("#stage-note", "The picture's file cannot be shown");
    check(await page.browser.run(() =>
      document.querySelector(".film .thumbnail")?.naturalWidth > 0), "the thumbnail is there");
  }, { expects: ["api/preview"] }),
};
