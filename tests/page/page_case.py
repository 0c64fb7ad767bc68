"""What all tests of the page share."""

import os
import sys
import unittest

import leftovers
from browser import await_true
from page_setting import Setting

with open(os.path.join(os.path.dirname(__file__), "page_checks.js"),
          encoding="utf-8") as checks_file:
    CHECKS = checks_file.read().strip()


def binary():
    return sys.argv[1]


class PageCase(unittest.TestCase):
    """A gatemilter that refused once by each rule, and an open page."""

    settings = ""
    quiet = True  # what a test does writes no error to the console

    @classmethod
    def setUpClass(cls):
        cls.setting = Setting(binary(), cls.settings)
        cls.addClassCleanup(cls.setting.close)
        cls.setting.open()
        cls.gate, cls.browser = cls.setting.gate, cls.setting.browser
        cls.references = cls.setting.play()

    def setUp(self):
        self.browser.resize(1280, 900)
        self.browser.prefer("light")
        self.browser.go("about:blank")
        self.browser.go(self.gate.url)
        self.browser.run("localStorage.clear()")
        self.browser.go("about:blank")
        self.browser.log("browser")
        self.browser.log("performance")
        self.browser.go(self.gate.url)
        self.seen("#live-body", self.references["too_fast"])
        self.seen("#rules-body", "no_relay")

    def tearDown(self):
        if self.quiet:
            self.assertEqual(self.console_errors(), [])
        self.assertEqual(self.check("foreign"), [])

    def console_errors(self):
        return [one["message"] for one in self.browser.log("browser")
                if one["level"] in ("SEVERE", "WARNING")]

    def seen(self, selector, text):
        """Waits until the element shows the text; what it shows."""
        def shows():
            shown = self.browser.text(selector)
            return shown if text in shown else ""
        try:
            return await_true(f"{text!r} in {selector}", shows)
        except Exception as error:
            raise AssertionError(
                f"{error}: {self.browser.text(selector)[:2000]}") from None

    def check(self, name):
        return self.browser.run(f"return ({CHECKS}).{name}()")

    def visible(self, selector):
        return self.browser.run("return document.querySelector(arguments[0])"
                                ".checkVisibility()", selector)

    def search(self, query):
        self.browser.type("#query", query)
        self.browser.click("#search button")
        return self.found(query)

    def found(self, query):
        """Waits for the answer to the search; what it shows."""
        await_true(query, lambda: self.browser.text("#why-title") == query)
        self.seen("#why [role=status]", "decision")
        return self.browser.text("#why")

    def tile(self, number):
        text = self.browser.texts("#tiles .value")[number]
        return int(text.replace(",", ""))


def main():
    """GATEMILTER stays the first argument; the others are unittest's."""
    sys.argv[1] = os.path.abspath(sys.argv[1])
    leftovers.on_signals()
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
