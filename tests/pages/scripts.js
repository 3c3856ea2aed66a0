// A page without a browser: elements that keep what scripts set on them, and a server whose answers a
// test gives. Its input is JSON: {before: source text, scripts: [source texts], test: the body of an
// async function}. It writes what the test returns, as JSON.
const { readFileSync } = require("node:fs");

class Part {
  constructor() {
    Object.assign(this, { dataset: {}, children: [], elements: [], listeners: {}, parts: {}, lists: {} });
    this.style = { setProperty: () => {} };
    this.classList = { add: () => {}, remove: () => {}, toggle: () => {} };
    this.offsetWidth = this.offsetHeight = 0;
  }
  querySelector(selector) {
    if (!(selector in this.parts)) this.parts[selector] = new Part();
    return this.parts[selector];
  }
  querySelectorAll(selector) { return this.lists[selector] ?? []; }
  getElementById(id) { return this.querySelector(`#${id}`); }
  createElement() { return new Part(); }
  createElementNS() { return new Part(); }
  get documentElement() { return this.querySelector("html"); }
  get body() { return this.querySelector("body"); }
  get head() { return this.querySelector("head"); }
  get firstElementChild() { return this.querySelector(":first-child"); }
  get nextElementSibling() { return this.querySelector("+ *"); }
  addEventListener(kind, listener) { (this.listeners[kind] ??= []).push(listener); }
  dispatchEvent(event) {
    const full = { target: this, preventDefault: () => {}, stopPropagation: () => {}, ...event, type: event.type };
    return Promise.all((this.listeners[event.type] ?? []).map((listener) => listener(full)));
  }
  getBoundingClientRect() { return { left: 0, top: 0, right: 100, bottom: 100, width: 100, height: 100 }; }
  getContext() { return new Proxy({}, { get: () => () => {} }); }
  append(...children) { this.children.push(...children); }
  replaceChildren(...children) { this.children = children; }
  contains() { return false; }
  closest() { return null; }
  hasPointerCapture() { return true; }
}
for (const name of ["setPointerCapture", "setAttribute", "focus", "pause", "remove"]) Part.prototype[name] = () => {};

class ResizeObserver {
  observe() {}
}

async function main() {
  const { before, scripts, test } = JSON.parse(readFileSync(0, "utf8"));
  const window = {}, document = new Part(), element = new Part(), asked = [], answers = {};
  // Each request to the server as [name of the function, request], in `asked`; `answers` has functions.
  const server = new Proxy({}, {
    get: (_, name) => async (request) => {
      asked.push([name, request]);
      return answers[name]?.(request) ?? {};
    },
  });
  const globals = { window, document, element, ResizeObserver, navigator: { language: "en" }, texts: {}, pictureEndings: [] };
  const run = (source, extra = {}) => {
    const values = { ...globals, ...extra };
    return new Function(...Object.keys(values), source)(...Object.values(values));
  };
  run(before, { Part, answers });
  for (const source of scripts) {
    run(source);
    window.moodganimation.connect({ server });
  }
  const found = await run(`return (async () => { ${test} })();`, { page: window.moodganimation, Part, asked, answers });
  process.stdout.write(JSON.stringify(found ?? null), () => process.exit());
}
main();
