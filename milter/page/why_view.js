// The whole story of a decision: what was known, which rules were tried, which
// condition held, what the limits said, and the reply.
import {actionChip, byId, chip, clock, count, day, make, refuses, setText, several, shareBar, span, whyLink} from "./dom.js";

const OPEN = 3;  // stories that are told at once; the others fold

const STAGES = {connect: "connect", helo: "HELO", mail: "MAIL", rcpt: "RCPT", data: "DATA", headers: "the headers", message: "the message"};
const DID = {accept: "Accepted", reject: "Rejected", defer: "Deferred", discard: "Discarded", quarantine: "Quarantined"};

function value(fact) {
  if (fact === null) return make("span", {class: "muted"}, "the MTA never sends it");
  if (Array.isArray(fact)) return make("ul", {}, fact.map((one) => make("li", {}, one)));
  return fact === "" ? make("span", {class: "muted"}, "empty") : String(fact);
}

function factsTable(decision) {
  const facts = Object.entries(decision.facts || {});
  if (!facts.length) return make("p", {class: "muted"}, "Nothing was known yet.");
  return make("dl", {class: "facts"}, facts.map(([name, fact]) => [make("dt", {}, name), make("dd", {}, value(fact))]));
}

// A head that begins with "#" is that of numbers, one with "-" is only heard.
function head(text) {
  if (text.startsWith("#")) return make("th", {scope: "col", class: "number"}, text.slice(1));
  return make("th", {scope: "col"}, text.startsWith("-") ? make("span", {class: "hidden"}, text.slice(1)) : text);
}

function table(title, heads, rows, kind) {
  return make("div", {class: "scroll"}, make("table", {class: kind}, make("caption", {class: "hidden"}, title),
    make("thead", {}, make("tr", {}, heads.map(head))), make("tbody", {}, rows)));
}

const AWAY = "the store was away";

function heldWord(held, known = true) {
  if (!known) return make("span", {class: "unknown"}, "? unknown");
  return make("span", {class: held ? "held" : "not-held"}, held ? "✓ held" : "✗ no");
}

function conditions(decision) {
  if (!decision.conditions?.length) return null;
  return [make("h3", {}, `What ${decision.rule || "the rule"} tested`), table("Conditions", ["-Held", "Condition", "Value"],
    decision.conditions.map((one) => make("tr", {}, make("td", {}, heldWord(one.held, one.known)),
      make("td", {class: "mono"}, one.text),
      make("td", {}, make("span", {class: "mono"}, one.value || ""),
        one.entry && make("div", {class: "muted"}, "by the list entry ", make("span", {class: "mono"}, one.entry))))), "tests")];
}

function tried(decision) {
  if (!decision.tried?.length) return null;
  const unfold = decision.tried.length <= 12;
  return [make("h3", {}, "Rules tried, in order"), make("details", {open: unfold},
    make("summary", {}, several(decision.tried.length, "rule")),
    make("ol", {class: "steps"}, decision.tried.map((one) => make("li", {}, heldWord(one.held), make("span", {}, one.rule),
      make("span", {class: "where mono"}, one.place || "")))))];
}

function limitState(one) {
  if (one.away) return chip(AWAY, "never");
  return [one.over ? chip("over", "bad") : chip("fits", "good"),
    one.over && one.retry_after_s ? make("span", {class: "muted"}, ` room again in ${span(one.retry_after_s)}`) : null];
}

// What had no answer has no numbers.
function limits(decision) {
  if (!decision.limits?.length) return null;
  return [make("h3", {}, "Limits, as they were"), table("Limits", ["Limit", "Per", "#Used", "-Share", "-State"], decision.limits.map((one) => make("tr", {},
    make("th", {scope: "row"}, one.name), make("td", {class: "mono"}, one.key),
    make("td", {class: "number"}, one.away ? "not known" : `${count(one.used)} of ${count(one.allowed)}`),
    make("td", {}, one.away ? null : shareBar(Math.min(one.used, one.allowed), one.allowed, one.over && "over")),
    make("td", {}, limitState(one)))), "limits")];
}

function banState(one) {
  if (one.away) return chip(AWAY, "never");
  return one.banned ? chip("banned", "bad") : chip("not banned");
}

function bans(decision) {
  if (!decision.bans?.length) return null;
  return [make("h3", {}, "Bans"), make("ul", {class: "steps"}, decision.bans.map((one) =>
    make("li", {}, make("span", {class: "mono"}, one.key), banState(one))))];
}

function noteLine(note) {
  if (typeof note === "string") return make("li", {}, note);
  return make("li", {}, make("strong", {}, note.rule), note.action && actionChip(note.action, note.shadow),
    make("span", {}, [note.code, note.text].filter(Boolean).join(" ")), make("span", {class: "where mono"}, note.place || ""));
}

function notes(decision) {
  if (!decision.notes?.length) return null;
  return [make("h3", {}, "Rules beside it"), make("ul", {class: "steps"}, decision.notes.map(noteLine))];
}

function headline(decision) {
  const did = decision.shadow ? `Would have been ${(DID[decision.action] || decision.action).toLowerCase()}` : DID[decision.action] || decision.action;
  const where = ` at ${STAGES[decision.stage] || decision.stage}`;
  return `${did}${where}${decision.rule ? ` by ${decision.rule}` : ", by no rule"}`;
}

function remarks(decision) {
  return [
    decision.kept && chip("kept: told at MAIL"), decision.repeat && chip("told again"),
    decision.given === false && refuses(decision.action) && chip("only logged: a local submission"),
    decision.sample && chip("a sample of what passed"), decision.cut && chip("shortened", "defer")];
}

function story(decision) {
  const when = new Date(decision.time);
  const reply = [decision.code, decision.enhanced, decision.text].filter(Boolean).join(" ");
  return make("article", {class: "card story"},
    make("header", {},
      make("h2", {}, headline(decision), remarks(decision)),
      make("p", {class: "muted"}, make("time", {datetime: decision.time, title: decision.time}, `${day(when)}, ${clock(when)}`),
        decision.place && [" · ", make("span", {class: "mono"}, decision.place)],
        decision.reference && [" · ", make("a", {class: "mono", href: whyLink(decision.reference)}, decision.reference)],
        decision.policy && [" · policy ", make("span", {class: "mono"}, decision.policy)])),
    reply ? make("p", {class: `reply ${decision.action}`, "aria-label": "The reply"}, reply) : null,
    make("div", {class: "columns"},
      make("div", {}, make("h3", {}, "The session"), factsTable(decision)),
      make("div", {}, conditions(decision), limits(decision), bans(decision), notes(decision), tried(decision))));
}

function folded(decision) {
  const facts = decision.facts || {};
  const when = new Date(decision.time);
  const details = make("details", {class: "card"}, make("summary", {}, `${day(when)}, ${clock(when)} · ${headline(decision)}`,
    facts["client.ip"] ? ` · ${facts["client.ip"]}` : ""));
  details.addEventListener("toggle", () => {
    if (details.open && details.childElementCount === 1) details.append(story(decision));
  });
  return details;
}

function frame(query, ...content) {
  const focused = byId("why").contains(document.activeElement);
  const title = make("h1", {id: "why-title", tabindex: "-1"}, query);
  byId("why").replaceChildren(make("p", {}, make("a", {href: "#/"}, "← Overview")), title, ...content);
  if (focused) title.focus({preventScroll: true});  // what had it is gone
  return title;
}

// A search that was ended has not found nothing.
function noticeOf(answer, records) {
  if (answer.error) return answer.error;
  const found = several(records.length, "decision");
  if (answer.ended_after_s !== undefined) {
    return `${found} found until the search was ended after ${span(answer.ended_after_s)}, before it had read the whole journal: ask for less, one address or a reference, or use gatemilter why.`;
  }
  if (records.length) return found + (answer.more ? ", and there are more" : "") + (records.length > 1 ? "; the newest first" : "");
  return "No decision fits. Asked for were the journal and the latest decisions; a passed message is there only if it was sampled.";
}

function showFound(query, answer) {
  const records = answer.records || [];
  const notice = noticeOf(answer, records);
  // One that was told again has its story at the decision that was kept.
  const told = (one) => one.repeat && records.some((other) => !other.repeat && other.reference === one.reference);
  let open = 0;
  const shown = records.map((one) => !told(one) && ++open <= OPEN ? story(one) : folded(one));
  frame(query, make("p", {class: "muted", role: "status"}, notice), ...shown);
}

let asked = 0;

export async function showWhy(query) {
  const mine = ++asked;
  frame(query, make("p", {class: "muted", role: "status"}, "Searching …")).focus({preventScroll: true});
  window.scrollTo(0, 0);
  try {
    const response = await fetch(`/api/why?q=${encodeURIComponent(query)}`, {cache: "no-store"});
    const text = await response.text();
    if (mine !== asked) return;
    if (!response.ok) throw new Error(text.trim() || response.statusText);
    showFound(query, JSON.parse(text));
  } catch (error) {
    if (mine === asked) frame(query, make("p", {class: "warning bad", role: "alert"}, make("strong", {}, "Not found out"), make("span", {}, error.message)));
  }
}

export function leaveWhy() {
  ++asked;
  setText(byId("why"), "");
}
