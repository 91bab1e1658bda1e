"""How much memory a run takes: what is told, and what a bound leads to."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from deeptsr.config import preset
from deeptsr.errors import ResourceError
from deeptsr.jobs.resources import memory
from deeptsr.jobs.resources.memory import Clip, bounded, chunk_length, part_length, peak
from deeptsr.pyramid.plan import plan
from deeptsr.system import ram

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
    assert free.pyramid.excerpt == OPTIONS.pyramid.voxels // (720 * 1280)
    small = Clip(1000, 96, 160)
    assert bounded(small, OPTIONS, STAGES, CPU).pyramid == OPTIONS.pyramid


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


def test_a_stage_without_a_network_takes_no_more():
    free = bounded(FILM, FAST, STAGES, CPU)
    assert free.pyramid.voxels == OPTIONS.pyramid.voxels
    assert peak(FILM, free, STAGES) < peak(FILM, bounded(FILM, OPTIONS, STAGES, CPU), STAGES)


def test_a_bound_that_nothing_meets_is_refused():
    with pytest.raises(ResourceError, match=r"memory is 500 MB .* 1280 x 720 .* needs about"):
        within(500_000_000)


def test_a_small_machine_is_not_filled(monkeypatch):
    free = bounded(SMALL, OPTIONS, STAGES, CPU)
    whole = peak(SMALL, free, STAGES)
    monkeypatch.setattr(memory, "total", lambda: whole)
    cut = bounded(SMALL, OPTIONS, STAGES, CPU)
    assert peak(SMALL, cut, STAGES) <= 0.8 * whole
    monkeypatch.setattr(memory, "total", lambda: 10**8)  # nobody asked for a bound: none refused
    assert chunk_length(180, 320, bounded(SMALL, OPTIONS, STAGES, CPU)) == 1
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
        assert peak(clip, options, stages, retimed=True) >= needed[-1]
    assert needed == sorted(needed)


def test_parts_are_whole_chunks_of_some_seconds():
    options = replace(OPTIONS, pyramid=replace(OPTIONS.pyramid, voxels=100 * 100 * 8 * 7))
    assert chunk_length(100, 100, options) == 7
    assert part_length(100, 100, options) == 21
    assert part_length(1000, 1000, options) == 15


def test_what_is_free_is_asked_of_the_system(monkeypatch, tmp_path):
    told = {"memory.max": 800, "memory.current": 300}
    monkeypatch.setattr(ram, "_told", {"MemAvailable": 600}.get)
    monkeypatch.setattr(ram, "_group", told.get)
    assert ram.free() == 500
    told["memory.max"] = None
    assert ram.free() == 600
    monkeypatch.undo()
    free = ram.free()
    assert free is None or free > 1_000_000


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
