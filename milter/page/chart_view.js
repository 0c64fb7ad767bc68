// Refusals over time, stacked by rule. The rules with the most of the range
// have a colour each, which they keep while the page is open; the rest is one.
import {byId, clock, count, make, refuses, setText, sync} from "./dom.js";

const COLOURED = 7;
const OTHERS = "other rules";

let chart = null;
const colours = new Map();  // rule -> 1..7
const switchedOff = new Set();

function cssColour(name) {
  const probe = make("span", {hidden: true});
  document.body.append(probe);
  probe.style.color = `var(${name})`;
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

function assignColours(names) {
  for (const name of colours.keys()) {
    if (!names.includes(name)) colours.delete(name);
  }
  const free = [1, 2, 3, 4, 5, 6, 7].filter((n) => ![...colours.values()].includes(n));
  for (const name of names) {
    if (!colours.has(name)) colours.set(name, free.shift());
  }
}

function add(into, values) {
  values.forEach((value, i) => { into[i] += value; });
}

// [{name, colour, total, values}], the largest first, the others last.
function makeSeries(rules, range) {
  const [slots, total, length] = range === "day" ? ["tens", "last_day", 144] : ["minutes", "last_hour", 60];
  const byName = new Map();
  for (const rule of rules) {
    if (rule.shadow || !refuses(rule.action) || !rule[total] || !rule[slots]) continue;
    const one = byName.get(rule.rule) || {name: rule.rule, total: 0, values: new Array(length).fill(0)};
    one.total += rule[total];
    add(one.values, rule[slots]);
    byName.set(rule.rule, one);
  }
  const all = [...byName.values()].sort((a, b) => b.total - a.total || a.name.localeCompare(b.name));
  const shown = all.length > COLOURED + 1 ? all.slice(0, COLOURED) : all.slice(0, COLOURED + 1);
  assignColours(shown.slice(0, COLOURED).map((one) => one.name));
  for (const one of shown) one.colour = colours.get(one.name) || 8;
  if (shown.length < all.length) {
    const others = {name: OTHERS, colour: 8, total: 0, values: new Array(length).fill(0)};
    for (const one of all.slice(shown.length)) {
      others.total += one.total;
      add(others.values, one.values);
    }
    shown.push(others);
  }
  return shown;
}

// When each bar begins.
function times(minute, range) {
  const step = range === "day" ? 600e3 : 60e3;
  const last = Math.floor(minute / step) * step;
  const length = range === "day" ? 144 : 60;
  return Array.from({length}, (_, i) => new Date(last - (length - 1 - i) * step));
}

// At round times: every ten minutes of an hour, every three hours of a day; on a
// phone half as many.
function tick(start, range, width) {
  const few = width < 500 ? 2 : 1;
  const round = range === "day" ? start.getMinutes() < 10 && start.getHours() % (3 * few) === 0 : start.getMinutes() % (10 * few) === 0;
  return round ? clock(start, false) : "";
}

function options(grid, text, starts, range) {
  return {
    animation: false, maintainAspectRatio: false, responsive: true,
    interaction: {mode: "index", intersect: false},
    plugins: {
      legend: {display: false},
      tooltip: {
        filter: (item) => item.raw > 0, itemSort: (a, b) => b.raw - a.raw, boxPadding: 4,
        callbacks: {footer: (items) => items.length > 1 ? `all: ${count(items.reduce((sum, item) => sum + item.raw, 0))}` : ""},
      },
    },
    scales: {
      x: {stacked: true, grid: {display: false}, border: {color: grid},
        ticks: {color: text, maxRotation: 0, autoSkip: false,
          callback(_, i) { return tick(starts[i], range, this.chart.width); }}},
      y: {stacked: true, beginAtZero: true, suggestedMax: 4, grid: {color: grid, drawBorder: false},
        ticks: {color: text, precision: 0, maxTicksLimit: 6}},
    },
  };
}

function draw(series, starts, range) {
  const text = cssColour("--muted");
  const grid = cssColour("--line");
  const data = {
    labels: starts.map((start) => clock(start, false)),
    datasets: series.filter((one) => !switchedOff.has(one.name)).map((one) => ({
      label: one.name, data: one.values, backgroundColor: cssColour(`--series-${one.colour}`),
      categoryPercentage: 1, barPercentage: 0.86,
    })),
  };
  if (!chart) {
    window.Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    chart = new window.Chart(byId("chart"), {type: "bar", data, options: options(grid, text, starts, range)});
    return;
  }
  chart.data = data;
  chart.options = options(grid, text, starts, range);
  chart.update("none");
}

function legendItem(one, again) {
  const button = make("button", {type: "button", "aria-pressed": String(!one.off)},
    make("span", {class: `swatch series-${one.colour}`, "aria-hidden": "true"}),
    make("span", {class: "label"}, one.name), make("span", {class: "muted"}, count(one.total)));
  button.addEventListener("click", () => {
    if (!switchedOff.delete(one.name)) switchedOff.add(one.name);
    again();
  });
  return make("li", {}, button);
}

export function showChart(stats, range) {
  const minute = Date.parse(stats.minute || stats.time) || Date.now();
  const series = makeSeries(stats.rules || [], range);
  const total = series.reduce((sum, one) => sum + one.total, 0);
  const starts = times(minute, range);
  if (window.Chart) draw(series, starts, range);
  const per = range === "day" ? "ten minutes" : "minute";
  setText(byId("chart-note"), `per ${per}, without shadow rules and repeats`);
  byId("chart").setAttribute("aria-label", total === 0 ? "Nothing was refused" :
    `${count(total)} refusals in the last ${range}; most by ${series[0].name}. The table of rules has the numbers.`);
  byId("chart-empty").hidden = total > 0;
  setText(byId("chart-empty"), `Nothing was refused in the last ${range}.`);
  sync(byId("legend"), series.map(({name, colour, total: sum}) => ({name, colour, total: sum, off: switchedOff.has(name)})),
    (one) => one.name, (one) => legendItem(one, () => showChart(stats, range)));
}
