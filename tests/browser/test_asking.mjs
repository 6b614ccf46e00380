// test_asking.mjs - questions and what is found: phrases, pictures, chips, filters, the
// address, collections, keys.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { FAKES, ROOT, check, same } from "./harness.mjs";

/** Have the browser drop, or paste, a file of the sample. */
async function give(page, kind, name) {
  const bytes = readFileSync(join(ROOT, "data/sample", name)).toString("base64");
  await page.browser.run((how, base64) => {
    const file = new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], "a.jpg",
      { type: "image/jpeg" });
    const data = new DataTransfer();
    data.items.add(file);
    const options = { bubbles: true, cancelable: true };
    document.body.dispatchEvent(how === "drop"
      ? new DragEvent("drop", { ...options, dataTransfer: data })
      : new ClipboardEvent("paste", { ...options, clipboardData: data }));
  }, kind, bytes);
  await page.inSearch("picture=");
  await page.answered();
}

const idOf = async (page, name) => {
  const { hits } = await page.ask({ phrase: "x", by: "meaning", limit: 200 });
  return hits.find((hit) => hit.path.endsWith(name)).id;
};

export const tests = {
  async "a phrase is answered as the API answers it"(page) {
    await page.browser.type("#phrase", "pleural effusion");
    await page.browser.press("Enter");
    await page.inSearch("q=pleural");
    const { hits, total } = await page.ask({ phrase: "pleural effusion", limit: 40 });
    await page.first(hits[0].id);
    same(await page.images(), hits.map((hit) => hit.id), "pictures");
    same(await page.browser.run(() => document.title), "pleural effusion - plainfilm", "title");
    check((await page.text("#summary")).startsWith("40 "), await page.text("#summary"));
    check(total > 0, "a total is known");
    same(await page.text("mark"), "pleural", "the first mark");
  },

  async "what is denied is not marked"(page) {
    await page.open("?q=effusion");
    const marked = await page.browser.run(() => [...document.querySelectorAll(".caption")]
      .filter((p) => /no (pleural )?effusion/i.test(p.textContent) && p.querySelector("mark"))
      .map((p) => p.textContent));
    same(marked, [], "captions with a denial marked");
  },

  async "without a question all pictures are listed, and more when the end is seen"(page) {
    const first = await page.images();
    same(first.length, 40, "pictures at first");
    await page.browser.run(() => scrollTo(0, document.body.scrollHeight));
    await page.browser.until("80 pictures", () =>
      document.querySelectorAll(".tile[data-image]").length >= 80);
    const all = await page.images();
    same(new Set(all).size, all.length, "each picture once");
    same(all.slice(0, 40), first, "the first ones stay");
  },

  async "of two pictures the later one is asked with, whichever is answered first"(page) {
    await page.open();
    await page.browser.run(() => {
      const usual = window.fetch;
      let n = 0;
      window.fetch = async (url, options) => {
        if (options?.body instanceof FormData && n++ === 0)
          await new Promise((done) => setTimeout(done, 1000));
        return usual(url, options);
      };
    });
    await page.browser.run((base64) => {
      const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([bytes], "a.jpg", { type: "image/jpeg" }));
      document.body.dispatchEvent(new DragEvent("drop",
        { bubbles: true, cancelable: true, dataTransfer }));
    }, readFileSync(join(ROOT, "data/sample/case0001-1.jpg")).toString("base64"));
    await give(page, "drop", "case0004-1.jpg");
    const address = await page.browser.run(() => location.search);
    await new Promise((done) => setTimeout(done, 2000));
    same(await page.browser.run(() => location.search), address, "the question");
    await page.browser.until("rest", () => !document.querySelector("#box.busy"));
  },

  async "similar, and not like this"(page) {
    await page.open("?q=pleural+effusion");
    const [first] = await page.images();
    await page.browser.run(() => document.querySelector(".open").focus());
    await page.browser.click(".tile [aria-label='Similar']");
    await page.inSearch(`like=${first}`);
    await page.answered();
    await page.browser.until("others", (id) => document.querySelector(".tile[data-image]") &&
      !document.querySelector(`.tile[data-image="${id}"]`), first);
    same(await page.count(".chip-picture"), 1, "chips with a picture");
    await page.browser.run(() => document.querySelector(".open").focus());
    const [second] = await page.images();
    await page.browser.click(".tile [aria-label='Not like this']");
    await page.inSearch(`unlike=${second}`);
    await page.answered();
    same(await page.count(".chip.minus"), 1, "chips that are subtracted");
  },

  async "several selected: more like these"(page) {
    const images = await page.images();
    await page.browser.press("l", "x", "l", "x");
    await page.says("#selection", "2 pictures selected");
    await page.browser.click("#selection .primary");
    await page.inSearch(`like=${images[0]}&like=${images[1]}`);
    await page.answered();
    same(await page.count("#selection:not([hidden])"), 0, "the selection is done with");
  },

  async "a minus, a plus and a weight become chips"(page) {
    await page.browser.type("#phrase", "2:effusion -lateral +\"chest x-ray\"");
    await page.browser.press("Enter");
    await page.inSearch("q=2:effusion&not=lateral&q=chest x-ray".replaceAll(" ", "+"));
    same(await page.count("#chips .chip"), 2, "chips");
    same(await page.browser.run(() => document.querySelector("#phrase").value), "2:effusion",
      "the box");
    await page.answered();
    await page.browser.run(() => {
      const select = document.querySelector(".chip.minus select");
      select.value = "3";
      select.dispatchEvent(new Event("change"));
    });
    await page.inSearch("not=3:lateral");
    await page.browser.click(".chip.minus .tool:last-child");
    await page.browser.until("no minus", () => !document.querySelector(".chip.minus"));
  },

  async "a dropped picture finds itself, and its hash asks again"(page) {
    const id = await idOf(page, "case0004-1.jpg");
    await give(page, "drop", "case0004-1.jpg");
    await page.first(id);
    same(await page.count(".chip canvas"), 1, "the picture as a chip");
    const images = await page.images();
    await page.browser.go(await page.browser.url());
    await page.answered();
    same(await page.images(), images, "the same by its hash alone");
    await page.browser.until("the chip's picture is drawn", () =>
      document.querySelector(".chip canvas").width > 1);
  },

  async "a pasted picture goes with a phrase"(page) {
    await page.open("?q=fracture");
    await give(page, "paste", "case0004-1.jpg");
    const search = await page.search();
    check(search.includes("q=fracture") && search.includes("picture="), search);
  },

  "a picture that is none is refused plainly": Object.assign(async (page) => {
    await page.browser.run(() => {
      const data = new DataTransfer();
      data.items.add(new File(["no picture"], "a.jpg"));
      document.body.dispatchEvent(new DragEvent("drop", { bubbles: true, dataTransfer: data }));
    });
    await page.says("#toast", "This picture could not be asked with");
  }, { expects: ["api/search"] }),

  async "facets narrow, are alternatives, and come off"(page) {
    await page.seen("#facets .value");
    await page.browser.click("#facets [data-key='modality'][data-value='CT']");
    await page.inSearch("filter=modality=CT");
    const counted = await page.browser.run(() => document.querySelector(
      "#facets [data-key='modality'][data-value='CT'] .count").textContent);
    await page.says("#summary", `of ${counted} picture`);
    await page.seen("#facets [data-key='modality'][data-value='MR']");
    await page.browser.click("#facets [data-key='modality'][data-value='MR']");
    await page.inSearch("filter=modality=CT|MR");
    await page.says("#filters", "Modality: CT or MR");
    await page.answered();
    const { total } = await page.ask({ filter: ["modality=CT|MR"], limit: 1 });
    await page.says("#summary", `of ${total} pictures`);
    await page.browser.click("#filters .tool");
    await page.browser.until("no filter", () => location.search === "");
  },

  async "back and forth, and a link that says it all"(page) {
    await page.open("?q=fracture");
    const fractures = await page.images();
    await page.browser.run(() => {
      document.querySelector("#phrase").value = "mass";
      document.querySelector("#ask").requestSubmit();
    });
    await page.inSearch("q=mass");
    await page.answered();
    await page.browser.click(".open");
    await page.seen("#detail");
    await page.browser.back();
    await page.browser.until("closed", () => !document.querySelector("#detail").open);
    await page.browser.back();
    await page.inSearch("q=fracture");
    await page.first(fractures[0]);
    same(await page.images(), fractures, "pictures after going back");
    same(await page.browser.run(() => document.querySelector("#phrase").value), "fracture",
      "the box after going back");
  },

  async "captions, cases and by words"(page) {
    await page.open("?q=subdural+hematoma&find=cases");
    await page.says(".kind", "1 of 1 picture");
    await page.open("?q=subdural+hematoma&find=captions&by=words");
    const { hits } = await page.ask({ phrase: "subdural hematoma", find: "captions", by: "words",
      limit: 40 });
    same(await page.images(), hits.map((hit) => hit.image_id), "pictures of captions");
  },

  async "a misspelling is told, and mended by a click"(page) {
    await page.open("?q=pnuemothorax");
    await page.says(".notice", "No caption has “pnuemothorax”");
    await page.browser.click(".notice.missing button");
    await page.inSearch("q=pneumothorax");
  },

  async "nothing nearer than chance is said plainly"(page) {
    const undo = await page.before(FAKES.chance);
    await page.open("?q=submarine");
    await page.says(".notice", "Nothing here is nearer than chance");
    await undo();
  },

  async "nothing found, and the way out"(page) {
    await page.open("?filter=modality%3DXY");
    await page.says(".notice", "Nothing was found");
    await page.browser.click(".notice .row:last-child button");
    await page.browser.until("all pictures", () => location.search === "" &&
      document.querySelectorAll(".tile[data-image]").length === 40);
  },

  async "keys alone: search, move, keep, select, open, close, ask"(page) {
    const { browser } = page;
    await browser.press("/");
    await browser.press(..."mass", "Enter");
    await page.inSearch("q=mass");
    await page.answered();
    await page.says(".diagnosis", "mass");
    const images = await page.images();
    await browser.press("ArrowRight", "ArrowRight");
    const at = () => browser.run(() => document.activeElement.dataset.image);
    same(await at(), String(images[1]), "the second has the focus");
    await browser.press("j");
    const below = images.indexOf(Number(await at()));
    check(below > 2 && below < 12, `one row down is tile ${below}`);
    await browser.press("k", "h");
    same(await at(), String(images[0]), "back at the first");
    await browser.press("f");
    await page.says("#toast", "Put into Favourites");
    await browser.press("Enter");
    await page.seen("#detail");
    await browser.press("l");
    await page.inSearch(`image=${images[1]}`);
    await browser.press("Escape");
    await browser.until("closed", () => !document.querySelector("#detail").open);
    same(await at(), String(images[1]), "the focus is where one left");
    await browser.press("s");
    await page.inSearch(`like=${images[1]}`);
    await page.answered();
    await browser.press("?");
    await page.seen("#help");
    await browser.press("Escape");
    await browser.until("closed", () => !document.querySelector("#help").open);
  },

  async "letters can be switched off as keys"(page) {
    await page.browser.press("?");
    await page.browser.click("#help .check input");
    await page.browser.press("Escape");
    await page.browser.press("q");
    same(await page.search(), "", "the address");
  },

  async "a collection is kept, shown, and exported whole"(page) {
    await page.browser.press("l", "f", "l", "f");
    const images = (await page.images()).slice(0, 2);
    await page.browser.go(page.server.base);
    await page.answered();
    await page.browser.click("#tools [aria-label='Collections']");
    await page.says(".collection .count", "2");
    await page.browser.run(() => {
      window.saved = [];
      const make = URL.createObjectURL;
      URL.createObjectURL = (blob) => { window.saved.push(blob); return make.call(URL, blob); };
      HTMLAnchorElement.prototype.click = () => {};
    });
    for (const kind of ["TSV", "JSON", "Zip"])
      await page.browser.click(`[aria-label="${kind} of Favourites"]`);
    await page.browser.until("three files", () => window.saved.length === 3);
    const [tsv, json, zip] = await page.browser.runAsync(() => Promise.all(
      window.saved.map(async (blob, i) => i < 2 ? blob.text()
        : [...new Uint8Array(await blob.arrayBuffer())])));
    same(tsv.trim().split("\n").length, 3, "lines of the table");
    check(tsv.startsWith("id\tpath\tcase\tcaption\t"), tsv);
    const hostile = await page.browser.runAsync(async () => (await import("./collections.js"))
      .tsv([{ image: 1, path: "=1+1", case: "-2", caption: "a\tb\n@c", attributes: {} }]));
    same(hostile.split("\n")[1], "1\t'=1+1\t-2\ta b @c", "a line with what a formula begins with");
    same(JSON.parse(json).images.map((item) => item.image), images, "pictures of the JSON");
    const names = namesOf(Buffer.from(zip));
    same(names.length, 5, `files in the zip (${names})`);
    same(names.filter((name) => /\.(jpg|png)$/.test(name)).length, 2, `pictures (${names})`);
    await page.browser.click("[aria-label='Show Favourites']");
    await page.inSearch("collection=Favourites");
    await page.says(".notice", "Collection: Favourites");
    same(await page.images(), images, "pictures of the collection");
  },

  async "captions and questions are texts, whatever is in them"(page) {
    await page.open(`?q=${encodeURIComponent("<img src=x onerror=alert(1)>")}&filter=` +
      encodeURIComponent("<b>k</b>=<script>1</script>"));
    same(await page.count("#filters b, #filters script, #title img"), 0, "elements made of texts");
    await page.says("#filters", "<script>1</script>");
  },
};

tests["captions and questions are texts, whatever is in them"].expects = ["api/search"];

/** CRC-32, bit by bit: another way than the page's. */
function crc32(bytes) {
  let c = -1;
  for (const byte of bytes)
    for (let bit = 0; bit < 8; bit++)
      c = ((c ^ (byte >> bit)) & 1 ? 0xedb88320 : 0) ^ (c >>> 1);
  return ~c >>> 0;
}

/** Names out of a zip's directory, each file's bytes checked to be what it says. */
function namesOf(zip) {
  const names = [];
  const end = zip.lastIndexOf("PK\x05\x06", undefined, "latin1");
  let at = zip.readUInt32LE(end + 16);
  for (let n = zip.readUInt16LE(end + 10); n > 0; n--) {
    check(zip.readUInt32LE(at) === 0x02014b50, `an entry at ${at}`);
    const length = zip.readUInt16LE(at + 28);
    const file = zip.readUInt32LE(at + 42);
    check(zip.readUInt32LE(file) === 0x04034b50, "a file where it should be");
    const start = file + 30 + length;
    same(crc32(zip.subarray(start, start + zip.readUInt32LE(at + 24))), zip.readUInt32LE(at + 16),
      "the checksum of a file");
    names.push(zip.toString("utf8", at + 46, at + 46 + length));
    at += 46 + length;
  }
  return names;
}
