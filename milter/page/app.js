// The page: asks for the numbers every five seconds and for decisions every
// two, shows the section that the address names, and remembers range and theme.
import {byId, clock, setText, visible} from "./dom.js";
import {showChart} from "./chart_view.js";
import {showHealth, showTiles, showWarnings} from "./health_view.js";
import {decisionsAddress, startLive, takeDecisions} from "./live_view.js";
import {showRules, showTop} from "./rules_view.js";
import {leaveWhy, showWhy} from "./why_view.js";

const STATS_EVERY = 5000;
const DECISIONS_EVERY = 2000;
// What an address shows; the overview has all.
const VIEWS = {
  rules: {title: "Rules", parts: ["chart-card", "rules"]},
  top: {title: "Top lists", parts: ["top"]},
  live: {title: "Live", parts: ["live"]},
  health: {title: "Health", parts: ["health"]},
};
const THEMES = ["system", "light", "dark"];

let stats = null;
let answeredAt = null;
let lost = "";

// A browser may forbid to store anything; then the choice lasts until reload.
const remembered = {
  read(name, values) {
    try {
      const value = localStorage.getItem(`gatemilter.${name}`);
      return values.includes(value) ? value : values[0];
    } catch {
      return values[0];
    }
  },
  write(name, value) {
    try {
      localStorage.setItem(`gatemilter.${name}`, value);
    } catch {
      // it lasts until reload
    }
  },
};

let range = remembered.read("range", ["hour", "day"]);
let theme = remembered.read("theme", THEMES);

function show() {
  showWarnings(stats || {}, lost);
  const when = answeredAt ? clock(answeredAt) : "";
  setText(byId("status"), lost ? `as of ${when || "never"}` : when ? `as of ${when}` : "");
  if (!stats) return;
  showTiles(stats, range);
  showChart(stats, range);
  showRules(stats, range, byId("rules-filter").value);
  showTop(stats, range);
  showHealth(stats);
}

// An error of ours has a status; other ones say in a browser's words that
// nobody answered.
async function ask(path) {
  const response = await fetch(path, {cache: "no-store", signal: AbortSignal.timeout(10000)});
  if (!response.ok) throw new Error(`${response.status} ${(await response.text()).trim()}`);
  return response.json();
}

async function askStats() {
  try {
    stats = await ask("/api/stats");
    answeredAt = new Date();
    lost = "";
  } catch (error) {
    const told = /^\d/.test(error.message) ? `${error.message}. ` : "";
    lost = told + (answeredAt ? `What is shown is of ${clock(answeredAt)}.` : "It has not answered yet.");
  }
  show();
}

async function askDecisions() {
  try {
    takeDecisions(await ask(decisionsAddress()));
  } catch {
    // askStats says that nobody answers
  }
}

// One question at a time, and none while nobody looks.
function every(time, question) {
  const turn = async () => {
    try {
      if (!document.hidden) await question();
    } finally {
      setTimeout(turn, time);  // also after a fault of ours: numbers go on
    }
  };
  turn();
}

function applyTheme() {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  setText(byId("theme"), `Theme: ${theme}`);
  if (stats) showChart(stats, range);
}

function applyRange() {
  for (const button of document.querySelectorAll("[data-range]")) {
    button.setAttribute("aria-pressed", String(button.dataset.range === range));
  }
  show();
}

function markSection(name) {
  for (const link of document.querySelectorAll(".top nav a")) {
    if (link.hash === `#/${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function viewOf(path) {
  return Object.hasOwn(VIEWS, path) ? VIEWS[path] : undefined;
}

function showView(path) {
  const view = viewOf(path);
  for (const part of ["tiles", "chart-card", "rules", "top", "live", "health"]) {
    byId(part).hidden = Boolean(view) && !view.parts.includes(part);
  }
  document.querySelector(".switch").hidden = path === "live" || path === "health";
  byId("overview").classList.toggle("one", Boolean(view));
  setText(byId("title"), view ? view.title : "Overview");
  window.scrollTo(0, 0);
}

// "#/", "#/rules", "#/why/7K2F-9QXM".
function go() {
  const path = location.hash.slice(2);
  const query = path.startsWith("why/") ? decoded(path.slice(4)) : "";
  byId("overview").hidden = query !== "";
  byId("why").hidden = query === "";
  markSection(query ? "why" : path);
  document.title = `${visible(query) || viewOf(path)?.title || "Overview"} · gatemilter`;
  if (!query) {
    if (document.activeElement !== byId("query")) byId("query").value = "";
    leaveWhy();
    return showView(path);
  }
  byId("query").value = query;
  return showWhy(query);
}

function start() {
  byId("search").addEventListener("submit", (event) => {
    event.preventDefault();
    const query = byId("query").value.trim();
    if (!query) return;
    const hash = `#/why/${encodeURIComponent(query)}`;
    if (location.hash === hash) go();
    else location.hash = hash;
  });
  // The address stays: it names what is shown.
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    byId("main").focus();
  });
  for (const button of document.querySelectorAll("[data-range]")) {
    button.addEventListener("click", () => {
      range = button.dataset.range;
      remembered.write("range", range);
      applyRange();
    });
  }
  byId("theme").addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    remembered.write("theme", theme);
    applyTheme();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", applyTheme);
  byId("rules-filter").addEventListener("input", show);
  addEventListener("hashchange", go);
  startLive();
  applyTheme();
  applyRange();
  go();
  every(STATS_EVERY, askStats);
  every(DECISIONS_EVERY, askDecisions);
}

start();
