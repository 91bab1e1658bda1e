"""Which frames of the input a climb depends on."""

from deeptsr.pyramid.climb import climb
from deeptsr.pyramid.reach import first_needed, margin
from tests.helpers.climbs import every, fitted
from tests.helpers.synth import gap, noise


@every
def test_a_window_with_its_margin_gives_what_is_wanted(name):
    stages, factor = fitted(name)
    clip, wanted = noise(30, 9, 10, 3), range(14, 16)
    around = margin(stages)
    first, last = max(0, wanted.start - around), min(30, wanted.stop + around)
    window = clip[first:last]
    made = climb(stages, window, first=first, total=30, wanted=wanted)
    assert gap(made, climb(stages, clip)[14 * factor : 16 * factor]) < 1e-4


def test_the_margin_is_honest_and_no_larger_than_the_sum_of_what_stages_see():
    stages, factor = fitted("compact")
    around = margin(stages)
    assert around <= sum(s.reach for s in stages)
    clip = noise(2 * around + 5, 8, 8, 3)
    touched, middle = clip.clone(), around + 2
    touched[middle] = 1 - touched[middle]
    change = (climb(stages, touched) - climb(stages, clip)).abs().amax((1, 2, 3)) > 1e-6
    frames = change.view(-1, factor).any(1)
    assert frames[middle - 1 : middle + 2].all()
    assert not frames[: middle - around].any()
    assert not frames[middle + around + 1 :].any()


def test_a_climb_that_begins_later_reads_no_more_than_it_needs():
    stages, _ = fitted("compact")
    assert first_needed(stages, 2) == 0
    assert first_needed(stages, 19) == 19 - margin(stages)
    assert first_needed(stages, 19, cuts=(3, 18, 20)) == 18
