"""How much memory a run takes: what is told, and what a bound leads to."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from deeptsr.config import NETWORKS, preset
from deeptsr.errors import ResourceError
from deeptsr.jobs.resources import memory
from deeptsr.jobs.resources.memory import Clip, bounded, chunk_length, part_length, peak
from deeptsr.jobs.resources.models import models_of
from deeptsr.learning.recipe import climbs
from deeptsr.pyramid.plan import plan
from deeptsr.pyramid.reach import margin

CPU = torch.device("cpu")
FILM = Clip(1000, 720, 1280)
SMALL = Clip(1000, 180, 320)  # of which more is fitted on than must be
FAST = preset("fast")
OPTIONS = replace(FAST, pyramid=replace(FAST.pyramid, networks=None))  # one in every stage
STAGES = plan(8, 720, 1280, OPTIONS.pyramid.coarsest)


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    """One with as much memory as any."""
    monkeypatch.setattr(memory, "total", lambda: 10**13)


def within(bytes_, clip=FILM, stages=STAGES):
    return bounded(clip, replace(OPTIONS, memory=bytes_), stages, CPU)


def test_without_a_bound_nothing_is_cut_but_an_excerpt_of_large_frames():
    free = bounded(FILM, OPTIONS, STAGES, CPU)
    assert free.pyramid.voxels == OPTIONS.pyramid.voxels
    assert free.pyramid.excerpt == memory._LOOKED_AT // (720 * 1280)
    small = bounded(SMALL, OPTIONS, STAGES, CPU)
    assert small.pyramid.excerpt == OPTIONS.pyramid.excerpt
    short = replace(SMALL, frames=40)
    assert bounded(short, OPTIONS, STAGES, CPU).pyramid == OPTIONS.pyramid


@pytest.mark.parametrize("name", ["fast", "balanced", "quality"])
def test_a_long_clip_of_small_frames_takes_no_more_than_pays(name):
    options, clip = preset(name, factor=4), Clip(1500, 96, 160)
    stages = plan(4, 96, 160, options.pyramid.coarsest)
    free = bounded(clip, options, stages, CPU)
    assert peak(clip, free, stages) < 1e9
    models = models_of((clip.height, clip.width), options, stages)
    chunk = chunk_length(96, 160, free)
    assert chunk >= 5 * margin(models)
    assert peak(replace(clip, frames=150), bounded(clip, options, stages, CPU), stages) < 1e9
    # A clip that fits into one chunk anyway is not cut.
    short = bounded(replace(clip, frames=100), options, stages, CPU)
    assert chunk_length(96, 160, short) >= 100


@pytest.mark.parametrize("factor", [2, 4, 8])
@pytest.mark.parametrize("sides", [(176, 304), (144, 256), (180, 240), (96, 160)])
def test_a_clip_of_less_than_320_x_180_takes_less_than_a_gigabyte(factor, sides):
    options, clip = preset("fast", factor=factor), Clip(1500, *sides)
    stages, *smaller = climbs(options, *sides)
    free = bounded(clip, options, stages, CPU)
    assert peak(clip, free, stages) < 1e9
    assert all(peak(clip, free, each) <= peak(clip, free, stages) for each in smaller)
    # A first stage of full size takes memory of which chunks have less.
    pays = 1.3 if sides != (176, 304) else 1.0
    assert chunk_length(*sides, free) >= pays * margin(models_of(sides, options, stages))


def test_what_goes_on_with_what_is_known_takes_no_memory_to_learn():
    stages = plan(4, 180, 320, FAST.pyramid.coarsest)
    known, fresh = (
        memory._fitting(SMALL, o, models_of((SMALL.height, SMALL.width), o, stages, special=True))
        for o in (preset("fast", factor=4), preset("fast", factor=4, prior="none"))
    )
    assert known < 0.6 * fresh


def test_a_chunk_is_as_long_as_the_fit_s_memory_has_room_for():
    clip = Clip(1500, 48, 64)
    stages = plan(4, 48, 64, FAST.pyramid.coarsest)
    options = preset("fast", factor=4)
    free = bounded(clip, options, stages, CPU)
    models = models_of((clip.height, clip.width), options, stages, special=True)
    assert chunk_length(48, 64, free) > 10 * margin(models)
    longer = replace(free.pyramid, voxels=free.pyramid.voxels + 48 * 64 * 4)
    assert memory._climbing(clip, replace(free, pyramid=longer), models) > 9e8


@pytest.mark.parametrize("share", [0.95, 0.8, 0.7])
def test_a_bound_is_met(share):
    free = bounded(SMALL, OPTIONS, STAGES, CPU)
    whole = peak(SMALL, free, STAGES)
    cut = within(round(share * whole), SMALL)
    assert peak(SMALL, cut, STAGES) <= share * whole
    assert cut.pyramid.excerpt <= free.pyramid.excerpt
    assert cut.pyramid.voxels <= free.pyramid.voxels
    assert cut.pyramid != free.pyramid


def test_no_more_is_cut_than_must_be():
    cut = within(round(0.7 * peak(SMALL, bounded(SMALL, OPTIONS, STAGES, CPU), STAGES)), SMALL)
    frame = OPTIONS.factor * SMALL.pixels
    longer = replace(cut, pyramid=replace(cut.pyramid, voxels=cut.pyramid.voxels + frame))
    assert peak(SMALL, longer, STAGES) > cut.memory


def test_a_bound_is_met_by_what_is_exposed_anew():
    """Its frames are held beside a chunk: where the bound is just met without, the chunk is cut."""
    plain, anew = bounded(FILM, OPTIONS, STAGES, CPU), replace(FILM, retimed=True)
    bound = peak(FILM, plain, STAGES)
    cut = within(bound, anew)
    assert peak(anew, plain, STAGES) > bound >= peak(anew, cut, STAGES)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_keeps_to_a_bound_whatever_the_number_of_frames(name):
    options = replace(OPTIONS, network=NETWORKS[name])
    free = bounded(SMALL, options, STAGES, CPU)
    cut = bounded(SMALL, replace(options, memory=int(0.8 * peak(SMALL, free, STAGES))), STAGES, CPU)
    assert peak(SMALL, cut, STAGES) <= cut.memory < peak(SMALL, free, STAGES)
    assert peak(replace(SMALL, frames=10**5), cut, STAGES) == peak(SMALL, cut, STAGES)


def test_a_stage_without_a_network_takes_no_more():
    few, all_of_them = (
        bounded(FILM, replace(options, prior="none"), STAGES, CPU) for options in (FAST, OPTIONS)
    )
    assert few.pyramid.voxels == OPTIONS.pyramid.voxels
    assert peak(FILM, few, STAGES) < peak(FILM, all_of_them, STAGES)


def test_a_bound_that_nothing_meets_is_refused():
    with pytest.raises(ResourceError, match=r"memory is 500 MB .* 1280 x 720 .* needs about"):
        within(500_000_000)


def test_a_small_machine_is_not_filled(monkeypatch):
    free = bounded(SMALL, OPTIONS, STAGES, CPU)
    whole = peak(SMALL, free, STAGES)
    monkeypatch.setattr(memory, "total", lambda: whole)
    cut = bounded(SMALL, OPTIONS, STAGES, CPU)
    assert peak(SMALL, cut, STAGES) <= 0.8 * whole
    least = peak(SMALL, within(round(0.65 * whole), SMALL), STAGES)
    monkeypatch.setattr(memory, "total", lambda: least)
    tight = bounded(SMALL, OPTIONS, STAGES, CPU)  # less than most of it is left, and it is tried
    assert peak(SMALL, tight, STAGES) <= least
    assert chunk_length(180, 320, tight) < chunk_length(180, 320, free)
    monkeypatch.setattr(memory, "total", lambda: None)
    assert bounded(SMALL, OPTIONS, STAGES, CPU) == free
    assert bounded(SMALL, OPTIONS, STAGES, torch.device("cuda")) == free


def test_the_peak_grows_with_the_frames_and_not_with_their_number():
    sides = [(96, 160), (360, 640), (720, 1280), (1080, 1920)]
    needed = []
    for height, width in sides:
        clip, stages = Clip(1000, height, width), plan(8, height, width, OPTIONS.pyramid.coarsest)
        options = bounded(clip, OPTIONS, stages, CPU)
        needed.append(peak(clip, options, stages))
        assert peak(replace(clip, frames=10**6), options, stages) == needed[-1]
        assert peak(replace(clip, frames=8), options, stages) < needed[-1]
        assert peak(replace(clip, retimed=True), options, stages) >= needed[-1]
    assert needed == sorted(needed)


def test_parts_are_whole_chunks_of_some_seconds():
    options = replace(OPTIONS, pyramid=replace(OPTIONS.pyramid, voxels=100 * 100 * 8 * 7))
    assert chunk_length(100, 100, options) == 7
    assert part_length(100, 100, options) == 21
    assert part_length(1000, 1000, options) == 15


def test_what_no_machine_has_is_refused_unless_it_is_asked_for(monkeypatch):
    huge = Clip(5, 12_000, 12_000)
    stages = plan(8, 12_000, 12_000, FAST.pyramid.coarsest)
    monkeypatch.setattr(memory, "total", lambda: 25_000_000_000)
    with pytest.raises(ResourceError, match=r"needs about .* may use 25 GB; expected .*`memory`"):
        bounded(huge, FAST, stages, CPU)
    allowed = bounded(huge, replace(FAST, memory=10**12), stages, CPU)
    assert peak(huge, allowed, stages) > 25_000_000_000
    bounded(huge, FAST, stages, torch.device("cuda"))


def test_larger_frames_take_more_but_not_with_their_number_or_the_factor():
    options = bounded(FILM, FAST, STAGES, CPU)
    plain = peak(FILM, options, STAGES)
    assert peak(replace(FILM, large=(720, 1280)), options, STAGES) == plain
    double, full = (replace(FILM, large=size) for size in ((1440, 2560), (2160, 3840)))
    needed = [peak(clip, options, STAGES) for clip in (FILM, double, full)]
    assert needed == sorted(needed)
    assert peak(replace(double, frames=10**6), options, STAGES) == needed[1]
    # A chunk of the large result, of which nothing is held, would take as much by itself:
    chunk = chunk_length(720, 1280, options) * 8 * 1440 * 2560 * 3 * 4
    assert needed[1] - plain < chunk
    alone = peak(double, replace(FAST, factor=1, scale=2), ())
    assert alone < needed[1]
    assert peak(replace(double, frames=10**6), replace(FAST, factor=1, scale=2), ()) == alone
