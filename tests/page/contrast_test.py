#!/usr/bin/env python3
"""Computes the contrast of the page's colours (WCAG 2.1, 1.4.3 and 1.4.11).

  contrast_test.py APP.CSS

Text has 4.5 to 1 on every ground that it stands on, what only marks has 3 to 1;
in light and in dark."""

import re
import sys
import unittest

GROUNDS = ("page", "card", "raised")
TEXT = {"text": GROUNDS, "muted": GROUNDS, "accent": GROUNDS,
        "on-accent": ("accent",), "reject": ("reject-back", "card"),
        "defer": ("defer-back", "card"), "accept": ("accept-back", "card"),
        "shadow": ("shadow-back", "card")}
TEXT_ON_WARNINGS = ("reject-back", "defer-back")
MARKS = {"edge": ("page", "card"), "shadow": ("card", "raised"),
         **{f"series-{n}": ("card",) for n in range(1, 9)}}
SCHEMES = {"light": 0, "dark": 1}


def luminance(colour):
    channels = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
              for c in channels]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear))


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


class Contrast(unittest.TestCase):
    css = ""

    @classmethod
    def setUpClass(cls):
        pairs = re.findall(r"--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}), "
                           r"(#[0-9a-f]{6})\)", cls.css)
        cls.palette = {name: colours for name, *colours in pairs}

    def check(self, least, pairs):
        for scheme, i in SCHEMES.items():
            for name, grounds in pairs:
                for ground in grounds:
                    found = contrast(self.palette[name][i],
                                     self.palette[ground][i])
                    with self.subTest(f"{name} on {ground}, {scheme}"):
                        self.assertGreaterEqual(round(found, 2), least)

    def test_black_on_white_is_21_to_1(self):
        self.assertAlmostEqual(contrast("#000000", "#ffffff"), 21)
        self.assertAlmostEqual(contrast("#767676", "#ffffff"), 4.54, places=2)

    def test_text_is_read_on_its_grounds(self):
        self.check(4.5, TEXT.items())
        self.check(4.5, [("text", TEXT_ON_WARNINGS)])

    def test_bars_and_borders_are_seen(self):
        self.check(3, MARKS.items())

    def test_there_is_no_colour_beside_the_palette(self):
        rules = self.css[self.css.index("}"):]
        self.assertEqual(re.findall(r"#[0-9a-f]{3,8}\b|\brgba?\(|\bhsla?\(",
                                    rules), [])


if __name__ == "__main__":
    with open(sys.argv.pop(1), encoding="utf-8") as file:
        Contrast.css = file.read()
    unittest.main()
