// Warnings, the numbers at the head, and the health of what gatemilter leans on.
import {byId, bytes, chip, count, make, microseconds, percent, refuses, setText, several, shareBar, span, sync} from "./dom.js";

// The least bound that so many of the events kept, {us, over}; null: none yet.
function quantile(histogram, share) {
  const durations = histogram?.durations || [];
  const all = durations.reduce((sum, entry) => sum + entry.count, 0);
  if (!all) return null;
  let sum = 0;
  let bound = 0;
  for (const entry of durations) {
    sum += entry.count;
    if (entry.up_to_us) bound = entry.up_to_us;
    if (sum >= share * all) return {us: bound, over: !entry.up_to_us};
  }
  return {us: bound, over: true};
}

function atMost(histogram, share) {
  const found = quantile(histogram, share);
  if (!found) return "–";
  return `${found.over ? "> " : "≤ "}${microseconds(found.us)}`;
}

function size(histogram) {
  return (histogram?.durations || []).reduce((sum, entry) => sum + entry.count, 0);
}

function together(histograms) {
  const sums = new Map();
  for (const histogram of histograms) {
    for (const entry of histogram.durations || []) {
      const bound = entry.up_to_us || Infinity;
      sums.set(bound, (sums.get(bound) || 0) + entry.count);
    }
  }
  const durations = [...sums].sort((a, b) => a[0] - b[0])
    .map(([bound, number]) => ({up_to_us: bound === Infinity ? 0 : bound, count: number}));
  return {durations};
}

function sumOf(rules, field, shadow) {
  return (rules || []).filter((rule) => refuses(rule.action) && Boolean(rule.shadow) === shadow)
    .reduce((sum, rule) => sum + (rule[field] || 0), 0);
}

function allShadow(stats) {
  const deciding = (stats.rules || []).filter((rule) => rule.installed !== false && refuses(rule.action));
  return deciding.length > 0 && deciding.every((rule) => rule.shadow);
}

// What an operator must know now: [{bad, title, text}].
function warnings(stats, lost) {
  const list = [];
  const warn = (bad, title, text) => list.push({bad, title, text});
  if (lost) warn(true, "No answer from gatemilter", lost);
  if (stats.store?.away) {
    warn(true, "Redis is away", `${stats.store.name}: ${stats.store.away}. Limits do now what “set outage” says.`);
  }
  if (stats.journal?.fault) warn(true, "The journal does not write", stats.journal.fault);
  if (stats.journal?.dropped) {
    warn(false, "The journal dropped records", `${several(stats.journal.dropped, "record")} since the start: the disk was full or too slow.`);
  }
  if (stats.state?.fault) warn(false, "Statistics are not saved", stats.state.fault);
  if (allShadow(stats)) warn(false, "Nothing is refused", "All rules of this policy are shadow: they only count.");
  if (stats.counters?.failures) {
    warn(true, "gatemilter itself failed", `${several(stats.counters.failures, "event")} got the verdict of “set failure”; the log says why.`);
  }
  for (const unknown of stats.unknown_facts || []) {
    warn(false, `${unknown.fact} is unknown`, `${unknown.mta} never sends ${unknown.macros}; tests of it are false. To mend it, in ${unknown.mend}`);
  }
  return list;
}

export function showWarnings(stats, lost) {
  sync(byId("warnings"), warnings(stats, lost), (one) => one.title, (one) =>
    make("p", {class: `warning ${one.bad ? "bad" : ""}`}, make("strong", {}, one.title), make("span", {}, one.text)));
}

function lately(stats, counter, range) {
  const series = stats.counter_series?.[counter]?.[range === "day" ? "tens" : "minutes"] || [];
  return series.reduce((sum, value) => sum + value, 0);
}

export function showTiles(stats, range) {
  const field = range === "day" ? "last_day" : "last_hour";
  const events = together(Object.values(stats.latency?.events || {}));
  const store = stats.store || {};
  const recipients = lately(stats, "recipients", range);
  const tiles = [
    {name: "Refused", value: count(sumOf(stats.rules, field, false)), note: `in the last ${range}`},
    {name: "Shadow would refuse", value: count(sumOf(stats.rules, field, true)), note: `in the last ${range}`},
    {name: "Messages", value: count(lately(stats, "messages", range)), note: `to ${several(recipients, "recipient")}`},
    {name: "Open connections", value: count(stats.connections?.open), note: `${count(lately(stats, "connections", range))} in the last ${range}`},
    {name: "An event takes", value: atMost(events, 0.99), note: "99 of 100 events"},
    {name: "Limits are kept", value: store.away ? "here alone" : store.shared ? "in Redis" : "in memory", bad: Boolean(store.away),
      note: store.away ? "Redis is away" : several(store.entries || 0, "key") + (store.shared ? " here" : "")},
  ];
  sync(byId("tiles"), tiles, (tile) => tile.name, (tile) => make("li", {class: "tile"},
    make("div", {class: "name"}, tile.name),
    make("div", {class: `value ${tile.bad ? "bad" : ""}`}, tile.value),
    make("div", {class: "note", title: tile.note}, tile.note)));
}

function facts(pairs) {
  return make("dl", {class: "facts"}, pairs.filter((pair) => pair && pair[1] !== null && pair[1] !== undefined)
    .map(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
}

function card(title, mark, ...content) {
  return make("section", {class: "card", "aria-label": title}, make("h3", {}, title, mark), ...content);
}

function latencyRow(name, histogram) {
  const all = size(histogram);
  return make("tr", {}, make("th", {scope: "row"}, name),
    make("td", {class: "number"}, all ? count(all) : "–"),
    make("td", {class: "number mid"}, all ? microseconds(histogram.sum_us / all) : "–"),
    make("td", {class: "number"}, atMost(histogram, 0.5)), make("td", {class: "number"}, atMost(histogram, 0.99)),
    make("td", {class: "number mid"}, atMost(histogram, 0.999)));
}

function latencyCard(stats) {
  const rows = Object.entries(stats.latency?.events || {});
  if (size(stats.latency?.store)) rows.push(["store", stats.latency.store]);
  return card("Time an event takes", null, make("table", {},
    make("caption", {class: "hidden"}, "Time from an MTA's event to the answer, since the start"),
    make("thead", {}, make("tr", {}, make("th", {scope: "col"}, "Stage"), make("th", {scope: "col", class: "number"}, "Events"),
      make("th", {scope: "col", class: "number mid"}, "Mean"), make("th", {scope: "col", class: "number"}, "1 in 2"),
      make("th", {scope: "col", class: "number"}, "99 %"), make("th", {scope: "col", class: "number mid"}, "99.9 %"))),
    make("tbody", {}, rows.map(([name, histogram]) => latencyRow(name, histogram)))));
}

function policyCard(stats) {
  const policy = stats.policy || {};
  const others = (stats.connections?.policies || []).filter((one) => one.open > 0);
  return card("Policy", allShadow(stats) && chip("all shadow", "shadow"), facts([
    ["File", policy.file], ["Version", make("span", {class: "mono"}, policy.hash || "–")],
    ["Loaded", `${span(policy.age_seconds)} ago`], ["Rules", count((stats.rules || []).filter((rule) => rule.installed !== false).length)],
    others.length > 0 && ["Connections", others.map((one) => `${count(one.open)} on ${one.hash.slice(0, 8)}`).join(", ")],
    ["Running", span(stats.uptime_seconds)]]));
}

function storeCard(stats) {
  const store = stats.store || {};
  const counters = stats.counters || {};
  const missed = ["outage_local", "outage_accept", "outage_defer", "outage_bans"].reduce((sum, name) => sum + (counters[name] || 0), 0);
  return card("Store of limits and bans", store.away ? chip("away", "bad") : chip("well", "good"), facts([
    ["Where", store.name], ["Says", store.away || null], ["Keys in memory", count(store.entries)],
    ["Forgotten too early", count(store.evicted)], ["Trips", count(counters.store_trips)],
    store.shared && ["Not answered", several(missed, "look-up")],
    ...(stats.limits || []).filter((limit) => limit.last_day > 0).slice(0, 8)
      .map((limit) => [`Over ${limit.limit}`, `${count(limit.last_hour)} in an hour, ${count(limit.last_day)} in a day`])]));
}

function journalCard(stats) {
  const journal = stats.journal;
  if (!journal) {
    return card("Journal", chip("off"), make("p", {class: "muted"},
      "No decision is kept: the story of one can be told only while it is among the latest. “set journal” keeps them."));
  }
  const mark = journal.fault ? chip("does not write", "bad") : journal.dropped ? chip("dropped records", "defer") : chip("well", "good");
  return card("Journal", mark, facts([
    ["Folder", journal.folder], ["Fault", journal.fault || null], ["Written", several(journal.written, "record")],
    ["Dropped", several(journal.dropped, "record")],
    ["Queue", make("div", {class: "with-bar"}, `${bytes(journal.queued_bytes)} of ${bytes(journal.queue_bytes)}`,
      shareBar(journal.queued_bytes, journal.queue_bytes, journal.queued_bytes > journal.queue_bytes / 2 && "over"))],
    ["On disk", `${bytes(journal.bytes)} in ${several(journal.segments, "file")}`],
    ["Reaches back", journal.oldest ? span((Date.parse(stats.time) - Date.parse(journal.oldest)) / 1000) : null]]));
}

function listsCard(stats) {
  const lists = stats.lists || [];
  if (!lists.length) return card("Lists", null, make("p", {class: "muted"}, "The policy has none."));
  return card("Lists", null, make("div", {class: "scroll"}, make("table", {}, make("caption", {class: "hidden"}, "Lists of the policy"),
    make("thead", {}, make("tr", {}, make("th", {scope: "col"}, "List"), make("th", {scope: "col", class: "mid"}, "Of"),
      make("th", {scope: "col", class: "number"}, "Entries"), make("th", {scope: "col", class: "number"}, "Changed"))),
    make("tbody", {}, lists.map((list) => make("tr", {}, make("th", {scope: "row", title: list.file || "in the policy file"}, list.list),
      make("td", {class: "mid"}, list.type), make("td", {class: "number"}, count(list.entries)),
      make("td", {class: "number muted"}, list.file ? `${span(list.age_seconds)} ago` : "inline")))))));
}

const ODD = {
  turned_away: "turned away: too many connections", log_dropped: "lines left out of the log", not_given: "refusals only logged",
  malformed_packets: "malformed packets", too_big_packets: "too big packets", half_packets: "half packets",
  out_of_order: "commands out of order", unknown_commands: "unknown commands", idle_ended: "idle connections ended",
};

function trafficCard(stats) {
  const counters = stats.counters || {};
  const odd = Object.entries(ODD).filter(([name]) => counters[name]);
  const events = Object.values(stats.latency?.events || {}).reduce((sum, histogram) => sum + size(histogram), 0);
  return card("Since the counters began", null, facts([
    ["Connections", count(counters.connections)], ["Messages", count(counters.messages)], ["Recipients", count(counters.recipients)],
    ["Passed without a rule", `${count(counters.plain_accepts)} events (${percent(counters.plain_accepts, events)})`],
    ["Kept verdicts repeated", count(counters.repeats)],
    ...odd.map(([name, text]) => [text[0].toUpperCase() + text.slice(1), count(counters[name])])]));
}

export function showHealth(stats) {
  byId("health-cards").replaceChildren(policyCard(stats), storeCard(stats), latencyCard(stats), journalCard(stats),
    listsCard(stats), trafficCard(stats));
  setText(byId("footer"), `gatemilter ${stats.version || ""} · policy ${stats.policy?.file || ""}, version ${stats.policy?.hash || ""}`);
}
