// Elements and words. Whatever came over the network becomes text nodes and
// attributes here, and nowhere else: no markup is ever parsed.

const SVG = "http://www.w3.org/2000/svg";
// Control characters, and those that are not seen or turn text round: a name
// must not look like another one.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

// Writes them out, as the log does: "\u202e".
export function visible(text) {
  return String(text).replace(UNSEEN, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function build(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "onclick") element.addEventListener("click", value);
    else element.setAttribute(name, value === true ? "" : visible(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => child instanceof Node ? child : visible(child)));
  return element;
}

// make("p", {class: "muted"}, "text", element, ...)
export function make(tag, attributes, ...children) {
  return build(document.createElement(tag), attributes, children);
}

export function makeSvg(tag, attributes, ...children) {
  return build(document.createElementNS(SVG, tag), attributes, children);
}

export function byId(id) {
  return document.getElementById(id);
}

export function setText(element, text) {
  const shown = visible(text);
  if (element.textContent !== shown) element.textContent = shown;
}

// What takes the focus over from `old`: the same link, if it is still there.
function counterpart(element, old) {
  const all = [...element.querySelectorAll("a, button")];
  return all.find((one) => old.hash && one.hash === old.hash) || all.find((one) => one.textContent === old.textContent) || all[0];
}

// Makes the children of `parent` those that `render(item)` gives, in order. A
// child whose `same(item)` did not change stays as it is: what has the focus
// or is selected is not taken away.
export function sync(parent, items, key, render) {
  const old = new Map();
  for (const child of parent.children) old.set(child.dataset.key, child);
  const wanted = items.map((item) => {
    const name = String(key(item));
    const print = JSON.stringify(item);
    const before = old.get(name);
    if (before && before.dataset.print === print) return before;
    const element = render(item);
    element.dataset.key = name;
    element.dataset.print = print;
    if (before && before.contains(document.activeElement)) {
      const to = counterpart(element, document.activeElement);
      if (to) queueMicrotask(() => to.focus({preventScroll: true}));
    }
    return element;
  });
  let at = parent.firstElementChild;
  for (const element of wanted) {
    if (element === at) at = at.nextElementSibling;
    else parent.insertBefore(element, at);
  }
  while (at) {
    const next = at.nextElementSibling;
    at.remove();
    at = next;
  }
}

export function count(number) {
  return Math.round(number || 0).toLocaleString("en");
}

// "1 rule", "12 rules".
export function several(number, word) {
  return `${count(number)} ${word}${number === 1 ? "" : "s"}`;
}

export function percent(part, whole) {
  if (!whole || !part) return "–";
  const value = 100 * part / whole;
  return value > 0 && value < 0.1 ? "<0.1 %" : `${value.toFixed(value < 10 ? 1 : 0)} %`;
}

export function microseconds(us) {
  if (us === null || us === undefined) return "–";
  if (us < 1000) return `${Math.round(us)} µs`;
  if (us < 1e6) return `${(us / 1000).toFixed(us < 1e4 ? 1 : 0)} ms`;
  return `${(us / 1e6).toFixed(1)} s`;
}

export function bytes(number) {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  let value = number || 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    ++unit;
  }
  return `${unit ? value.toFixed(1) : count(value)} ${units[unit]}`;
}

// Two units are enough: "3 d 4 h".
export function span(seconds) {
  const s = Math.max(0, Math.round(seconds || 0));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor(s % 3600 / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor(s % 86400 / 3600)} h`;
}

// One unit, for narrow columns: "5 min".
export function ago(seconds) {
  if (seconds < 60) return "now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

export function clock(date, withSeconds = true) {
  const two = (n) => String(n).padStart(2, "0");
  const text = `${two(date.getHours())}:${two(date.getMinutes())}`;
  return withSeconds ? `${text}:${two(date.getSeconds())}` : text;
}

export function day(date) {
  return date.toLocaleDateString("en", {weekday: "short", day: "numeric", month: "short", year: "numeric"});
}

export function whyLink(query) {
  return `#/why/${encodeURIComponent(query)}`;
}

// Small course of numbers, as wide as its place.
export function sparkline(values, kind) {
  const width = 120;
  const height = 20;
  const most = Math.max(1, ...values);
  const step = width / Math.max(1, values.length);
  // One shape: gaps between bars of a pixel's width would shimmer.
  const steps = values.map((value, i) => {
    const tall = value ? Math.max(1.5, value / most * height) : 0;
    return `V${(height - tall).toFixed(2)}H${((i + 1) * step).toFixed(2)}`;
  });
  return makeSvg("svg", {class: `spark ${kind || ""}`, viewBox: `0 0 ${width} ${height}`,
    preserveAspectRatio: "none", "aria-hidden": "true", focusable: "false"},
    makeSvg("line", {x1: 0, x2: width, y1: height - 0.25, y2: height - 0.25}),
    makeSvg("path", {d: `M0 ${height}${steps.join("")}V${height}Z`}));
}

// A bar of a share of a whole.
export function shareBar(part, whole, kind) {
  return makeSvg("svg", {class: `share ${kind || ""}`, viewBox: "0 0 100 8",
    preserveAspectRatio: "none", "aria-hidden": "true", focusable: "false"},
    makeSvg("rect", {class: "track", x: 0, y: 0, width: 100, height: 8}),
    makeSvg("rect", {x: 0, y: 0, width: whole ? (100 * part / whole).toFixed(2) : 0, height: 8}));
}

export function chip(text, kind) {
  return make("span", {class: `chip ${kind || ""}`}, text);
}

const REFUSALS = new Set(["reject", "defer", "discard", "quarantine"]);

export function refuses(action) {
  return REFUSALS.has(action);
}

// What an action looks like.
export function actionChip(action, shadow) {
  if (shadow) return chip(`would ${action}`, "shadow");
  return chip(action, refuses(action) ? action : action === "accept" ? "accept" : "");
}
