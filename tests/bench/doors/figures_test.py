"""python3 -m unittest doors.figures_test, in tests/bench."""

import unittest

from doors.figures import Bound, interval, ratios, short, spread


class IntervalTest(unittest.TestCase):
    def test_is_that_of_the_tables_of_order_statistics(self):
        # Ranks of the sign test's 95 % interval.
        for count, rank in ((6, 1), (8, 1), (9, 2), (15, 4), (20, 6), (25, 8)):
            values = list(range(1, count + 1))
            self.assertEqual(interval(values), (rank, count + 1 - rank), count)

    def test_of_few_values_is_all_of_them(self):
        self.assertEqual(interval([3]), (3, 3))
        self.assertEqual(interval([3, 1, 2]), (1, 3))
        self.assertEqual(interval([5, 1, 2, 4, 3]), (1, 5))


class BoundTest(unittest.TestCase):
    def test_holds_if_the_nearer_end_is_within(self):
        values = [1.0, 1.5, 2.0]
        self.assertEqual(Bound("2", "", values, most=1.0).verdict, "holds")
        self.assertEqual(Bound("2", "", values, most=0.9).verdict, "BROKEN")
        self.assertEqual(Bound("8", "", values, least=2.0).verdict, "holds")
        self.assertEqual(Bound("8", "", values, least=2.1).verdict, "BROKEN")
        self.assertEqual(Bound("2", "", [], most=1).verdict, "not measured")

    def test_pairs_what_was_measured_together(self):
        self.assertEqual(ratios([2, 6], [1, 2]), [2, 3])
        with self.assertRaises(ValueError):
            ratios([1], [1, 2])


class TextTest(unittest.TestCase):
    def test_is_short(self):
        self.assertEqual(short(0.12345), "0.123")
        self.assertEqual(short(123.4), "123")
        self.assertEqual(short(12345.6), "12,346")
        self.assertEqual(spread([1, 2, 3]), "2 (1–3)")


if __name__ == "__main__":
    unittest.main()
