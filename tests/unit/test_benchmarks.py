"""What the benchmarks' page makes of figures; that they are measured rightly, only a benchmark shows."""

import re

from benchmarks.pictures import Curve, curves
from benchmarks.summary import ratio, summary


def test_rounds_are_summed_up_by_their_median_with_the_range():
    assert str(summary([3.0, 1.0, 2.0])) == "2.00 (1.00 to 3.00)"


def test_the_ratio_is_of_medians_and_none_where_one_is_missing():
    assert ratio([1.0, 2.0, 9.0], [4.0, 4.0, 1.0]) == "0.50"
    assert ratio([1.0], []) == ""


def test_names_of_curves_that_end_at_one_height_do_not_lie_upon_each_other():
    same = [(1.0, 1.0), (10.0, 10.0)]

    picture = curves("Time", [Curve(name=name, points=same, kind=0) for name in ("one", "two")], across="x", up="y")

    heights = [float(found) for found in re.findall(r' y="([\d.]+)"[^>]*>(?:one|two)<', picture)]
    assert abs(heights[0] - heights[1]) >= 16
