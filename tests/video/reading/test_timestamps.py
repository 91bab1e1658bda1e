from fractions import Fraction

import pytest

from deeptsr.imaging.timeline import Timeline
from deeptsr.system.humanize import describe_rate
from deeptsr.video.reading.timestamps import find_timeline

NTSC = Fraction(24000, 1001)
MS = Fraction(1, 1000)


def find(stamps, base, rates, **more):
    return find_timeline(stamps, base, rates, frames=len(stamps), **more)


def milliseconds(rate, frames):
    return [round(i / rate * 1000) for i in range(frames)]


def test_a_rate_is_found_through_rounded_milliseconds():
    found = find(milliseconds(NTSC, 500), MS, [Fraction(983, 41), NTSC], last=42)
    assert found == (Timeline.constant(NTSC, 500), "")


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(60000, 1001), NTSC * 8, Fraction(12)])
def test_a_rate_is_found_without_any_claim(rate):
    assert find(milliseconds(rate, 300), MS, []) == (Timeline.constant(rate, 300), "")


def test_a_claim_that_the_clock_counts_exactly_is_kept():
    odd = Fraction(2398, 100)
    stamps = [i * 50 for i in range(60)]
    assert find(stamps, Fraction(1, 1199), [odd])[0].rate == odd


def test_order_and_start_do_not_matter():
    stamps = [1001 * i + 90 for i in (0, 4, 2, 1, 3)]
    found, _ = find(stamps, Fraction(1, 24000), [NTSC])
    assert found == Timeline.constant(NTSC, 5, Fraction(90, 24000))


def test_a_variable_rate_keeps_its_moments():
    stamps = [40 * n + 120 for n in (0, 1, 2, 5, 6, 10, 15, 25, 26, 35)]
    found, note = find(stamps[::-1], MS, [Fraction(25)], last=80)
    assert found.clock == Fraction(1, 25)  # the longest clock that counts them
    assert [found.moment(i) * 1000 for i in range(11)] == [*stamps, stamps[-1] + 80]
    assert note == (
        "variable frame rate, or frames are missing: 2.5 fps to 25 fps, 6.757 fps on average"
    )


@pytest.mark.parametrize(("last", "end"), [(0, 80), (1, 80), (40, 40), (200, 200)])
def test_a_last_frame_without_a_sensible_length_gets_a_usual_one(last, end):
    found, _ = find([0, 40, 120, 160, 240, 320], MS, [], last=last)
    assert found.duration * 1000 == 320 + end


def test_a_last_frame_that_is_held_stays_so():
    found, note = find([i * 40 for i in range(20)], MS, [Fraction(25)], last=400)
    assert (found.is_constant, found.duration) == (False, Fraction(116, 100))
    assert "2.5 fps to 25 fps" in note
    assert find([i * 40 for i in range(20)], MS, [Fraction(25)], last=41)[0].is_constant


def test_a_cut_end_does_not_make_a_rate_variable():
    stamps = [*(i * 40 for i in range(20)), 21 * 40, 24 * 40]
    found, note = find(stamps, MS, [Fraction(25)], cut_off=True)
    assert found == Timeline.constant(Fraction(25), 22)
    assert "last 2 frames" in note
    assert not find(stamps, MS, [Fraction(25)])[0].is_constant


def test_the_clock_of_a_variable_rate_leaves_room_for_a_factor():
    base = Fraction(1, 10**9)
    found, _ = find([0, 40_000_400, 90_000_000], base, [])
    assert found.clock >= Fraction(1, 10**6)
    assert found.moment(1) == Fraction(40, 1000)


def test_timestamps_that_repeat_are_spread_and_said():
    found, note = find([0, 40, 40, 200], MS, [])
    assert (found.is_constant, found.rate) == (True, 15)
    assert "same timestamp" in note


def test_no_timestamps_and_a_single_one():
    assert find_timeline([], MS, [NTSC], frames=9)[0] == Timeline.constant(NTSC, 9)
    assert "no timestamps: taken as 25 fps" in find([], MS, [None, Fraction(0)])[1]
    assert find([7], MS, [NTSC]) == find([7], MS, [NTSC, Fraction(90000)])
    assert "no frame rate" in find([7], MS, [Fraction(90000)])[1]


def test_rates_for_people():
    assert [describe_rate(Fraction(r)) for r in (25, NTSC, Fraction(25, 2))] == [
        *("25 fps", "23.976 fps", "12.5 fps")
    ]


@pytest.mark.parametrize(("steps", "said"), [((3003, 4504), True), ((3003, 6006), False)])
def test_film_in_turns_of_two_and_three_fields_names_the_remedy(steps, said):
    stamps = [0]
    for number in range(23):
        stamps.append(stamps[-1] + steps[number % 2])
    timeline, note = find_timeline(stamps, Fraction(1, 90_000), (None,), frames=24)
    assert not timeline.is_constant
    assert ("`vfr` cfr" in note) == said
