"""A video in, its heatmap and its numbers out."""

import json
import os

import numpy as np
import pytest
import torch
from PIL import Image

from deeptsr.config import RecurrenceSettings
from deeptsr.errors import InputError, OptionError, OutputError, ResourceError
from deeptsr.events import Inspected, Progress
from deeptsr.jobs.inspect import inspect_file
from deeptsr.system import files
from deeptsr.video import probe, read
from tests.helpers.clips import clip, raw_clip
from tests.helpers.full_disk import full
from tests.helpers.synth import pan

FEW = RecurrenceSettings(stride=6, max_patches=500)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return clip(tmp_path_factory.mktemp("in") / "clip.mkv", size="66x48", frames=20)


def inspected(video, *rest, **settings):
    return inspect_file(video, *rest, settings.pop("settings", FEW), device="cpu", **settings)


def test_a_picture_and_numbers(video, tmp_path):
    told = []
    picture, numbers = tmp_path / "heat.png", tmp_path / "stats.json"
    found = inspected(video, picture, numbers, frames=(5, 6), on_event=told.append)
    with Image.open(picture) as page:
        page.verify()
    assert json.loads(numbers.read_text()) == found
    assert found["frames"] == [5, 6]
    assert found["searched_frames"] == [0, 20]
    assert set(found["uniform_motion"]) == {"explains", "pixels_a_frame"}
    assert set(found["recommended_mix"]) == {"within", "across", "shift", "reason"}
    assert (found["width"], found["height"]) == (66, 48)
    assert isinstance(told[-1], Inspected)
    assert told[-1].outputs == (str(picture), str(numbers))
    shares = [event.fraction for event in told if isinstance(event, Progress)]
    assert shares == sorted(shares)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["heat.png", "stats.json"]


def test_a_video_of_heatmaps(video, tmp_path):
    place = tmp_path / "heat.mkv"
    inspected(video, place, None, frames=(4, 9))
    info = probe(place)
    assert info.frames == 5
    assert info.rate == probe(video).rate
    frames = np.stack(list(read(info)))
    assert np.ptp(frames[..., :-60, :, :], axis=3).mean() > 0.05  # coloured


def test_without_frames_the_middle_of_the_most_motion_is_shown(video, tmp_path):
    assert inspected(video, None, tmp_path / "n.json")["frames"] == [10, 11]


@pytest.fixture(scope="module")
def cut(tmp_path_factory):
    """Three scenes, of 20, 24 and 8 frames; most moves in the second."""
    scenes = [
        pan(n, 48, 64, speed=s, seed=k) for k, (n, s) in enumerate(((20, 1), (24, 3), (8, 1)))
    ]
    numbers = (torch.cat(scenes) * 255).round().byte().numpy()
    return raw_clip(tmp_path_factory.mktemp("cut") / "cut.mkv", numbers, "rgb24", (64, 48))


@pytest.mark.parametrize(
    ("frames", "searched"),
    [
        (None, [20, 44]),
        ((3, 4), [0, 20]),
        ((43, 44), [20, 44]),
        ((47, 48), [0, 52]),  # its own scene is too short
        ((18, 22), [0, 44]),  # they lie in two
    ],
)
def test_what_is_searched_lies_in_the_scene_of_the_frame(cut, frames, searched):
    assert inspected(cut, None, None, frames=frames)["searched_frames"] == searched


@pytest.mark.parametrize(
    ("frames", "words"), [((20, 21), "frame 20 of"), ((15, 21), "frame 15 to 20 of")]
)
def test_frames_that_are_not_there(video, frames, words):
    with pytest.raises(OptionError, match=f"{words}.*its 20 frames"):
        inspected(video, None, None, frames=frames)


def test_too_few_frames_say_the_least_size(tmp_path):
    short = clip(tmp_path / "short.mkv", frames=4)
    with pytest.raises(InputError, match=r"4 frames .* at least 16 frames"):
        inspected(short, None, None)


def test_outputs_are_never_replaced_unasked(video, tmp_path):
    place = tmp_path / "heat.png"
    place.write_text("mine")
    for outputs in ((place, None), (None, place)):
        with pytest.raises(OutputError, match="exists"):
            inspected(video, *outputs)
    with pytest.raises(OutputError, match="does not exist"):
        inspected(video, tmp_path / "none" / "heat.png", None)
    with pytest.raises(OutputError, match="expected one of"):
        inspected(video, tmp_path / "heat.jpeg2", None)
    assert place.read_text() == "mine"
    inspected(video, None, place, overwrite=True)
    assert place.read_text() != "mine"


@pytest.mark.parametrize("outputs", [("heat.png", None), (None, "stats.json"), ("heat.mkv", None)])
def test_a_full_disk_is_told(video, tmp_path, outputs, monkeypatch):
    monkeypatch.setattr(files, "rename_to_free", full)
    places = (name and tmp_path / name for name in outputs)
    with pytest.raises(ResourceError, match="is full"):
        inspected(video, *places, frames=(4, 5))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("outputs", [("heat.png", None), (None, "stats.json"), ("heat.mkv", None)])
def test_two_at_once_respect_each_other(video, tmp_path, outputs):
    places, refused = [name and tmp_path / name for name in outputs], []

    def another(event):
        if not refused:
            with pytest.raises(OutputError, match="is in the hands of another run") as caught:
                inspected(video, *places, frames=(4, 5))
            refused.append(caught)

    inspected(video, *places, frames=(4, 5), on_event=another)
    assert refused
    assert os.listdir(tmp_path) == [name for name in outputs if name]
