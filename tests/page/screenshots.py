#!/usr/bin/env python3
"""Takes the screenshots of README.md: the page after a made-up day.

  screenshots.py GATEMILTER POLICY FOLDER

POLICY is contrib/policies/ten-rules.rules, FOLDER contrib/screenshots."""

import os
import re
import sys
import time

import leftovers
import sample_day
from browser import Browser, await_true
from gatemilter import Gatemilter
from small_png import shrink

MOST_BYTES = 150_000


def play(gate):
    """The newest decisions, and a story worth telling: its reference."""
    for client, name, helo, sender, rcpt, user, subject in sample_day.MAIL:
        headers = {"From": sender, "To": rcpt, "Subject": subject,
                   "Precedence": "bulk" if "news" in sender else "first-class"}
        gate.session(client, helo, sender, rcpt, headers, "4F2Qz71kXc", name,
                     user)
        time.sleep(0.6)
    with gate.mta() as mta:
        mta.connect("203.0.113.12", "laptop.example.com")
        mta.helo("laptop.example.com", "TLSv1.3")
        mta.mail("bob@example.org", "bob")
        told = ""
        for i in range(202):
            told = mta.rcpt(f"u{i}@elsewhere.example", "4F2QzJ0v1Y")
            if told.startswith("4"):
                break
    return re.search(r"\[([0-9A-Z-]+)\]$", told).group(1)


def settle(browser, selector, text):
    await_true(f"{text} in {selector}",
               lambda: text in browser.text(selector))
    time.sleep(0.5)  # the chart is drawn


def take(gate, folder, browser):
    reference = play(gate)
    shots = {}

    def shoot(name):
        shots[name] = os.path.join(folder, name + ".png")
        browser.screenshot(shots[name])

    browser.prefer("light")
    browser.resize(1280, 1180)
    browser.go(gate.url)
    browser.run("localStorage.setItem('gatemilter.range', 'day')")
    browser.go("about:blank")
    browser.go(gate.url)
    settle(browser, "#live-body", reference)
    settle(browser, "#rules thead", "Last day")
    shoot("light")
    browser.prefer("dark")
    settle(browser, "#rules thead", "Last day")
    shoot("dark")
    browser.prefer("light")
    browser.go(gate.url + "#/why/" + reference)
    settle(browser, "#why", "1 decision")
    browser.resize(1280, 880)
    shoot("why")
    browser.resize(390, 844, phone=True)
    browser.go(gate.url + "#/")
    settle(browser, "#rules thead", "Last day")
    shoot("phone")
    return shots.values()


def main(binary, policy, folder):
    with leftovers.folder() as work:
        for name in ("journal", "state", "browser"):
            os.mkdir(os.path.join(work, name))
        with open(policy, encoding="utf-8") as file:
            rules = re.sub(r"^set socket .*$", "", file.read(), flags=re.M)
        with open(os.path.join(work, "state", "statistics"), "wb") as file:
            file.write(sample_day.state())
        gate = Gatemilter(os.path.abspath(binary), work,
                          f'set journal "{work}/journal"\n'
                          f'set state "{work}/state"\n{rules}').start()
        try:
            browser = Browser(os.path.join(work, "browser"))
            try:
                for path in take(gate, folder, browser):
                    size = shrink(path)
                    print(f"{path}: {size} bytes")
                    if size > MOST_BYTES:
                        sys.exit("too large for the tree")
            finally:
                browser.close()
        finally:
            gate.stop()


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    leftovers.on_signals()
    main(*sys.argv[1:])
