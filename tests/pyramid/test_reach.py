"""Which frames of the input a climb depends on."""

from deeptsr.pyramid.climb import climb
from deeptsr.pyramid.reach import all_loads, first_needed, margin
from deeptsr.pyramid.stage import FittedStage
from deeptsr.pyramid.stream import stream
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


@every
def test_the_loads_of_all_chunks_are_what_a_climb_by_chunks_looks_at(name, monkeypatch):
    stages, _ = fitted(name)
    chunk = margin(stages) + 2
    total, seen = 4 * chunk, [0] * len(stages)
    real = FittedStage.looked_at

    def looked_at(stage, wanted, length):
        found = real(stage, wanted, length)
        seen[stages.index(stage)] += len(found[1])
        return found

    counted = [
        [count * load.seen for load in loads] for count, loads in all_loads(stages, chunk, total)
    ]
    assert len(counted) == 3
    monkeypatch.setattr(FittedStage, "looked_at", looked_at)
    for _ in stream(stages, noise(total, 8, 8, 3), total, chunk):
        pass
    assert seen == [sum(each) for each in zip(*counted, strict=True)]
