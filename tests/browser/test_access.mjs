// test_access.mjs - axe-core finds no violation of WCAG 2.2 AA in any state of the page,
// dark and light, wide and narrow. Without it, and without a way to fetch it, skipped.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { FAKES, same } from "./harness.mjs";

const setup = spawnSync("sh", [join(dirname(fileURLToPath(import.meta.url)), "axe.sh")],
  { encoding: "utf8" });
if (setup.status !== 0) {
  console.log("no axe-core: skipped");
  process.exit(77);
}
const axe = readFileSync(setup.stdout.trim(), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

async function violations(page) {
  await page.browser.cdp("Runtime.evaluate", { expression: axe });
  return page.browser.runAsync(async (tags) => {
    // What fades in is looked at when it is there.
    await Promise.all(document.getAnimations().map((a) => a.finished.catch(() => {})));
    const { violations: found } = await window.axe.run({ runOnly: tags });
    return found.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ")).join(", ")}`);
  }, RULES);
}

const press = (...names) => (page) => page.browser.press(...names);
const click = (selector) => (page) => page.browser.click(selector);

// name: [address, what is done then, what is seen at last, what is faked]
const STATES = {
  "all pictures": ["", [], ".tile"],
  "an answer": ["?q=pleural+effusion&not=lateral&like=17&filter=modality%3DXR", [], ".tile"],
  "a tile with the focus": ["?q=mass", [press("l")], ".tile.near"],
  "a selection": ["?q=mass", [press("l", "x", "l", "x", "f")], "#selection"],
  "cases": ["?q=mass&find=cases", [], ".tile"],
  "a misspelling": ["?q=pnuemothorax", [], ".missing"],
  "nothing found": ["?filter=modality%3DXY", [], ".notice.nothing"],
  "a picture": ["?q=mass", [click(".open")], "#about .attributes"],
  "a picture beside the question": ["?like=17", [click(".open"), press("b")], "#question-side"],
  "a crop": ["?like=17", [click(".open"), press("c")], ".crop"],
  "the quiz": ["?filter=modality%3DCT&quiz=1", [], ".notice.quiz"],
  "a picture of the quiz": ["?filter=modality%3DCT&quiz=1", [click(".open")], "#answer"],
  "an answer of the quiz": ["?filter=modality%3DCT&quiz=1", [click(".open"), click("#answer")],
    "#about .lead"],
  "collections": ["", [press("l", "f"), click("#tools [aria-label='Collections']")], ".collection"],
  "a collection": ["?collection=Favourites", [], ".notice.collection"],
  "keys": ["", [press("?")], "#help"],
  "no better than chance": ["?q=submarine", [], ".notice.chance", FAKES.chance],
  "an empty catalog": ["", [], ".notice pre", FAKES.empty],
  "being indexed": ["", [], ".notice.indexing", FAKES.indexing],
  "no server": ["", [], ".notice.failure", FAKES.gone],
  "not let in": ["", [], ".notice.failure", FAKES.token],
};

async function look(page, [search, steps, seen, fake]) {
  const undo = fake && await page.before(fake);
  await page.open(search);
  await undo?.();
  for (const step of steps) await step(page);
  await page.seen(seen);
  return violations(page);
}

const everyState = (prepare) => async (page) => {
  const found = {};
  await prepare(page);
  for (const [name, state] of Object.entries(STATES)) {
    const all = await look(page, state);
    if (all.length) found[name] = all;
  }
  same(found, {}, "violations");
};

export const tests = {
  "dark": everyState(async () => {}),
  "light": everyState((page) => page.browser.click("#tools [aria-label='Light or dark']")),
  "narrow": everyState((page) => page.browser.size(400, 800)),
};
