#!/usr/bin/env python3
"""What the page of the real binary shows, in a headless Chromium.

  page_test.py GATEMILTER [unittest's arguments]"""

import threading

import page_case
from browser import await_true
from page_case import PageCase
from page_setting import LONG, SCRIPT

ENTER = "\ue007"


class Overview(PageCase):
    def test_has_all_sections_and_each_has_an_address(self):
        for part in ("#tiles", "#chart", "#rules", "#top", "#live", "#health"):
            self.assertTrue(self.visible(part), part)
        for name, shown, hidden in (("rules", "#rules", "#live"),
                                    ("top", "#top", "#rules"),
                                    ("live", "#live", "#top"),
                                    ("health", "#health", "#rules")):
            self.browser.click(f".top nav a[href='#/{name}']")
            await_true(name, lambda: not self.visible(hidden) and
                       self.visible(shown))

    def test_the_range_switches_and_is_remembered(self):
        self.assertIn("Last hour", self.browser.text("#rules thead"))
        self.browser.click("[data-range=day]")
        self.assertIn("Last day", self.browser.text("#rules thead"))
        self.assertIn("in the last day", self.browser.text("#tiles"))
        self.assertIn("in the last day", self.browser.run(
            "return document.querySelector('#chart').ariaLabel"))
        self.browser.go(self.gate.url + "#/rules")
        self.browser.run("location.reload()")
        self.seen("#rules thead", "Last day")

    def test_the_chart_stacks_the_refusals_by_rule(self):
        stacks = self.browser.run("""
          return Chart.getChart("chart").data.datasets.map((one) =>
            [one.label, one.data.reduce((a, b) => a + b, 0), one.data.length])
          """)
        told = {label: total for label, total, _ in stacks}
        counted = {one["rule"]: one["last_hour"]
                   for one in self.gate.ask("api/stats")["rules"]
                   if not one["shadow"] and one["last_hour"]}
        self.assertEqual(told, counted)
        self.assertEqual(set(told), set(self.references))
        self.assertEqual({length for _, _, length in stacks}, {60})
        self.browser.click("[data-range=day]")
        self.assertEqual(self.browser.run(
            'return Chart.getChart("chart").data.labels.length'), 144)
        self.browser.click("#legend button")
        self.assertEqual(self.browser.run(
            'return Chart.getChart("chart").data.datasets.length'),
            len(told) - 1)

    def test_the_rules_can_be_filtered(self):
        for words, expected in (("relay", ["no_relay"]),
                                ("shadow", ["bare_helo"]),
                                ("never", ["never_holds"]),
                                ("MAIL helo", ["bare_helo", "markup_helo"]),
                                ("<i>", [])):
            self.browser.type("#rules-filter", words)
            names = [name.split("\n")[0].split(" ")[0] for name in
                     self.browser.texts("#rules-body th")]
            self.assertEqual(sorted(names), expected, words)
        self.assertIn("No rule fits", self.browser.text("#rules-empty"))

    def test_rules_show_counts_of_shadow_rules_apart(self):
        row = self.browser.run("""
          return [...document.querySelectorAll("#rules-body tr")]
            .find((one) => one.innerText.includes("bare_helo")).innerText""")
        self.assertIn("would reject", row)
        self.assertIn("shadow", row)
        self.assertEqual(self.tile(1), 1)
        self.assertEqual(len(self.browser.texts("#rules-body svg.spark")), 7)

    def test_top_lists_name_who_is_refused_most_and_lead_to_them(self):
        top = self.gate.ask("api/stats")["top"]
        for title, kind in (("Client networks", "client"),
                            ("Sender domains", "sender"),
                            ("Recipient domains", "rcpt")):
            shown = self.browser.text(f"#top [aria-label='{title}']")
            self.assertTrue(top[kind]["hour"]["keys"])
            for entry in top[kind]["hour"]["keys"]:
                self.assertIn(f"{entry['key']}\t{entry['count']}", shown)
        self.browser.click("#top a[href='#/why/198.51.100.9']")
        self.assertIn("by blocked_network", self.found("198.51.100.9"))

    def test_health_tells_of_policy_journal_and_lists(self):
        text = self.browser.text("#health")
        for part in ("policy.rules", "in memory", "blocked", "subjects",
                     "Journal"):
            self.assertIn(part, text)

    def test_live_decisions_can_be_filtered(self):
        self.browser.type("#live-filter", "198.51.100.9 blocked")
        rows = self.browser.texts("#live-body tr")
        self.assertTrue(rows)
        for row in rows:
            self.assertIn("198.51.100.9", row)
        self.browser.type("#live-filter", "no such thing")
        self.assertIn("None of the latest", self.browser.text("#live-empty"))


class Story(PageCase):
    def test_a_decision_is_found_by_its_reference(self):
        text = self.search(self.references["blocked_network"])
        line = 1 + self.policy_text().split("blocked_network:")[0].count("\n")
        for part in ("Rejected at connect by blocked_network",
                     f"policy.rules:{line}", "client.ip in blocked", "held",
                     "blocked.networks:3",
                     "554 5.7.1 Blocked network: 198.51.100.9"):
            self.assertIn(part, text)

    def policy_text(self):
        with open(self.gate.policy, encoding="utf-8") as file:
            return file.read()

    def test_a_limit_is_told_with_its_numbers(self):
        text = self.search(self.references["too_fast"].lower())
        for part in ("Deferred at RCPT by too_fast", "per_client",
                     "203.0.113.5", "5 of 5", "over", "room again in"):
            self.assertIn(part, text)

    def test_a_click_on_a_live_decision_opens_it(self):
        reference = self.references["no_relay"]
        self.browser.click(f"#live-body a[href='#/why/{reference}']")
        self.seen("#why", "Rejected at RCPT by no_relay")
        self.assertEqual(self.browser.run("return location.hash"),
                         f"#/why/{reference}")
        self.assertIn(reference, self.browser.run("return document.title"))
        self.browser.run("history.back()")
        self.seen("#overview", "Refused over time")

    def test_it_is_found_by_queue_id_address_and_network(self):
        for query, rule in (("4F2Qz71", "bad_subject"),
                            ("203.0.113.3", "bad_subject"),
                            ("198.51.100.0/24", "blocked_network")):
            self.assertIn(rule, self.search(query))

    def test_what_is_not_found_is_said(self):
        for query, answer in (("2222-2222", "No decision fits"),
                              (SCRIPT, SCRIPT), (LONG, LONG)):
            self.browser.type("#query", query)
            self.browser.press(ENTER)
            self.seen("#why", answer)
        self.browser.log("browser")  # a query that is none: 400


class NoAnswer(PageCase):
    """Stories of what was not known, in answers that the test makes."""

    def answer(self, answer):
        self.browser.run("""
const answer = arguments[0], ask = window.fetch;
window.fetch = (url, ...more) => String(url).startsWith("/api/why")
  ? Promise.resolve(new Response(JSON.stringify(answer))) : ask(url, ...more);
""", answer)

    def rows(self, selector):
        return [" ".join(text.split()) for text in self.browser.texts(selector)]

    def test_the_third_state_is_neither_yes_nor_no(self):
        limit = {"key": "203.0.113.5", "over": False, "retry_after_s": 0,
                 "local": False}
        self.answer({"records": [{
            "time": "2024-01-01T12:00:00.000000Z", "stage": "rcpt",
            "action": "defer", "facts": {}, "notes": [], "tried": [],
            "conditions": [
                {"text": "over gone", "held": False, "known": False,
                 "value": "", "entry": ""},
                {"text": "helo == \"x\"", "held": False, "known": True,
                 "value": "", "entry": ""}],
            "limits": [
                {"name": "gone", "used": 0, "allowed": 0, "away": True,
                 **limit},
                {"name": "room", "used": 2, "allowed": 5, "away": False,
                 **limit}],
            "bans": [{"key": "client.ip", "banned": False, "away": True},
                     {"key": "helo", "banned": False, "away": False}],
        }], "more": False})
        self.search("203.0.113.5")
        self.assertEqual(self.rows("#why .tests tbody tr"),
                         ["? unknown over gone", "✗ no helo == \"x\""])
        self.assertEqual(
            self.rows("#why .limits tbody tr"),
            ["gone 203.0.113.5 not known the store was away",
             "room 203.0.113.5 2 of 5 fits"])
        self.assertEqual(
            self.rows("#why .columns > div > .steps li"),
            ["client.ip the store was away", "helo not banned"])
        self.assertEqual(self.check("faint"), [])

    def test_a_search_that_was_ended_has_not_found_nothing(self):
        self.answer({"records": [], "more": False, "ended_after_s": 20})
        text = self.search("10.0.0.0/8")
        self.assertIn("ended after 20 s", text)
        self.assertNotIn("No decision fits", text)


class Flow(PageCase):
    def test_numbers_move_while_mail_flows(self):
        before, newest = self.tile(0), self.browser.text("#live-body tr")
        stop = threading.Event()

        def send():
            while not stop.wait(0.02):
                self.gate.session("203.0.113.77", "mx.spam.example",
                                  "a@spam.example", "b@elsewhere.example")
        sender = threading.Thread(target=send)
        sender.start()
        try:
            for _ in range(2):
                await_true("more refusals", lambda: self.tile(0) > before)
                before = self.tile(0)
            await_true("newer decisions", lambda: "203.0.113.77" in
                       self.browser.text("#live-body tr") != newest)
            self.browser.click("#pause")
            paused = self.browser.text("#live-body tr")
            self.seen("#live-note", "new decision")
            self.assertEqual(self.browser.text("#live-body tr"), paused)
        finally:
            stop.set()
            sender.join()

    def test_a_link_keeps_the_focus_while_counts_change(self):
        link = "#top a[href='#/why/203.0.113.2']"
        shown = self.browser.text("#top")
        self.browser.run("document.querySelector(arguments[0]).focus()", link)
        for _ in range(2):
            self.gate.session("198.51.100.9", "mx.spam.example",
                              "a@spam.example", "b@example.org")
        await_true("other counts", lambda: self.browser.text("#top") != shown)
        self.assertEqual(
            self.browser.run("return document.activeElement.hash"),
            "#/why/203.0.113.2")

    def test_a_fault_of_the_page_stops_no_numbers(self):
        self.browser.run("""
          const chart = Chart.getChart("chart");
          chart.update = () => { throw new Error("a test's"); };""")
        for _ in range(2):
            before = self.browser.text("#status")
            await_true("numbers of later", lambda: before !=
                       self.browser.text("#status"))
        self.browser.run('delete Chart.getChart("chart").update')
        self.browser.log("browser")


class Busy(PageCase):
    def test_a_pause_holds_however_many_come(self):
        self.browser.click("#pause")
        paused = self.browser.texts("#live-body tr")
        self.assertGreater(len(paused), 4)
        with self.gate.mta() as mta:
            mta.connect("203.0.113.78")
            mta.helo("mx.spam.example")
            mta.mail("a@spam.example")
            for i in range(520):  # more than the page keeps
                mta.rcpt(f"u{i}@elsewhere.example")
        self.seen("#live-note", "520 new decisions")
        self.assertEqual(self.browser.texts("#live-body tr"), paused)
        self.browser.click("#pause")
        self.assertIn("203.0.113.78", self.browser.text("#live-body tr"))


class Outage(PageCase):
    quiet = False  # requests that nobody answers

    def test_the_page_says_that_the_daemon_is_gone_and_recovers(self):
        self.assertEqual(self.browser.text("#warnings"), "")
        self.browser.click("#pause")
        paused = self.browser.texts("#live-body tr")
        self.gate.stop()
        warning = self.seen("#warnings", "No answer from gatemilter")
        self.assertIn("What is shown is of", warning)
        self.assertIn("as of", self.browser.text("#status"))
        self.assertIn("no_relay", self.browser.text("#rules-body"))
        self.gate.start()
        await_true("no warning", lambda: not self.browser.text("#warnings"))
        self.gate.session("203.0.113.79", "mx.spam.example", "a@spam.example",
                          "b@elsewhere.example")
        self.seen("#live-note", "1 new decision")  # its numbers begin anew
        self.assertEqual(self.browser.texts("#live-body tr"), paused)
        self.browser.click("#pause")
        self.seen("#live-body", "203.0.113.79")


class StoreOutage(PageCase):
    settings = ('set store redis "127.0.0.1:9"\nset outage local\n')

    def test_the_page_says_that_redis_is_away(self):
        warning = self.seen("#warnings", "Redis is away")
        self.assertIn("127.0.0.1:9", warning)
        self.assertIn("here alone", self.browser.text("#tiles"))
        self.assertIn("away", self.browser.text("#health"))


class DiskFull(PageCase):
    def test_the_page_says_what_is_not_written(self):
        self.assertEqual(self.browser.text("#warnings"), "")
        self.gate.limit_disk(0)
        self.gate.session("203.0.113.80", "mx.spam.example", "a@spam.example",
                          "b@elsewhere.example")
        warning = self.seen("#warnings", "The journal does not write")
        self.assertIn("File too large", warning)
        self.assertIn("does not write", self.browser.text("#health"))
        self.seen("#warnings", "Statistics are not saved")
        self.gate.limit_disk()
        self.gate.session("203.0.113.81", "mx.spam.example", "a@spam.example",
                          "b@elsewhere.example")
        await_true("both are written again", lambda: not any(
            fault in self.browser.text("#warnings")
            for fault in ("does not write", "are not saved")))


if __name__ == "__main__":
    page_case.main()
