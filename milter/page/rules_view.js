// The table of rules, and who is refused most.
import {actionChip, ago, byId, chip, count, make, percent, refuses, setText, several, shareBar, sparkline, sync} from "./dom.js";

const LIMIT = 300;  // rows; the filter finds the others
const FIELDS = {
  hour: {total: "last_hour", slots: "minutes", title: "Last hour"},
  day: {total: "last_day", slots: "tens", title: "Last day"},
};

function never(rule) {
  return rule.installed !== false && !rule.count;
}

// What the filter looks at.
function words(rule) {
  return [rule.rule, rule.stage, rule.action, rule.shadow ? "shadow" : "",
    never(rule) ? "never" : "", rule.installed === false ? "gone" : ""].join(" ").toLowerCase();
}

function row(rule) {
  const kind = rule.shadow ? "shadow" : "";
  return make("tr", {class: rule.gone && "gone"},
    make("th", {scope: "row"}, rule.rule, make("span", {class: "chips"},
      rule.shadow && chip("shadow", "shadow"), rule.never && chip("never", "never"), rule.gone && chip("gone"))),
    make("td", {class: "mid"}, rule.stage),
    make("td", {class: "mid"}, actionChip(rule.action, rule.shadow)),
    make("td", {class: "number"}, count(rule.now)),
    make("td", {class: "wide"}, rule.whole > 0 && make("div", {class: "with-bar"},
      shareBar(rule.now, rule.whole, kind), make("span", {}, percent(rule.now, rule.whole)))),
    make("td", {class: "mid"}, sparkline(rule.values, kind)),
    make("td", {class: "number wide"}, rule.repeats ? count(rule.repeats) : "–"),
    make("td", {class: "number mid"}, count(rule.total)),
    make("td", {class: "number muted"}, rule.last));
}

// Shares are among those that refuse, and shadow rules have theirs among
// shadow rules: they refuse nothing.
function wholes(rules, field) {
  const sum = (shadow) => rules.filter((rule) => refuses(rule.action) && Boolean(rule.shadow) === shadow)
    .reduce((all, rule) => all + (rule[field] || 0), 0);
  return {real: sum(false), shadow: sum(true)};
}

function lastHeld(rule, now) {
  if (!rule.last) return "–";
  return ago((now - Date.parse(rule.last)) / 1000 - 60);  // it tells the minute
}

function prepare(rule, stats, range, whole) {
  const field = FIELDS[range];
  const now = Date.parse(stats.time) || Date.now();
  return {
    rule: rule.rule, stage: rule.stage, action: rule.action, shadow: Boolean(rule.shadow),
    never: never(rule), gone: rule.installed === false, now: rule[field.total] || 0,
    whole: refuses(rule.action) ? (rule.shadow ? whole.shadow : whole.real) : 0,
    values: rule[field.slots] || [], repeats: rule.repeats || 0, total: rule.count || 0, last: lastHeld(rule, now),
  };
}

export function showRules(stats, range, filter) {
  const all = stats.rules || [];
  const field = FIELDS[range];
  const whole = wholes(all, field.total);
  const wanted = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const found = all.filter((rule) => wanted.every((word) => words(rule).includes(word)))
    .sort((a, b) => (b[field.total] || 0) - (a[field.total] || 0) || (b.count || 0) - (a.count || 0));
  setText(byId("rules-count"), field.title);
  const silent = all.filter(never).length;
  setText(byId("rules-note"), several(all.length, "rule") + (silent ? `, ${count(silent)} of them never held` : "") +
    (found.length > LIMIT ? `; the first ${LIMIT} are shown` : ""));
  sync(byId("rules-body"), found.slice(0, LIMIT).map((rule) => prepare(rule, stats, range, whole)),
    (rule) => [rule.stage, rule.rule, rule.action, rule.shadow].join("/"), row);
  const empty = byId("rules-empty");
  empty.hidden = found.length > 0;
  setText(empty, all.length ? "No rule fits the filter." : "The policy has no rules yet.");
}

const TOPS = [
  ["client", "Client networks"], ["sender", "Sender domains"],
  ["rcpt", "Recipient domains"], ["user", "Users"],
];

function topRow(entry) {
  const isNetwork = entry.kind === "client";
  const name = entry.key === "" ? "<>" : entry.key;
  return make("tr", {},
    make("th", {scope: "row"}, isNetwork ? make("a", {href: `#/why/${encodeURIComponent(entry.key)}`}, name) : name),
    make("td", {class: "number"}, count(entry.count),
      entry.error > 0 && make("span", {class: "muted", title: "at most so many too high"}, ` −${count(entry.error)}`)),
    make("td", {class: "number muted"}, percent(entry.count, entry.all)));
}

function topCard({kind, title, list, range}) {
  const body = make("tbody");
  sync(body, list.keys.slice(0, 10).map((entry) => ({...entry, kind, all: list.decisions})), (entry) => entry.key, topRow);
  return make("section", {class: "card", "aria-label": title},
    make("div", {class: "line"}, make("h3", {}, title), make("p", {class: "muted"}, list.decisions ? `of ${count(list.decisions)}` : "")),
    list.keys.length ? make("table", {},
      make("caption", {class: "hidden"}, `${title} refused most`),
      make("thead", {class: "hidden"}, make("tr", {}, make("th", {scope: "col"}, "Name"),
        make("th", {scope: "col"}, "Refused"), make("th", {scope: "col"}, "Share"))), body)
      : make("p", {class: "empty"}, `None in the last ${range}.`));
}

export function showTop(stats, range) {
  const cards = TOPS.map(([kind, title]) => ({kind, title, range,
    list: stats.top?.[kind]?.[range] || {decisions: 0, keys: []}}));
  const inexact = cards.some((card) => card.list.keys.some((entry) => entry.error > 0));
  setText(byId("top-note"), inexact ? "“−5”: the count may be up to 5 too high" : "");
  sync(byId("top-lists"), cards, (card) => card.kind, topCard);
}
