// webdriver.mjs - Debian's chromium through its driver, by the plain WebDriver protocol
// and node's own fetch: nothing has to be installed for it.

import { spawn } from "node:child_process";

const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";

/** The codes that WebDriver has for keys that are no letters. */
export const KEYS = { Enter: "\uE007", Escape: "\uE00C", Tab: "\uE004", Shift: "\uE008",
  ArrowLeft: "\uE012", ArrowUp: "\uE013", ArrowRight: "\uE014", ArrowDown: "\uE015",
  Space: " ", Backspace: "\uE003", Home: "\uE011", End: "\uE010" };

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** The port that chromedriver chose, out of what it prints. */
function portOf(driver) {
  return new Promise((done, fail) => {
    let text = "";
    driver.stdout.on("data", (bytes) => {
      text += bytes;
      const m = /successfully on port (\d+)/.exec(text);
      if (m) done(Number(m[1]));
    });
    driver.once("exit", () => fail(new Error(`chromedriver ended: ${text}`)));
  });
}

export class Browser {
  static async open() {
    const browser = new Browser();
    browser.driver = spawn("chromedriver", ["--port=0"], { stdio: ["ignore", "pipe", "ignore"] });
    browser.base = `http://127.0.0.1:${await portOf(browser.driver)}`;
    const args = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
      "--force-color-profile=srgb", "--disable-dev-shm-usage", "--no-first-run",
      "--disable-background-networking", "--disable-component-update"];
    const { sessionId } = await browser.#send("POST", "/session", { capabilities: { alwaysMatch: {
      browserName: "chrome", "goog:chromeOptions": { args, prefs: {
        "download.prompt_for_download": false } },
      "goog:loggingPrefs": { performance: "ALL", browser: "ALL" } } } });
    browser.base += `/session/${sessionId}`;
    return browser;
  }

  async #send(method, path, body) {
    const response = await fetch(this.base + path, { method,
      ...(body && { body: JSON.stringify(body) }) });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`${path}: ${value.message.split("\n")[0]}`);
    return value;
  }

  async close() {
    try {
      await this.#send("DELETE", "");
    } finally {
      this.driver.kill();
    }
  }

  go = (url) => this.#send("POST", "/url", { url });
  back = () => this.#send("POST", "/back", {});
  url = () => this.#send("GET", "/url");
  cdp = (cmd, params = {}) => this.#send("POST", "/goog/cdp/execute", { cmd, params });

  /** Run `f` in the page with arguments that are JSON; what it gives comes back. */
  run = (f, ...args) => this.#send("POST", "/execute/sync",
    { script: `return (${f}).apply(null, arguments)`, args });

  /** The same for a function that gives a promise. */
  async runAsync(f, ...args) {
    const script = `const done = arguments[arguments.length - 1];
      Promise.resolve((${f}).apply(null, [...arguments].slice(0, -1)))
        .then((value) => done({ value }), (error) => done({ error: String(error) }));`;
    const { value, error } = await this.#send("POST", "/execute/async", { script, args });
    if (error) throw new Error(error);
    return value;
  }

  /** Wait until `f` is true in the page; `what` says what never happened. */
  async until(what, f, ...args) {
    for (const end = Date.now() + 15000; Date.now() < end; await sleep(30)) {
      const value = await this.run(f, ...args);
      if (value) return value;
    }
    throw new Error(`never seen: ${what}`);
  }

  async #find(selector) {
    await this.until(selector, (s) => document.querySelector(s) !== null, selector);
    const value = await this.#send("POST", "/element", { using: "css selector", value: selector });
    return value[ELEMENT];
  }
  /** An element may be made anew between looking for it and the click. */
  async click(selector) {
    for (let tries = 1;; tries++) {
      try {
        return await this.#send("POST", `/element/${await this.#find(selector)}/click`, {});
      } catch (error) {
        if (tries === 5 || !/stale element/.test(error.message)) throw error;
      }
    }
  }
  async type(selector, text) {
    return this.#send("POST", `/element/${await this.#find(selector)}/value`, { text });
  }

  /** Press keys, one after the other: names of KEYS, or texts. "Shift+ArrowLeft" holds. */
  async press(...names) {
    const actions = [];
    for (const name of names) {
      const keys = name.length > 1 && name.includes("+") ? name.split("+") : [name];
      const codes = keys.map((key) => KEYS[key] ?? key);
      for (const value of codes) actions.push({ type: "keyDown", value });
      for (const value of codes.reverse()) actions.push({ type: "keyUp", value });
    }
    await this.#send("POST", "/actions", { actions: [{ type: "key", id: "keys", actions }] });
  }

  /** Press the mouse at one point of the window, let it go at another. */
  async drag([x, y], [toX, toY]) {
    const move = (px, py, duration = 0) => ({ type: "pointerMove", x: px, y: py, duration });
    await this.#send("POST", "/actions", { actions: [{ type: "pointer", id: "mouse",
      parameters: { pointerType: "mouse" }, actions: [move(x, y), { type: "pointerDown", button: 0 },
        move((x + toX) / 2, (y + toY) / 2, 50), move(toX, toY, 50), { type: "pointerUp", button: 0 }] }] });
  }

  size = (width, height, scale = 1) => this.cdp("Emulation.setDeviceMetricsOverride",
    { width, height, deviceScaleFactor: scale, mobile: false });

  async screenshot() {
    return Buffer.from(await this.#send("GET", "/screenshot"), "base64");
  }

  /** What was logged since the last call: "browser", or "performance" as CDP events. */
  async log(type) {
    const entries = await this.#send("POST", "/se/log", { type });
    return type === "performance" ? entries.map((e) => JSON.parse(e.message).message) : entries;
  }
}
