// harness.mjs - what every test of the page needs: a catalog of the sample, the server
// over it, a browser in front. After each test no script may have failed and nothing may
// have been asked of anybody but the server.

import { spawn, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { Browser } from "./webdriver.mjs";

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");

export class Failed extends Error {}

export function check(is, what) {
  if (!is) throw new Failed(what);
}

export function same(found, wanted, what) {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (a !== b) throw new Failed(`${what}: found ${a}, wanted ${b}`);
}

/** Copies of `names`, in the project's folder `from`, indexed into a catalog beside them. */
export function indexCopies(bin, folder, from, names, args = []) {
  for (const name of names)
    cpSync(join(ROOT, from, name), join(folder, "films", name), { recursive: true });
  const { status, stderr } = spawnSync(join(bin, "plainfilm-index"), ["--quiet", "--catalog",
    join(folder, "catalog"), "--model", join(ROOT, "data/demo-model"), ...args,
    join(folder, "films")]);
  check(status === 0, `plainfilm-index: ${stderr}`);
  return join(folder, "catalog");
}

/** The sample, so that a test may spoil its pictures. */
export const makeCatalog = (bin, folder) => indexCopies(bin, folder, "data/sample", ["."],
  ["--captions", join(folder, "films/captions.csv")]);

export class Server {
  /** At any free port, or at one that a browser already knows. */
  static start(bin, catalog, { port = 0, args = [] } = {}) {
    const server = new Server();
    server.process = spawn(join(bin, "plainfilm-serve"), ["--quiet", "-c", catalog, "--listen",
      `127.0.0.1:${port}`, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    return new Promise((done, fail) => {
      let text = "";
      const take = (bytes) => {
        text += bytes;
        const m = /(http:\/\/127\.0\.0\.1:\d+\/)(\?token=\S+)?/.exec(text);
        if (!m) return;
        server.base = m[1];
        server.address = m[0];
        done(server);
      };
      server.process.stdout.on("data", take);
      server.process.stderr.on("data", take);
      server.process.once("exit", (code) => fail(new Failed(`the server ended (${code}): ${text}`)));
    });
  }

  get port() {
    return Number(new URL(this.base).port);
  }

  stop() {
    return new Promise((done) => {
      this.process.once("exit", done);
      this.process.kill("SIGTERM");
    });
  }
}

/** In the page: is there an answer, and none under way? */
const isAnswered = () => document.querySelector("#hits.waiting") === null &&
  document.querySelector(".tile[data-image], .notice") !== null;

/** What tests do with a page. */
export class Page {
  browser = null;
  server = null;

  constructor(folder) {
    this.folder = folder;
    this.bases = []; // of the servers that a test had
  }

  use(server) {
    this.server = server;
    this.bases.push(server.base);
  }

  /** The state that `search` says, and its answer. */
  async open(search = "") {
    await this.browser.go(this.server.base + search);
    await this.answered();
  }

  answered = () => this.browser.until("an answer", isAnswered);
  count = (selector) =>
    this.browser.run((s) => document.querySelectorAll(s).length, selector);
  text = (selector) =>
    this.browser.run((s) => document.querySelector(s)?.textContent ?? null, selector);
  seen = (selector) => this.browser.until(selector, (s) => {
    const e = document.querySelector(s);
    return e !== null && e.getClientRects().length > 0;
  }, selector);
  gone = (selector) =>
    this.browser.until(`no ${selector}`, (s) => !document.querySelector(s), selector);
  says = (selector, text) => this.browser.until(`${selector} with "${text}"`, (s, t) =>
    [...document.querySelectorAll(s)].some((e) => e.textContent.includes(t)), selector, text);
  search = async () => new URL(await this.browser.url()).search;
  inSearch = (text) => this.browser.until(`an address with ${text}`,
    (t) => decodeURIComponent(location.search).includes(t), text);

  /** The numbers of the images on the page, in its order. */
  images = () => this.browser.run(() =>
    [...document.querySelectorAll(".tile[data-image]")].map((li) => Number(li.dataset.image)));

  /** An answer that begins with this image. */
  first = (id) => this.browser.until(`image ${id} in front`, (n) =>
    document.querySelector(".tile[data-image]")?.dataset.image === String(n), id);

  /** What the API answers. */
  ask = (question) => this.browser.runAsync(async (q) => {
    const response = await fetch("api/search", { method: "POST", body: JSON.stringify(q),
      headers: { "content-type": "application/json" } });
    return response.json();
  }, question);

  /** Have `script`, a function, run before anything of the page does. */
  async before(script) {
    const { identifier } = await this.browser.cdp("Page.addScriptToEvaluateOnNewDocument",
      { source: `(${script})()` });
    return () => this.browser.cdp("Page.removeScriptToEvaluateOnNewDocument", { identifier });
  }
}

/** Scripts for Page.before() that make states which are hard to come by. */
export const FAKES = {
  empty: () => {
    const ask = window.fetch;
    window.fetch = async (url, options) => {
      const answer = await (await ask(url, options)).json();
      return Response.json(String(url).endsWith("api/catalog") ? { ...answer, images: 0 }
        : { ...answer, hits: [], total: 0 });
    };
  },
  indexing: () => {
    const ask = window.fetch;
    window.fetch = async (url, options) =>
      Response.json({ ...await (await ask(url, options)).json(), indexing: true });
  },
  chance: () => {
    const ask = window.fetch;
    window.fetch = async (url, options) =>
      Response.json({ ...await (await ask(url, options)).json(), no_better_than_chance: true });
  },
  gone: () => {
    window.fetch = async () => { throw new TypeError("Failed to fetch"); };
  },
  token: () => {
    window.fetch = async () => Response.json({ status: 401, code: "token" }, { status: 401 });
  },
};

/** What went wrong unseen: failed scripts, and requests to others. */
async function checkLog(page, expected) {
  const failed = (await page.browser.log("browser")).filter((e) => e.level === "SEVERE" &&
    !expected.some((text) => e.message.includes(text)));
  same(failed.map((e) => e.message), [], "the console");
  const foreign = (await page.browser.log("performance"))
    .filter((e) => e.method === "Network.requestWillBeSent")
    .map((e) => e.params.request.url)
    .filter((url) => !page.bases.some((base) => url.startsWith(base)) && !/^(data|blob|about|chrome):/.test(url));
  same(foreign, [], "requests to others");
}

/** Run `tests`, an object of name: async (page) => ...; a test's `expects` are texts of
 * the console that are no failure. `args` are the server's. */
export async function runTests(bin, tests, only = "", args = []) {
  const folder = mkdtempSync(join(tmpdir(), "plainfilm-browser-"));
  let failures = 0;
  const page = new Page(folder);
  try {
    page.catalog = makeCatalog(bin, folder);
    page.use(await Server.start(bin, page.catalog, { args }));
    page.browser = await Browser.open();
    page.bin = bin;
    for (const [name, test] of Object.entries(tests).filter(([n]) => n.includes(only))) {
      try {
        await page.browser.size(1280, 800);
        await page.browser.go(page.server.address);
        await page.browser.run(() => { localStorage.clear(); sessionStorage.clear(); });
        await page.open();
        await page.browser.log("browser");
        await test(page);
        await checkLog(page, test.expects ?? []);
        console.log(`ok ${name}`);
      } catch (error) {
        failures++;
        console.log(`FAILED ${name}: ${error instanceof Failed ? error.message : error.stack}`);
      }
    }
  } finally {
    await page.browser?.close();
    if (page.server && page.server.process.exitCode === null) await page.server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  return failures;
}
