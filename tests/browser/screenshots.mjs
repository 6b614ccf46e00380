// screenshots.mjs - the pictures in docs/page, of the sample:
//
//   node tests/browser/screenshots.mjs build/release/bin
//
// To be looked at before they are committed: a test does not know what is beautiful.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Page, ROOT, Server, makeCatalog } from "./harness.mjs";
import { Browser } from "./webdriver.mjs";

const press = (...names) => (page) => page.browser.press(...names);
const click = (selector) => (page) => page.browser.click(selector);
const light = click("#tools [aria-label='Light or dark']");
const first = (phrase) => async (page) => (await page.ask({ phrase, limit: 1 })).hits[0].id;

// name: [width, height, address, what is done then, what is seen at last]
const SHOTS = {
  "first-page": [1280, 800, "", [], ".value"],
  "answer": [1280, 800, "?q=pleural+effusion&filter=modality%3DXR",
    [press("l", "x", "l", "x")], "#selection"],
  "picture": [1280, 800, "?q=subdural+hematoma", [press("l", "Enter")], "#about .attributes"],
  "side-by-side": [1280, 800, first("right pleural effusion"),
    [press("l", "l", "Enter"), press("b")], "#question-side"],
  "quiz": [1280, 800, "?filter=modality%3DCT&quiz=1", [press("l", "Enter")], "#answer"],
  "misspelled": [1280, 800, "?q=pnuemothorax&find=cases", [light], ".notice.missing"],
  "narrow": [400, 800, "?q=fracture&filter=modality%3DXR", [], ".tile"],
  "wide": [2560, 1400, "?q=mass&not=mammogram", [], ".value"],
};

async function shoot(page, name, [width, height, address, steps, seen]) {
  await page.browser.size(width, height);
  await page.browser.run(() => localStorage.clear());
  await page.open(typeof address === "string" ? address : `?like=${await address(page)}`);
  for (const step of steps) await step(page);
  await page.seen(seen);
  await page.browser.runAsync(async () => {
    await Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
    await new Promise((done) => setTimeout(done, 600));
  });
  const { data } = await page.browser.cdp("Page.captureScreenshot", { format: "webp", quality: 82 });
  writeFileSync(join(ROOT, `docs/page/${name}.webp`), Buffer.from(data, "base64"));
}

const [bin] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "plainfilm-shots-"));
const page = new Page(folder);
try {
  mkdirSync(join(ROOT, "docs/page"), { recursive: true });
  page.use(await Server.start(bin, makeCatalog(bin, folder)));
  page.browser = await Browser.open();
  await page.browser.go(page.server.address);
  for (const [name, shot] of Object.entries(SHOTS)) await shoot(page, name, shot);
} finally {
  await page.browser?.close();
  await page.server?.stop();
  rmSync(folder, { recursive: true, force: true });
}
