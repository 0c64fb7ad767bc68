// Decisions as they happen.
import {actionChip, byId, chip, clock, count, make, refuses, setText, several, sync, whyLink} from "./dom.js";

const KEPT = 500;   // of the latest
const SHOWN = 100;  // rows
const MANY = 500;   // in one answer: nobody could follow, so go on with the newest

const decisions = [];  // the newest first
let last = 0;          // the number of the latest
let behind = true;
let missed = 0;
let held = null;    // what a pause shows
let waiting = 0;    // came since

function text(decision) {
  const facts = decision.facts || {};
  return [decision.rule, decision.stage, decision.action, decision.text, decision.reference, decision.code,
    facts["client.ip"], facts["client.name"], facts.helo, facts.sender, facts.rcpt, facts["auth.user"], facts.queue_id,
    ...(decision.notes || []).map((note) => note.rule)].join(" ").toLowerCase();
}

// Also what a shadow rule would have done.
function refused(decision) {
  return refuses(decision.action) || (decision.notes || []).some((note) => refuses(note.action));
}

function marks(decision) {
  return [
    decision.kept && chip("told at MAIL"), decision.repeat && chip("told again"),
    decision.given === false && refuses(decision.action) && chip("only logged"), decision.sample && chip("sample"),
    ...(decision.notes || []).map((note) => chip(note.shadow ? `would ${note.action}: ${note.rule}` : `${note.action}: ${note.rule}`,
      note.shadow ? "shadow" : ""))];
}

// On a phone, in one line: who, from whom, to whom.
function people(facts) {
  return [facts["client.ip"], facts.sender && `from ${facts.sender}`, facts.rcpt && `to ${facts.rcpt}`].filter(Boolean).join(" ");
}

function row(decision) {
  const facts = decision.facts || {};
  const when = new Date(decision.time);
  return make("tr", {},
    make("td", {title: decision.time}, clock(when)),
    make("td", {}, decision.rule && make("span", {class: "rule"}, decision.rule), make("span", {class: "muted"}, ` ${decision.stage} `),
      make("span", {class: "chips"}, actionChip(decision.action, decision.shadow), marks(decision)),
      make("div", {class: "narrow few muted"}, people(facts))),
    make("td", {class: "mid"}, facts["client.ip"] || "–", facts.helo && make("div", {class: "few muted"}, facts.helo)),
    make("td", {class: "mid"}, make("div", {class: "few"}, facts.sender === "" ? "<>" : facts.sender || "–")),
    make("td", {class: "mid"}, make("div", {class: "few"}, facts.rcpt || "–")),
    make("td", {class: "wide muted"}, make("div", {class: "few"}, [decision.code, decision.enhanced, decision.text].filter(Boolean).join(" "))),
    make("td", {}, decision.reference ? make("a", {class: "mono", href: whyLink(decision.reference),
      "aria-label": `Why ${decision.reference}`}, decision.reference) : "–"));
}

export function showLive() {
  const wanted = byId("live-filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  const onlyRefused = byId("live-refused").checked;
  const found = (held || decisions).filter((one) => (!onlyRefused || refused(one)) && wanted.every((word) => text(one).includes(word)));
  sync(byId("live-body"), found.slice(0, SHOWN), (one) => one.number, row);
  byId("live-body").closest("table").hidden = found.length === 0;
  const empty = byId("live-empty");
  empty.hidden = found.length > 0;
  setText(empty, decisions.length ? "None of the latest decisions fits the filter." : "No decision yet. They appear here as mail comes.");
  setText(byId("live-note"), held ? `${several(waiting, "new decision")} since the pause` :
    missed ? `${count(missed)} were too fast to be shown` : "");
}

export function takeDecisions(page) {
  if (page.next < last) {  // gatemilter began anew
    decisions.length = 0;
    last = 0;
    missed = 0;
  }
  const news = (page.decisions || []).filter((decision) => decision.number > last);
  const skipped = last && news.length ? news[0].number - last - 1 : 0;
  waiting += skipped + news.length;
  if (skipped) missed += skipped;
  else if (news.length < MANY) missed = 0;  // it is slow enough again
  for (const decision of news) decisions.unshift(decision);
  if (decisions.length > KEPT) decisions.length = KEPT;
  last = page.next;
  behind = last === 0 || news.length >= MANY;
  showLive();
}

// The address to ask next.
export function decisionsAddress() {
  return behind ? "/api/decisions" : `/api/decisions?after=${last}`;
}

export function startLive() {
  byId("live-filter").addEventListener("input", showLive);
  byId("live-refused").addEventListener("change", showLive);
  byId("pause").addEventListener("click", () => {
    held = held ? null : decisions.slice();
    waiting = 0;
    byId("pause").setAttribute("aria-pressed", String(held !== null));
    setText(byId("pause"), held ? "Go on" : "Pause");
    setText(byId("live-told"), held ? "Paused" : "Going on");
    showLive();
  });
}
