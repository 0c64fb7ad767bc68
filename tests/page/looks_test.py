#!/usr/bin/env python3
"""How the page looks, how it is used without a mouse, and what hostile values
do to it, in a headless Chromium.

  looks_test.py GATEMILTER [unittest's arguments]"""

import json

import page_case
from browser import await_true, open_url
from page_case import PageCase
from page_setting import IMAGE, LONG, SCRIPT

TAB, ENTER, SPACE = "\ue004", "\ue007", " "


class Hostile(PageCase):
    def test_the_check_finds_an_element_that_is_not_ours(self):
        self.browser.run("document.body.insertAdjacentHTML("
                         "'beforeend', '<i id=x>x</i>')")
        self.assertEqual(self.check("foreign"), ['<i id="x">x</i>'])
        self.browser.run("document.querySelector('#x').remove()")

    def test_the_check_finds_characters_that_are_not_seen(self):
        self.browser.run("document.querySelector('#title').append('\\u202e')")
        self.assertEqual(self.check("unseen"), ["202e"])

    def test_values_are_shown_as_text(self):
        live = self.browser.text("#live-body")
        self.assertIn(SCRIPT, live)
        self.assertIn("<img src=x>", live)
        self.assertIn(LONG, live)
        story = self.search(self.references["bad_subject"])
        self.assertIn(IMAGE, story)
        self.assertIn("<b>bad<i>.strings:1", story)
        self.assertIn("4F<i>x</i>", self.search("203.0.113.6"))
        self.assertIn(SCRIPT, self.search(self.references["markup_helo"]))
        self.assertEqual(self.check("foreign"), [])

    def test_characters_that_turn_text_round_are_written_out(self):
        self.assertIn("\\u202egro.elpmaxe", self.browser.text("#live-body"))
        self.assertEqual(self.check("unseen"), [])
        story = self.search(self.references["no_relay"])
        self.assertIn("\\u202egro.elpmaxe", story)
        self.assertEqual(self.check("unseen"), [])

    def test_nothing_is_asked_of_another_origin(self):
        self.search(self.references["no_relay"])
        asked = []
        for entry in self.browser.log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                asked.append(message["params"]["request"]["url"])
        for path in ("", "app.js", "app.css", "chart.js", "api/stats"):
            self.assertIn(self.gate.url + path, asked)
        self.assertEqual([url for url in asked
                          if not url.startswith(self.gate.url)], [])

    def test_the_content_security_policy_is_strict(self):
        with open_url(self.gate.url) as answer:
            policy = answer.headers["Content-Security-Policy"]
        rules = dict(part.strip().split(" ", 1) for part in policy.split(";"))
        self.assertEqual(rules["default-src"], "'none'")
        self.assertEqual({value for name, value in rules.items()} -
                         {"'none'", "'self'"}, set())
        for name in ("base-uri", "form-action", "frame-ancestors"):
            self.assertEqual(rules[name], "'none'")

    def test_the_browser_keeps_to_it(self):
        self.assertEqual(self.browser.run("""
          const script = document.createElement("script");
          script.textContent = "window.ran = true";
          document.head.append(script);
          script.remove();
          return window.ran || false"""), False)
        self.assertEqual(self.browser.run("""
          return fetch("http://localhost:9/").then(() => "asked",
            (error) => error.name)"""), "TypeError")
        self.assertIn("Content Security Policy",
                      "".join(self.console_errors()))


class Looks(PageCase):
    def views(self):
        for path, title in (("#/", "Overview"), ("#/rules", "Rules"),
                            ("#/top", "Top"), ("#/live", "Live"),
                            ("#/health", "Health")):
            self.browser.go(self.gate.url + path)
            self.seen("#title", title)
            yield path
        for rule in ("no_relay", "too_fast", "bad_subject"):
            self.browser.go(self.gate.url + "#/why/" + self.references[rule])
            self.found(self.references[rule])
            yield rule

    def test_colours_have_contrast_in_light_and_dark(self):
        for scheme in ("light", "dark"):
            self.browser.prefer(scheme)
            back = self.browser.run(
                "return getComputedStyle(document.body).backgroundColor")
            self.assertEqual(max(map(int, back[4:-1].split(","))) < 64,
                             scheme == "dark")
            for view in self.views():
                self.assertEqual(self.check("faint"), [], (scheme, view))

    def test_the_check_finds_faint_text(self):
        self.browser.run("document.querySelector('#title').style.color = "
                         "'rgb(150, 150, 150)'")
        self.assertEqual(self.check("faint"), ["2.73: Overview"])

    def test_the_theme_can_be_chosen_and_is_remembered(self):
        seen = []
        for _ in range(3):
            self.browser.click("#theme")
            seen.append(self.browser.run(
                "return [document.documentElement.dataset.theme || '',"
                "getComputedStyle(document.body).colorScheme]")[0])
        self.assertEqual(seen, ["light", "dark", ""])
        self.browser.click("#theme")
        self.browser.click("#theme")
        self.browser.run("location.reload()")
        await_true("dark", lambda: self.browser.run(
            "return document.documentElement.dataset.theme") == "dark")

    def test_on_a_phone_nothing_scrolls_sideways(self):
        for width in (390, 320):
            self.browser.resize(width, 844, phone=True)
            for view in self.views():
                self.assertEqual(self.check("tooWide"), [], (width, view))

    def test_the_check_finds_what_is_too_wide(self):
        self.browser.resize(390, 844, phone=True)
        self.browser.run("document.querySelector('main').style.width = '500px'")
        self.assertNotEqual(self.check("tooWide"), [])


class Keyboard(PageCase):
    def tab_to(self, wanted):
        """Presses Tab until the focus is there; it must be seen each time."""
        for _ in range(200):
            self.browser.press(TAB)
            focus = self.check("focus")
            self.assertTrue(focus["seen"], focus)
            if focus["what"] == wanted:
                return
        self.fail(f"Tab does not reach {wanted}")

    def test_the_check_finds_a_focus_that_is_not_seen(self):
        self.tab_to("query")
        self.browser.run("document.activeElement.style.outline = 'none'")
        self.assertEqual(self.check("focus"), {"what": "query", "seen": False})

    def test_reaches_search(self):
        self.tab_to("query")
        for key in self.references["blocked_network"] + ENTER:
            self.browser.press(key)
        self.seen("#why", "by blocked_network")
        self.assertEqual(self.check("focus")["what"], "why-title")

    def test_reaches_theme_and_range(self):
        self.tab_to("theme")
        self.browser.press(ENTER)
        self.assertEqual(self.browser.run(
            "return document.documentElement.dataset.theme"), "light")
        self.tab_to("day")
        self.browser.press(SPACE)
        self.assertIn("Last day", self.browser.text("#rules thead"))

    def test_the_first_key_skips_to_the_content(self):
        self.browser.press(TAB)
        self.browser.press(ENTER)
        await_true("the focus is there",
                   lambda: self.check("focus")["what"] == "main")
        self.assertNotIn("main", self.browser.run("return location.hash"))

    def test_reaches_a_decision_and_the_focus_stays_while_others_come(self):
        link = f"#/why/{self.references['bad_subject']}"
        self.tab_to(link)
        self.gate.session("203.0.113.78", "mx.spam.example", "a@spam.example",
                          "b@elsewhere.example")
        self.seen("#live-body", "203.0.113.78")
        self.assertEqual(self.check("focus")["what"], link)
        self.browser.press(ENTER)
        self.seen("#why", "by bad_subject")


if __name__ == "__main__":
    page_case.main()
