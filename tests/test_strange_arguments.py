"""Odd arrays, names and numbers: whatever leaves the library is an error of its own."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch

import deeptsr
from deeptsr.config import (
    EncodeSettings,
    FitSettings,
    NetworkSettings,
    Options,
    PairSettings,
    PretrainSettings,
    PyramidSettings,
    RecurrenceSettings,
)
from deeptsr.errors import DeeptsrError, InputError, OptionError, OutputError
from deeptsr.imaging.volume import as_volume
from tests.helpers.clips import clip
from tests.helpers.synth import tiny

SHAPE = (6, 16, 16, 3)
ZEROS = np.zeros(SHAPE, np.float32)
HUGE = 10**5000


class Broken:
    """Claims to be an array."""

    def __array__(self, *args, **kwargs):
        raise RuntimeError("this is none")


STRANGE = {
    "ragged": [[1, 2], [3]],
    "none": None,
    "text": "hello",
    "dictionary": {},
    "complex": ZEROS.astype(np.complex64),
    "objects": ZEROS.astype(object),
    "broken": Broken(),
    "nan": ZEROS * np.nan,
    "infinite": (ZEROS + np.inf).astype(np.float16),
    "empty": ZEROS[:0],
    "flat": ZEROS[:, :0],
    "without data": torch.zeros(SHAPE, device="meta"),
    "rows": torch.zeros(6, 16).to_sparse(),
}


@pytest.mark.parametrize("name", STRANGE)
def test_strange_arrays_are_refused(name):
    with pytest.raises(InputError, match=r"expected|first"):
        deeptsr.upscale_array(STRANGE[name], tiny(2))


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16, torch.float64, torch.float32])
def test_tensors_of_any_precision_are_taken(kind):
    ramp = torch.linspace(0, 1, 6 * 16 * 16).reshape(6, 16, 16, 1).to(kind)
    assert torch.equal(as_volume(ramp), ramp.float())
    assert torch.equal(as_volume(ramp.to_sparse()), ramp.float())
    assert torch.equal(as_volume(ramp.requires_grad_()), ramp.float().detach())


NUMBERS = [math.nan, math.inf, -1, HUGE, -HUGE, 1e400, "1", None, [], Fraction(HUGE, 3), b"x"]
# Of each, what of these numbers it may be.
FIELDS = {
    "factor": [],
    "seed": [],
    "exposure": [],
    "fps": [None],
    "start": [None],
    "end": [None, math.inf, 1e400],
    "memory": [None],
    "time_budget": [None],
    "video_stream": [None],
}


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("value", NUMBERS, ids=lambda value: str(type(value).__name__))
def test_strange_numbers_are_refused(name, value):
    if any(value is good or value == good for good in FIELDS[name]):
        Options(**{name: value})
    else:
        with pytest.raises(OptionError, match=rf"^{name} is .*; expected"):
            Options(**{name: value})


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (PairSettings, {"crop": 0, "frames": -1, "batch": 0, "scales": (0.5, 2.0), "speeds": ()}),
        (NetworkSettings, {"channels": 0, "blocks": "6", "kind": 3}),
        (FitSettings, {"steps": 0, "checks": 0, "adapt_steps": -1, "margin": None}),
        (PyramidSettings, {"excerpt": 0, "voxels": 0, "coarsest": Fraction(3, 2), "networks": 0}),
        (PretrainSettings, {"steps": 0, "crop": 15, "rate": "fast", "pool": None}),
        (RecurrenceSettings, {"patch": 5, "neighbors": "x", "slices": 3, "scales": "abc"}),
        (EncodeSettings, {"codec": "x\0", "crf": "1", "pix_fmt": 3, "overwrite": 1}),
        (Options, {"prior": "\0", "scenes": None, "work_dir": "", "device": 3, "resume": "yes"}),
    ],
)
def test_settings_that_no_run_can_meet_are_refused(kind, values):
    kind()
    for name, value in values.items():
        with pytest.raises(OptionError, match=rf"^{name} (is|are) .*; expected"):
            kind(**{name: value})


@pytest.mark.parametrize("strange", ["fast", 3, {}, [], {"factor": 4}, Options])
def test_what_are_no_options_is_refused(strange, tmp_path):
    film = clip(tmp_path / "a.mkv", "-c:v", "ffv1", size="32x32", frames=8)
    for work in (
        lambda: deeptsr.upscale_file(film, tmp_path / "o.mkv", strange),
        lambda: deeptsr.upscale_array(ZEROS, strange),
        lambda: deeptsr.degrade_file(film, tmp_path / "o.mkv", strange),
        lambda: deeptsr.probe_file(film, strange),
        lambda: deeptsr.fit(ZEROS, strange),
    ):
        with pytest.raises(OptionError, match=r"options are .*; expected deeptsr\.Options"):
            work()


def test_presets_of_no_name():
    for name in ("nope", ["x"], None, "x" * 10_000):
        with pytest.raises(OptionError, match=r"preset is .*; expected one of fast"):
            deeptsr.preset(name)
    with pytest.raises(OptionError, match="there is no setting nope"):
        deeptsr.preset("fast", nope=3)


NAMES = {
    "long": "x" * 300 + ".mp4",
    "deep": "/".join(["d"] * 3000),
    "nul": "a\0b.mp4",
    "empty": "",
    "none": None,
    "number": 3,
    "missing": "none/none.mp4",
    "device": "/dev/null",
    "loop": "loop/a.mp4",
}


@pytest.mark.parametrize("name", NAMES)
def test_strange_names_are_refused(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    film = clip(tmp_path / "a.mp4", size="32x32", frames=8)
    strange = NAMES[name]
    for work in (
        lambda: deeptsr.probe_file(strange, tiny(2)),
        lambda: deeptsr.upscale_file(strange, "o.mp4", tiny(2)),
        lambda: deeptsr.degrade_file(strange, "o.mkv"),
        lambda: deeptsr.evaluate_file(strange, film),
        lambda: deeptsr.evaluate_file(film, strange),
    ):
        with pytest.raises(InputError, match=r";|expected"):
            work()
    for work in (
        lambda: deeptsr.upscale_file(film, strange, tiny(2)),
        lambda: deeptsr.degrade_file(film, strange),
    ):
        with pytest.raises(OutputError, match=r";|expected"):
            work()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "loop"]


@pytest.mark.parametrize("prior", ["/dev/zero", ".", "a.mp4", "none.safetensors"])
def test_strange_priors_are_refused(prior, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    film = clip(tmp_path / "a.mp4", size="32x32", frames=8)
    with pytest.raises(DeeptsrError, match="prior is"):
        deeptsr.upscale_file(film, "o.mp4", tiny(2, prior=prior))


def test_a_whole_number_is_a_number_and_a_fraction():
    assert PyramidSettings(coarsest=1).coarsest == 1
    assert Options(start=1, end=2, exposure=1).end == 2
