"""Memory that runs out before the work has begun: while a budget is measured, or a file is read."""

import pytest

from deeptsr.errors import ResourceError
from deeptsr.jobs import probe, upscale
from tests.helpers.clips import clip
from tests.helpers.synth import tiny

TORCH = "[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: not enough memory"


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError(TORCH)])
@pytest.mark.parametrize("step", ["within_time_budget", "resolve_file"])
def test_it_is_told_as_such(error, step, tmp_path, monkeypatch):
    def fail(*args, **named):
        raise error

    film = clip(tmp_path / "a.mp4", size="32x32", frames=8)
    for module, work in ((upscale, upscale.upscale_file), (probe, probe.plan_file)):
        monkeypatch.setattr(module, step, fail)
        with pytest.raises(ResourceError, match="memory ran out; expected as much"):
            work(film, tmp_path / "o.mp4", tiny(2, time_budget=8.0))


def test_other_errors_stay_what_they_are(tmp_path, monkeypatch):
    def fail(*args, **named):
        raise RuntimeError("a bug")

    monkeypatch.setattr(probe, "resolve_file", fail)
    with pytest.raises(RuntimeError, match="a bug"):
        probe.plan_file(tmp_path / "a.mp4", tmp_path / "o.mp4", tiny(2))
