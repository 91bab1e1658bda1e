from fractions import Fraction

import pytest

from deeptsr.io.timing import describe_rate, find_rate

NTSC = Fraction(24000, 1001)
MS = Fraction(1, 1000)


def milliseconds(rate, frames):
    return [round(i / rate * 1000) for i in range(frames)]


def test_a_rate_is_found_through_rounded_milliseconds():
    timing = find_rate(milliseconds(NTSC, 500), MS, [Fraction(983, 41), NTSC])
    assert (timing.rate, timing.start, timing.note) == (NTSC, 0, "")


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(60000, 1001), NTSC * 8, Fraction(12)])
def test_a_rate_is_found_without_any_claim(rate):
    assert find_rate(milliseconds(rate, 300), MS, []).rate == rate


def test_a_claim_that_the_clock_counts_exactly_is_kept():
    odd = Fraction(2398, 100)
    stamps = [i * 50 for i in range(60)]
    assert find_rate(stamps, Fraction(1, 1199), [odd]).rate == odd


def test_order_and_start_do_not_matter():
    timing = find_rate([1001 * i + 90 for i in (0, 4, 2, 1, 3)], Fraction(1, 24000), [NTSC])
    assert timing.rate == NTSC
    assert timing.start == Fraction(90, 24000)


def test_variable_rate_becomes_its_average_and_says_so():
    stamps = [0, 40, 80, 200, 240, 400, 600, 1000, 1040, 1400]
    timing = find_rate(stamps, MS, [Fraction(25)])
    assert timing.rate == Fraction(9 * 1000, 1400)
    assert "treated as constant at its average of 6.429 fps" in timing.note
    assert timing.note.startswith("variable frame rate")


def test_a_cut_end_does_not_make_a_rate_variable():
    stamps = [*(i * 40 for i in range(20)), 21 * 40, 24 * 40]
    timing = find_rate(stamps, MS, [Fraction(25)], cut_off=True)
    assert (timing.rate, timing.note) == (25, "")
    timing = find_rate(stamps, MS, [Fraction(25)])
    assert timing.rate == 25
    assert "last 2 frames" in timing.note


def test_no_timestamps_and_a_single_one():
    assert find_rate([], MS, [NTSC]).rate == NTSC
    assert "no timestamps: taken as 25 fps" in find_rate([], MS, [None, Fraction(0)]).note
    assert find_rate([7], MS, [NTSC]) == find_rate([7], MS, [NTSC, Fraction(90000)])
    assert "no frame rate" in find_rate([7], MS, [Fraction(90000)]).note


def test_rates_for_people():
    assert [describe_rate(Fraction(r)) for r in (25, NTSC, Fraction(25, 2))] == [
        *("25 fps", "23.976 fps", "12.5 fps")
    ]
