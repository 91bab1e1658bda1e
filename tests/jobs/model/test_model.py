"""A fit as an object: made of one clip, used on others."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import deeptsr
from deeptsr.config import EncodeSettings
from deeptsr.errors import InputError, OptionError, OutputError
from deeptsr.events import FitKept, FitReused, SelfChecked, StageFitted, Warned, ignore
from deeptsr.jobs.upscale import upscale_array, upscale_file
from deeptsr.system.lock import alone
from tests.helpers.clips import clip as clip_file
from tests.helpers.clips import decode
from tests.helpers.scenes import clip as scenes
from tests.helpers.synth import FIT, gap, pan, tiny

OPTIONS = tiny(4, fit=replace(FIT, steps=5))


@pytest.fixture(scope="module")
def frames():
    return pan(12, 24, 30)


@pytest.fixture(scope="module")
def model(frames):
    return deeptsr.fit(frames, OPTIONS)


def test_a_model_makes_what_a_run_on_the_array_makes(frames, model):
    made = np.stack(list(model.upscale(frames)))
    assert made.dtype == np.float32
    assert np.array_equal(made, upscale_array(frames, OPTIONS))


def test_frames_may_come_one_by_one_and_each_comes_out_when_it_can(frames, model):
    read = []
    small = model.with_options(pyramid=replace(model.options.pyramid, voxels=24 * 30 * 4 * 2))
    given = (read.append(n) or frame for n, frame in enumerate([*frames] * 3))
    made = [next(out := small.upscale(given)), *out]
    assert len(made) == 144
    read.clear()
    given = (read.append(n) or frame for n, frame in enumerate([*frames] * 10))
    next(small.upscale(given))
    assert len(read) < 60  # of 120


def test_scenes_are_found_on_the_way():
    options = replace(OPTIONS, factor=2)
    clip = scenes((1, 12), (11, 9))
    model = deeptsr.fit(clip, options)
    made = np.stack(list(model.upscale(iter(clip))))
    assert np.array_equal(made, upscale_array(clip, options))
    joined = np.stack(list(model.with_options(scenes="off").upscale(iter(clip))))
    assert np.abs(made[22:26] - joined[22:26]).max() > 0.001


def test_listed_scenes(tmp_path, frames, model):
    (tmp_path / "cuts.txt").write_text("5\n")
    listed = model.with_options(scenes=str(tmp_path / "cuts.txt"))
    made = np.stack(list(listed.upscale(frames)))
    apart = [*model.upscale(frames[:5]), *model.upscale(frames[5:])]
    assert np.array_equal(made, np.stack(apart))


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float64"])
def test_every_type_and_grey(model, frames, kind):
    top = 1 if kind == "float64" else np.iinfo(kind).max
    gray = (np.asarray(frames)[..., :1] * top).astype(kind)
    made = list(model.upscale(gray))
    assert len(made) == 48
    assert made[0].shape == (24, 30, 1)
    assert (
        gap(
            torch.from_numpy(np.stack(made)).unflatten(0, (12, 4)).mean(1),
            torch.from_numpy(gray / top).float(),
        )
        < 0.05
    )


def test_a_model_is_kept_and_makes_the_same(tmp_path, frames, model):
    model.save(tmp_path / "camera.safetensors")
    again = deeptsr.load(tmp_path / "camera.safetensors").with_options(device="cpu")
    for one, other in zip(model.upscale(frames), again.upscale(frames), strict=True):
        assert np.array_equal(one, other)
    with pytest.raises(OutputError, match="exists"):
        model.save(tmp_path / "camera.safetensors")
    model.save(tmp_path / "camera.safetensors", overwrite=True)


def test_a_smaller_factor_is_made_of_the_same_model(model, frames):
    assert len(list(model.with_options(factor=2).upscale(frames))) == 24
    with pytest.raises(OptionError, match="goes up to factor 4"):
        list(model.with_options(factor=8).upscale(frames))


def test_no_frames_and_one(model, frames):
    assert list(model.upscale([])) == []
    made = list(model.upscale(frames[:1]))
    assert all(np.array_equal(frame, np.asarray(frames[0])) for frame in made)
    assert len(made) == 4


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ([np.zeros((24, 30))], r"frame 0 has the shape \(24, 30\); expected \(H, W, C\)"),
        ([np.zeros((24, 30, 3)), np.zeros((24, 31, 3))], r"frame 1 .* expected \(24, 30, 3\)"),
        ([np.full((24, 30, 3), 2.0)], "outside"),
    ],
)
def test_frames_that_cannot_be(model, wrong, words):
    with pytest.raises(InputError, match=words):
        list(model.upscale(wrong))


def test_large_frames_do_not_suit_a_fit_of_small_ones(model):
    with pytest.raises(OptionError, match="about the size"):
        next(model.upscale(np.zeros((2, 640, 640, 3), np.uint8)))


# In files


def test_what_was_fitted_to_one_file_is_used_on_the_next(tmp_path):
    first = clip_file(tmp_path / "1.mkv", size="32x24")
    second = clip_file(tmp_path / "2.mkv", "-vf", "hflip", size="32x24")
    fit, told = tmp_path / "camera.safetensors", []
    lossless = replace(OPTIONS, encode=EncodeSettings("ffv1"))
    upscale_file(first, tmp_path / "a.mkv", replace(lossless, save_fit=str(fit)), told.append)
    (kept,) = [event for event in told if isinstance(event, FitKept)]
    assert kept.size_bytes == fit.stat().st_size

    told.clear()
    given = replace(lossless, fit_file=str(fit))
    upscale_file(second, tmp_path / "b.mkv", given, told.append)
    assert [event for event in told if isinstance(event, FitReused)]
    assert [event for event in told if isinstance(event, SelfChecked)]
    assert not [event for event in told if isinstance(event, StageFitted)]
    # On its own clip, it makes what its own run made.
    upscale_file(first, tmp_path / "c.mkv", given)
    one, again = (decode(tmp_path / name, None, (32, 24)) for name in ("a.mkv", "c.mkv"))
    assert np.array_equal(one, again)


def test_a_fit_that_does_not_suit_is_told_before_the_work(tmp_path):
    source = clip_file(tmp_path / "in.mkv", size="32x24")
    (tmp_path / "fit").write_text("hello")
    for options, words in (
        (replace(OPTIONS, fit_file=str(tmp_path / "fit")), "cannot be read as one"),
        (replace(OPTIONS, save_fit=str(tmp_path / "no" / "fit")), "does not exist"),
        (replace(OPTIONS, save_fit=str(tmp_path / "fit")), "exists"),
    ):
        told = []
        with pytest.raises(OptionError, match=words):
            upscale_file(source, tmp_path / "out.mkv", options, told.append)
        assert told == []
    assert (tmp_path / "fit").read_text() == "hello"


def test_the_same_command_again_finds_its_own_fit_and_leaves_another(tmp_path, frames):
    fit = tmp_path / "fit"
    options = replace(OPTIONS, save_fit=str(fit))
    upscale_array(frames, options)
    before, told = fit.read_bytes(), []
    upscale_array(frames, options, told.append)  # as a run that goes on does
    assert [event for event in told if isinstance(event, FitKept)]
    told.clear()
    upscale_array(pan(12, 24, 30, seed=5), options, told.append)
    assert any("another fit" in e.message for e in told if isinstance(e, Warned))
    assert fit.read_bytes() == before


def test_frames_too_few_to_learn_from_can_be_climbed_with_a_fit(tmp_path, frames):
    fit = str(tmp_path / "fit")
    deeptsr.fit(frames, OPTIONS).save(fit)
    cuts = tmp_path / "cuts.txt"
    cuts.write_text("3\n")
    options = replace(OPTIONS, fit_file=fit, scenes=str(cuts))
    told = []
    assert len(upscale_array(frames[:6], options, told.append)) == 24
    assert not [event for event in told if isinstance(event, Warned)]


def test_a_model_raises_the_frame_rate_alone(frames, model):
    with pytest.raises(OptionError, match="scale is 2 and size is None; expected 1 and None"):
        model.with_options(scale=2)
    with pytest.raises(OptionError, match="expected 1 and None"):
        deeptsr.fit(frames, replace(OPTIONS, size="1080p"))


@pytest.mark.parametrize("name", ["fit_file", "save_fit"])
def test_a_fit_has_no_use_where_nothing_is_fitted(frames, tmp_path, name):
    given = {name: str(tmp_path / "fit.safetensors")}
    options = replace(tiny(scale=2), factor=1, **given)
    with pytest.raises(OptionError, match=f"{name} is .* factor is 1"):
        upscale_array(frames, options)


def test_strange_frames_names_and_settings_are_refused(model, tmp_path):
    for strange in (5, [[[1, 2], [3]]], ["text"], [object()]):
        with pytest.raises(InputError, match="expected"):
            list(model.upscale(strange))
    with pytest.raises(OptionError, match="there is no setting colour"):
        model.with_options(colour=3)
    for name in (5, "", "a\0b"):
        with pytest.raises(OutputError, match="expected"):
            model.save(name)


def test_two_runs_do_not_keep_their_fit_in_one_file_at_once(frames, tmp_path):
    fit = tmp_path / "fit"
    with (
        alone([fit], ignore),
        pytest.raises(OutputError, match="in the hands of another run"),
    ):
        upscale_array(frames, replace(OPTIONS, save_fit=str(fit)))
    assert not fit.exists()
