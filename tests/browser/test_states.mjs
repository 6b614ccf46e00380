// test_states.mjs - the page as a whole: small and large, dark and light, on paper, and
// with a server or a catalog that is not as one would like it.

import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { FAKES, Server, check, makeCatalog, same } from "./harness.mjs";

/** Does the page need scrolling sideways, or has a button left the window? */
const overflow = () => [document.documentElement.scrollWidth - innerWidth,
  [...document.querySelectorAll("button, input, select, a")].filter((e) => {
    const box = e.getBoundingClientRect();
    return box.width > 0 && (box.right > innerWidth + 1 || box.left < -1) &&
      !e.matches(".skip") && getComputedStyle(e).position !== "absolute";
  }).map((e) => e.getAttribute("aria-label") || e.textContent)];

const back = () => getComputedStyle(document.documentElement).backgroundColor;

export const tests = {
  async "400 px: nothing is cut off, filters and pictures open"(page) {
    await page.browser.size(400, 800);
    await page.open("?q=pleural+effusion&not=lateral&like=17&filter=modality%3DXR");
    same(await page.browser.run(overflow), [0, []], "what does not fit");
    await page.browser.click("#narrow");
    await page.seen("#facets .value");
    same(await page.browser.run(overflow), [0, []], "what does not fit with filters");
    await page.browser.click("#narrow");
    await page.browser.click(".open");
    await page.seen("#detail");
    same(await page.browser.run(overflow), [0, []], "what does not fit of a picture");
  },

  async "4K, and letters twice as large"(page) {
    await page.browser.size(3840, 2160);
    await page.open("?q=mass");
    same(await page.browser.run(overflow), [0, []], "what does not fit");
    await page.browser.size(640, 400); // 1280 x 800 at 200 %
    await page.open("?q=mass");
    same(await page.browser.run(overflow), [0, []], "what does not fit at 200 %");
    await page.browser.click("#tools [aria-label='Keys and words']");
    same(await page.browser.run(overflow), [0, []], "what does not fit of the help");
  },

  async "targets are at least 24 px"(page) {
    for (const search of ["?q=mass&not=lateral&filter=modality%3DMG", "?q=mass&image=1"]) {
      await page.open(search);
      const small = await page.browser.run(() =>
        [...document.querySelectorAll("button, select, input:not([hidden])")].filter((e) => {
          const box = e.getBoundingClientRect();
          return box.width > 0 && (box.width < 24 || box.height < 24);
        }).map((e) => e.outerHTML.slice(0, 120)));
      same(small, [], "small targets");
    }
  },

  async "dark from the first frame, light by choice, and it stays"(page) {
    const dark = await page.browser.run(back);
    check(/rgb\((\d+), \d+, \d+\)/.exec(dark)[1] < 60, dark);
    same(await page.browser.run(() => document.querySelector("meta[name=color-scheme]").content),
      "dark", "what the browser draws before the page");
    await page.browser.click("#tools [aria-label='Light or dark']");
    const light = await page.browser.run(back);
    check(/rgb\((\d+), \d+, \d+\)/.exec(light)[1] > 200, light);
    // When the first element of the body is there, the theme is, too.
    const undo = await page.before(() => {
      new MutationObserver((_, observer) => {
        if (!document.body) return;
        window.firstTheme = document.documentElement.dataset.theme;
        observer.disconnect();
      }).observe(document, { childList: true, subtree: true });
    });
    await page.open();
    await undo();
    same(await page.browser.run(() => window.firstTheme), "light", "the theme at the first frame");
    same(await page.browser.run(back), light, "the ground after a reload");
  },

  async "who wants no motion gets none"(page) {
    await page.browser.cdp("Emulation.setEmulatedMedia",
      { features: [{ name: "prefers-reduced-motion", value: "reduce" }] });
    await page.open("?q=mass");
    const moving = await page.browser.run(() => [...document.querySelectorAll("*")].filter((e) => {
      const s = getComputedStyle(e);
      return s.animationName !== "none" || s.transitionDuration.split(",").some((t) => parseFloat(t) > 0);
    }).length);
    await page.browser.cdp("Emulation.setEmulatedMedia", { features: [] });
    same(moving, 0, "elements that move");
  },

  async "on paper: pictures and captions, no buttons"(page) {
    await page.open("?q=mass");
    await page.browser.cdp("Emulation.setEmulatedMedia", { media: "print" });
    const [ground, tools, captions] = await page.browser.run(() => [
      getComputedStyle(document.documentElement).backgroundColor,
      document.querySelector(".top").getClientRects().length +
        document.querySelector(".tile-tools").getClientRects().length,
      [...document.querySelectorAll(".caption")].filter((e) => e.getClientRects().length).length]);
    await page.browser.cdp("Emulation.setEmulatedMedia", { media: "" });
    same([ground, tools], ["rgb(255, 255, 255)", 0], "the ground, and tools on it");
    check(captions > 30, "captions");
  },

  async "what is found is read out"(page) {
    same(await page.browser.run(() => document.querySelector("#said").getAttribute("role")),
      "status", "the role");
    await page.open("?q=mass");
    await page.says("#said", "pictures in");
  },

  async "a catalog that is empty says how to fill it"(page) {
    const undo = await page.before(FAKES.empty);
    await page.open();
    await page.says(".notice", "This catalog has no pictures yet");
    await page.says(".notice pre", "plainfilm-index");
    await undo();
  },

  "a catalog that nobody has indexed yet, and then somebody does": Object.assign(async (page) => {
    const usual = page.server;
    const folder = join(page.folder, "later");
    mkdirSync(join(folder, "catalog"), { recursive: true });
    page.use(await Server.start(page.bin, join(folder, "catalog")));
    try {
      await page.browser.go(page.server.address);
      await page.says(".notice", "This catalog has no pictures yet");
      makeCatalog(page.bin, folder);
      await page.browser.until("pictures", () => document.querySelector(".tile[data-image]"));
    } finally {
      await page.server.stop();
      page.use(usual);
    }
  }, { expects: ["api/"] }),

  async "a catalog that is waited for is not asked for ever more often"(page) {
    const undo = await page.before(() => {
      const usual = window.setTimeout;
      window.asked = 0;
      window.setTimeout = (f, ms, ...more) => usual(f, ms / 100, ...more);
      window.fetch = async (url) => {
        if (!String(url).endsWith("api/catalog"))
          return Response.json({ status: 503, code: "not_found" }, { status: 503 });
        window.asked++;
        return Response.json({ images: 0, generation: 0, indexing: false });
      };
    });
    await page.open();
    await page.says(".notice", "This catalog has no pictures yet");
    await new Promise((done) => setTimeout(done, 3000));
    // Every 50 ms, and when the question is asked again, which is ever more seldom.
    const n = await page.browser.run(() => [window.asked, performance.now()]);
    check(n[0] < 20 + n[1] / 50, `asked ${n[0]} times in ${n[1]} ms`);
    await undo();
  },

  async "a catalog that is being indexed says so"(page) {
    const undo = await page.before(FAKES.indexing);
    await page.open();
    await page.says(".notice", "The catalog is being indexed");
    await undo();
  },

  "a server that is gone, and comes back": Object.assign(async (page) => {
    const { port } = page.server;
    await page.server.stop();
    await page.browser.run(() => {
      document.querySelector("#phrase").value = "fracture";
      document.querySelector("#ask").requestSubmit();
    });
    await page.says(".notice", "The server does not answer");
    page.use(await Server.start(page.bin, page.catalog, { port }));
    // A new token, if it made one: the address that it prints is opened as a user would.
    await page.browser.go(page.server.address);
    await page.open("?q=fracture");
    await page.says(".diagnosis", "fracture");
  }, { expects: ["ERR_CONNECTION_REFUSED", "401"] }),

  "who is not let in is told where the token is": Object.assign(async (page) => {
    const undo = await page.before(FAKES.token);
    await page.open();
    await page.says(".notice", "the address that plainfilm-serve printed");
    await undo();
  }, { expects: ["401"] }),
};
