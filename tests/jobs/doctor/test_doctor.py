"""The machine, examined: what is found, and what is advised."""

import os
from dataclasses import replace

import pytest
import torch

from deeptsr import jobs
from deeptsr.errors import DeviceError, OutputError
from deeptsr.events import Examined, Progress
from deeptsr.jobs.doctor.advice import advice
from deeptsr.jobs.doctor.machine import cards, disk_speed
from deeptsr.jobs.resources.forecast import Speeds

FOUND = Examined(
    versions=(("torch", "2.9"),),
    processor="A processor",
    features=("AVX2",),
    cores=8,
    threads=8,
    memory_bytes=32_000_000_000,
    free_bytes=16_000_000_000,
    cards=(("A card", 80_000_000_000),),
    device="cuda",
    precision="bfloat16",
    encoders=("libx264",),
    missing=(),
    priors=("compact-16x6.safetensors",),
    folder="out",
    disk_speed=1e9,
    disk_free=10**12,
    clip="10 s",
    times=(("fast", 60.0),),
)


@pytest.fixture
def measured(monkeypatch):
    """Speeds that are asked for once."""
    asked = []

    def measure(task, options, excerpt):
        asked.append((task, options.preset))
        return Speeds(0.1, 1e10, 1e-9)

    monkeypatch.setattr("deeptsr.jobs.doctor.examine.measure", measure)
    return asked


def test_the_machine_is_examined(tmp_path, measured):
    told = []
    found = jobs.examine(tmp_path, "cpu", told.append)
    assert told[-1] == found
    assert all(isinstance(event, Progress) for event in told[:-1])
    assert list(tmp_path.iterdir()) == []
    assert found.cores == len(os.sched_getaffinity(0))
    assert found.threads == torch.get_num_threads()
    assert found.precision in ("float32", "bfloat16")
    assert {"libx264", "ffv1", "aac"} <= {*found.encoders, *found.missing}
    names = ("compact-16x6", "fusion-16x6", "recurrent-16x6", "space-24x6")
    assert found.priors == tuple(f"{name}.safetensors" for name in names)
    assert 1e6 < found.disk_speed < 1e12
    assert dict(found.versions)["torch"] == torch.__version__


def test_one_measurement_tells_of_every_preset(tmp_path, measured):
    times = dict(jobs.examine(tmp_path, "cpu").times)
    ((task, _),) = measured
    assert (task.frames, task.height, task.width) == (300, 720, 1280)
    assert list(times) == ["fast", "balanced", "quality", "paper"]
    assert sorted(times.values()) == list(times.values())
    assert times["fast"] > 1


def test_a_device_or_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(DeviceError):
        jobs.examine(tmp_path, "cuda:99")
    with pytest.raises(OutputError, match="is no folder"):
        jobs.examine(tmp_path / "none", "cpu")


def test_a_disk_that_is_written(tmp_path):
    assert disk_speed(tmp_path) > 0
    assert not list(tmp_path.iterdir())


def test_cards_are_named(monkeypatch):
    card = type("Card", (), {"name": "A card", "total_memory": 5})
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda n: card)
    assert cards() == (("A card", 5), ("A card", 5))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert cards() == ()


@pytest.mark.parametrize(
    ("changes", "given", "words"),
    [
        ({"cards": ()}, {}, "a CUDA card would"),
        ({"cards": ()}, {"hidden_card": True}, "this torch does not see it"),
        ({"threads": 1}, {}, "torch uses 1 of 8 cores"),
        ({}, {"load": 6.5}, "keep about 6.5 of 8 cores busy"),
        ({"cards": (), "precision": "float32"}, {}, "twice as fast"),
        ({"free_bytes": 10**9}, {}, "1.0 GB of memory are free"),
        ({"disk_speed": 1e6}, {}, "out takes 1.0 MB a second"),
        ({"times": (("fast", 7200.0),)}, {}, "--time-budget"),
    ],
)
def test_what_would_help_is_advised_where_it_would(changes, given, words):
    plain = {"hidden_card": False, "load": 0.5}
    found = advice(replace(FOUND, **changes), **{**plain, **given})
    assert any(words in sentence for sentence in found)
    assert not any(words in sentence for sentence in advice(FOUND, **plain))
    assert "--save-fit" in found[-1]
