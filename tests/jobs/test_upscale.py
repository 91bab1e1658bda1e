"""A whole run: an array, or a file, in; the same at a higher frame rate out."""

import gc
import json
import os
import shutil
import weakref
from dataclasses import replace
from fractions import Fraction

import imageio.v3 as iio
import numpy as np
import pytest
import torch

from deeptsr.config import EncodeSettings, NetworkSettings, PyramidSettings, preset
from deeptsr.errors import DeviceError, InputError, OptionError, OutputError, ResourceError
from deeptsr.events import Budgeted, Planned, Progress, SelfChecked, StageFitted, Warned, to_json
from deeptsr.imaging.exposure import expose, repeat
from deeptsr.jobs import pipeline, render, upscale
from deeptsr.jobs.probe import plan_file
from deeptsr.jobs.resources import memory
from deeptsr.jobs.upscale import upscale_array, upscale_file
from deeptsr.system import devices
from tests.helpers.clips import clip, decode, describe, raw_clip, sound, timestamps
from tests.helpers.synth import FIT, gap, noise, pan, still, tiny

CLIMB = PyramidSettings(coarsest=Fraction(1, 4))
NTSC = Fraction(24000, 1001)


def upscaled(frames, options):
    """The result as a tensor, and what was told."""
    told = []
    result = upscale_array(frames, options, told.append)
    assert result.dtype == np.float32
    assert 0 <= result.min() <= result.max() <= 1
    assert all(to_json(event) for event in told)
    return torch.from_numpy(result), told


def warnings_of(told):
    return [event.message for event in told if isinstance(event, Warned)]


# --- arrays ---


@pytest.mark.parametrize("factor", [2, 3, 4, 5, 6, 16])
def test_every_factor(factor):
    frames = pan(14, 19, 27)
    made, _ = upscaled(frames, tiny(factor))
    assert made.shape == (14 * factor, 19, 27, 3)
    assert gap(expose(made, factor), frames) < 0.02  # clipped to [0, 1]
    dim = frames * 0.4 + 0.3  # nothing to clip
    assert gap(expose(upscaled(dim, tiny(factor))[0], factor), dim) < 1e-5


@pytest.mark.parametrize("size", [(96, 113), (16, 16), (101, 20)])
def test_a_climb_from_coarse_to_fine(size):
    frames = pan(8, *size) * 0.4 + 0.3
    made, told = upscaled(frames, tiny(8, pyramid=CLIMB))
    assert made.shape == (64, *size, 3)
    assert gap(expose(made, 8), frames) < 1e-5
    if min(size) > 95:
        assert any("S1/2" in e.label for e in told if isinstance(e, StageFitted))


@pytest.mark.parametrize(("kind", "top"), [("uint8", 255), ("uint16", 65535), ("float64", 1)])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_type_and_colour(kind, top, channels):
    frames = (np.asarray(pan(8, 24, 25))[..., :channels] * 0.4 + 0.3) * top
    frames = frames.astype(kind)
    made, _ = upscaled(frames, tiny())
    assert made.shape == (16, 24, 25, channels)
    assert gap(expose(made, 2), torch.from_numpy(frames / np.float64(top)).float()) < 1e-5


def test_the_result_stays_between_black_and_white():
    frames = noise(8, 20, 21, 3).round()
    made, _ = upscaled(frames, tiny(4))  # which checks it
    assert (made == 0).any()
    assert (made == 1).any()


def test_the_input_is_left_alone():
    frames = np.asarray(pan(8, 24, 25))
    before = frames.copy()
    upscaled(frames, tiny())
    assert np.array_equal(frames, before)


def test_delta_exposure_keeps_every_frame():
    frames = pan(8, 24, 25)
    made, _ = upscaled(frames, tiny(6, exposure="delta"))
    assert gap(made[::6], frames) < 1e-6


@pytest.mark.parametrize(("share", "lit"), [(0.5, 4), (0.3, 2), (0.9, 8)])
def test_a_share_is_the_mean_of_the_first_frames(share, lit):
    frames = pan(8, 100, 110) * 0.4 + 0.3
    options = tiny(8, exposure=share, pyramid=replace(CLIMB, rounds=2))
    made, told = upscaled(frames, options)
    assert gap(made.unflatten(0, (8, 8))[:, :lit].mean(1), torch.as_tensor(frames)) < 1e-5
    assert [stage.outcome for stage in told if isinstance(stage, StageFitted)]


def test_the_share_is_found_in_the_video(monkeypatch):
    seen = []
    monkeypatch.setattr(
        "deeptsr.jobs.model.array_job.share_of",
        lambda clip, count, options: seen.append((count, clip.shape)) or 0.5,
    )
    frames = pan(120, 24, 25)
    found, _ = upscaled(frames, tiny(4, exposure="auto"))
    given, _ = upscaled(frames, tiny(4, exposure=0.5))
    assert torch.equal(found, given)
    assert seen == [(120, (120, 24, 25, 3))]


def test_a_shutter_that_closed_and_is_taken_for_open_is_told(monkeypatch):
    monkeypatch.setattr("deeptsr.learning.self_check.closes", lambda *_: True)
    _, told = upscaled(pan(24, 24, 25), preset("fast", factor=2, fit=FIT))
    check = next(event for event in told if isinstance(event, SelfChecked))
    assert (check.confidence, check.closes) == ("guess", True)
    said = [m for m in warnings_of(told) if "looks as if it closed" in m]
    assert len(said) == 1
    assert "try `exposure` auto" in said[0]
    assert not any("disagrees with itself" in message for message in warnings_of(told))


@pytest.mark.parametrize("exposure", ["full", "delta"])
@pytest.mark.parametrize("size", [(24, 25), (100, 110)])
def test_a_static_clip_stays_static_and_warns(exposure, size):
    frames = still(8, *size)
    made, told = upscaled(frames, tiny(8, exposure=exposure, pyramid=CLIMB))
    assert gap(made, repeat(frames, 8)) < 1 / 255
    assert any("no gain over linear interpolation" in message for message in warnings_of(told))


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_flat_clip_stays_flat(value):
    made, told = upscaled(torch.full((6, 20, 20, 3), value), tiny(4))
    assert gap(made, torch.full((24, 20, 20, 3), value)) < 1 / 255
    assert warnings_of(told)


def test_the_same_seed_gives_the_same_bytes():
    frames, options = pan(10, 24, 25), tiny(4, fit=replace(FIT, steps=5))
    one, again = (upscale_array(frames, options).tobytes() for _ in range(2))
    assert one == again
    assert one != upscale_array(frames, replace(options, seed=1)).tobytes()


def test_the_memory_of_a_chunk_does_not_change_the_result(monkeypatch):
    monkeypatch.setattr(devices, "precision", lambda device: torch.float32)
    frames, options = pan(40, 24, 25), tiny(4)
    settings = replace(options.pyramid, excerpt=32)  # so that both are fitted on the same frames
    whole, _ = upscaled(frames, replace(options, pyramid=settings))
    small = replace(settings, voxels=24 * 25 * 4 * 3)
    made, told = upscaled(frames, replace(options, pyramid=small))
    assert sum(isinstance(e, Progress) and e.phase == "render" for e in told) > 10
    assert gap(made, whole) < 1e-4


@pytest.mark.parametrize("frames", [0, 1, 3])
def test_too_few_frames_are_refused(frames):
    with pytest.raises(InputError, match=f"has {frames} frame.*expected at least 4"):
        upscale_array(noise(frames, 20, 20, 3), tiny())


@pytest.mark.parametrize("size", [(15, 40), (40, 15), (1, 1)])
def test_tiny_frames_are_refused(size):
    with pytest.raises(
        InputError, match=f"{size[1]} x {size[0]} pixels; expected at least 16 x 16"
    ):
        upscale_array(noise(8, *size, 3), tiny())


@pytest.mark.parametrize(("frames", "factor"), [(4, 2), (4, 3), (4, 5), (9, 7), (14, 7), (12, 31)])
def test_a_step_that_is_large_for_the_clip_is_taken_or_refused_in_words(frames, factor):
    clip = pan(frames, 18, 21) * 0.4 + 0.3
    try:
        made, _ = upscaled(clip, tiny(factor))
    except (InputError, OptionError) as error:
        assert "expected" in str(error)  # noqa: PT017
    else:
        assert gap(expose(made, factor), clip) < 1e-5


def test_a_wrong_shape_is_refused():
    with pytest.raises(InputError, match=r"expected \(T, H, W, C\)"):
        upscale_array(np.zeros((8, 20, 20), np.uint8), tiny())


def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(DeviceError):
        upscale_array(noise(8, 20, 20, 3), tiny(device="abacus"))


@pytest.mark.parametrize("error", [MemoryError, torch.OutOfMemoryError])
def test_a_full_memory_is_told(monkeypatch, error):
    def full(*_, **__):
        raise error

    monkeypatch.setattr(render, "stream", full)
    with pytest.raises(ResourceError, match="memory ran out"):
        upscale_array(noise(6, 20, 20, 3), tiny())


def shortened(options):
    """A preset at work for two steps a stage, on small crops."""
    return replace(
        options,
        device="cpu",
        fit=replace(options.fit, steps=2, adapt_steps=2, finetune_steps=2, checks=1),
        pairs=replace(options.pairs, crop=16, frames=3, batch=2),
        network=replace(options.network, channels=8),
    )


@pytest.mark.parametrize("name", ["fast", "balanced", "quality", "paper"])
def test_every_preset_runs(name):
    frames = pan(10, 19, 27) * 0.4 + 0.3
    made, told = upscaled(frames, shortened(preset(name, factor=4)))
    assert gap(expose(made, 4), frames) < 1e-5
    assert any(isinstance(event, StageFitted) for event in told)


def test_the_papers_network_runs():
    frames = pan(8, 24, 25) * 0.4 + 0.3
    made, _ = upscaled(frames, tiny(4, network=NetworkSettings("paper", 8)))
    assert gap(expose(made, 4), frames) < 1e-5


def test_the_story_of_a_run():
    _, told = upscaled(pan(12, 24, 25), tiny(4))
    shares = [event.fraction for event in told if isinstance(event, Progress)]
    assert shares == sorted(shares)
    assert 0 <= shares[0] < shares[-1] == pytest.approx(1)
    phases = [event.phase for event in told if isinstance(event, Progress)]
    assert list(dict.fromkeys(phases)) == ["fit", "render"]
    assert [e.stage for e in told if isinstance(e, StageFitted)] == [1, 2]
    assert sum(isinstance(event, SelfChecked) for event in told) == 1


@pytest.mark.parametrize("excerpt", [40, 20])
def test_fitting_looks_at_no_more_than_an_excerpt(monkeypatch, excerpt):
    seen = []

    def spy(clip, *rest, **settings):
        seen.append(len(clip))
        return fit_stages(clip, *rest, **settings)

    fit_stages = pipeline.fit_stages
    monkeypatch.setattr(pipeline, "fit_stages", spy)
    options = tiny(pyramid=PyramidSettings(excerpt=excerpt, coarsest=Fraction(1)))
    upscaled(pan(60, 16, 16), options)
    assert seen == [excerpt]


# --- files ---


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("source")
    return clip(folder / "in.mkv", "-c:v", "ffv1", "-c:a", "aac", size="48x34", frames=8, sound=0.3)


AS_IT_IS = PyramidSettings(coarsest=Fraction(1), doubling=False)  # one step of three
FILE = tiny(3, encode=EncodeSettings(codec="ffv1"), pyramid=AS_IT_IS)


def test_what_was_fitted_on_is_gone_when_the_climb_begins(source, tmp_path, monkeypatch):
    held, seen = [], []
    read, climb = upscale.read_for_fitting, upscale.render_job

    def reads(*given):
        excerpt, cuts = read(*given)
        held.append(weakref.ref(excerpt))
        return excerpt, cuts

    def climbs(*given):
        seen.append([one() is None for one in held])
        return climb(*given)

    monkeypatch.setattr(upscale, "read_for_fitting", reads)
    monkeypatch.setattr(upscale, "render_job", climbs)
    gc.collect()
    gc.disable()
    try:
        upscale_file(source, tmp_path / "out.mkv", FILE)
    finally:
        gc.enable()
    assert seen == [[True]]


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def steps(told):
    return [e for e in told if isinstance(e, Progress) and e.phase == "fit" and "step" in e.detail]


def test_a_file_from_end_to_end(source, tmp_path):
    told, out = [], tmp_path / "out.mkv"
    done = upscale_file(source, out, FILE, told.append)
    assert decode(out, "rgb24", (48, 34)).shape == (24, 34, 48, 3)
    times = timestamps(out)
    assert all(abs(t - i / (3 * NTSC)) <= Fraction(1, 1000) for i, t in enumerate(times))
    assert "Audio:" in describe(out)
    assert np.abs(sound(out)).max() > 0.05
    assert (done.output, done.frames, Fraction(done.rate)) == (str(out), 24, 3 * NTSC)
    assert told[-1] == done
    assert names(tmp_path) == ["out.mkv"]
    assert all(json.loads(to_json(event)) for event in told)
    shares = [event.fraction for event in told if isinstance(event, Progress)]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert sum(isinstance(event, Planned) for event in told) == 1


LOSSLESS = tiny(2, encode=EncodeSettings(codec="ffv1", pix_fmt="bgr0"))


@pytest.fixture(scope="module")
def lossless(tmp_path_factory):
    """A file of 25 frames a second that holds exactly these frames."""
    file = tmp_path_factory.mktemp("lossless") / "in.mkv"
    frames = (np.asarray(pan(8, 34, 48)) * 100 + 70).round().astype(np.uint8)
    raw_clip(file, frames, "rgb24", (48, 34), "-c:v", "ffv1", "-pix_fmt", "bgr0")
    return file, frames


@pytest.mark.parametrize("factor", [2, 8])
def test_a_file_exposes_to_its_source(lossless, tmp_path, factor):
    file, frames = lossless
    upscale_file(file, tmp_path / "out.mkv", replace(LOSSLESS, factor=factor))
    made = decode(tmp_path / "out.mkv", "rgb24", (48, 34)).astype(np.float64)
    assert np.abs(made.reshape(8, factor, 34, 48, 3).mean(1) - frames).max() <= 1


def test_only_a_stretch(lossless, tmp_path):
    file, frames = lossless
    options = replace(LOSSLESS, start=1.5 / 25, end=6.5 / 25)
    done = upscale_file(file, tmp_path / "out.mkv", options)
    made = decode(tmp_path / "out.mkv", "rgb24", (48, 34)).astype(np.float64)
    assert done.frames == len(made) == 10
    assert np.abs(made.reshape(5, 2, 34, 48, 3).mean(1) - frames[2:7]).max() <= 1


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    for number, frame in enumerate(np.asarray(pan(6, 20, 26))):
        iio.imwrite(folder / f"{number:03d}.png", (frame * 255).round().astype(np.uint8))
    return folder


def test_images_in_images_out(images, tmp_path):
    done = upscale_file(images, f"{tmp_path / 'out'}/", tiny(2))
    found = sorted((tmp_path / "out").iterdir())
    assert (len(found), done.frames) == (12, 12)
    assert names(tmp_path) == ["out"]
    made = np.stack([iio.imread(p) for p in found]) / 255
    frames = np.stack([iio.imread(p) for p in sorted(images.iterdir())]) / 255
    assert made.shape == (12, 20, 26, 3)
    # Rounded to 8 bits, and clipped where the picture is near black or white.
    assert np.median(np.abs(made.reshape(6, 2, 20, 26, 3).mean(1) - frames)) <= 0.5 / 255 + 1e-6


def test_a_plan_writes_nothing(source, tmp_path):
    planned = plan_file(source, tmp_path / "out.mkv", replace(FILE, factor=8))
    assert names(tmp_path) == []
    assert names(source.parent) == ["in.mkv"]
    assert (planned.frames_in, planned.frames_out) == (8, 64)
    assert (planned.width, planned.height) == (48, 34)
    assert (planned.rate_in, planned.rate_out) == ("24000/1001", "192000/1001")
    assert planned.device == "cpu"
    assert len(planned.stages) == 3
    assert min(planned.operations, planned.seconds, planned.memory_bytes, planned.disk_bytes) > 0
    to_json(planned)


def test_a_run_tells_the_plan(source, tmp_path):
    told = []
    upscale_file(source, tmp_path / "out.mkv", FILE, told.append)
    planned = next(event for event in told if isinstance(event, Planned))
    assert planned == plan_file(source, tmp_path / "other.mkv", FILE)


# --- refusals ---


def test_an_output_that_exists_is_refused_before_any_work(source, tmp_path):
    (tmp_path / "out.mkv").write_text("old")
    for call in (plan_file, upscale_file):
        with pytest.raises(OutputError, match="exists"):
            call(source, tmp_path / "out.mkv", FILE)
    assert names(tmp_path) == ["out.mkv"]
    assert (tmp_path / "out.mkv").read_text() == "old"


@pytest.mark.parametrize("call", [plan_file, upscale_file])
def test_a_missing_input_is_refused(call, tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        call(tmp_path / "none.mkv", tmp_path / "out.mkv", FILE)
    assert names(tmp_path) == []


@pytest.mark.parametrize("call", [plan_file, upscale_file])
def test_the_output_is_looked_at_first_for_a_long_input_takes_long_to_count(call, tmp_path):
    (tmp_path / "out.mkv").write_text("old")
    with pytest.raises(OutputError, match="exists"):
        call(tmp_path / "none.mkv", tmp_path / "out.mkv", FILE)


@pytest.mark.parametrize("call", [plan_file, upscale_file])
def test_a_missing_device_is_refused(call, source, tmp_path):
    with pytest.raises(DeviceError):
        call(source, tmp_path / "out.mkv", replace(FILE, device="abacus"))
    assert names(tmp_path) == []


def test_a_short_stretch_is_refused(source, tmp_path):
    with pytest.raises(InputError, match="expected at least 4"):
        upscale_file(source, tmp_path / "out.mkv", replace(FILE, end=0.1))
    assert names(tmp_path) == []


def test_a_foreign_work_folder_is_refused_and_untouched(source, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    (work / "thesis.tex").write_text("years of work")
    with pytest.raises(OutputError, match="another `work_dir`"):
        upscale_file(source, tmp_path / "out.mkv", replace(FILE, work_dir=str(work)))
    assert names(work) == ["thesis.tex"]
    assert names(tmp_path) == ["work"]


# --- interruption ---


class Cut(Exception):  # noqa: N818, it stands for any error of a listener's
    pass


def cut_at(phase, error=Cut):
    """A listener that ends the run when a phase has begun."""

    def listener(event):
        if isinstance(event, Progress) and event.phase == phase:
            raise error

    return listener


@pytest.mark.parametrize("phase", ["read", "fit", "render", "finish"])
@pytest.mark.parametrize("error", [Cut, KeyboardInterrupt])
def test_nothing_half_written_is_left(source, tmp_path, phase, error):
    with pytest.raises(error):
        upscale_file(source, tmp_path / "out.mkv", FILE, cut_at(phase, error))
    assert names(tmp_path) in ([], [".out.mkv.deeptsr"])
    # Sooner or later it works, and then nothing else is left.
    upscale_file(source, tmp_path / "out.mkv", FILE)
    assert names(tmp_path) == ["out.mkv"]


def test_an_interrupted_run_goes_on_without_fitting_again(source, tmp_path):
    whole = tmp_path / "whole"
    whole.mkdir()
    told, first = [], []
    upscale_file(source, whole / "out.mkv", FILE, first.append)
    with pytest.raises(Cut):
        upscale_file(source, tmp_path / "out.mkv", FILE, cut_at("render"))
    upscale_file(source, tmp_path / "out.mkv", FILE, told.append)
    assert steps(first)
    assert not steps(told)
    assert not any("another run" in message for message in warnings_of(told))
    results = [decode(d / "out.mkv", None, (48, 34)) for d in (tmp_path, whole)]
    assert np.array_equal(*results)


@pytest.mark.parametrize("phase", ["fit", "render"])
def test_progress_begins_where_the_last_run_stopped(source, tmp_path, monkeypatch, phase):
    monkeypatch.setattr(memory, "_PART", 6)
    options = replace(FILE, pyramid=replace(FILE.pyramid, voxels=48 * 34 * 3 * 2))
    told = []

    def cut(event):
        told.append(event)
        there = ("frame 18 ", "stage 1 of 1: done")
        reached = isinstance(event, Progress) and event.phase == phase
        if reached and any(words in event.detail for words in there):
            raise Cut

    with pytest.raises(Cut):
        upscale_file(source, tmp_path / "out.mkv", options, cut)
    stopped = [e.fraction for e in told if isinstance(e, Progress)]
    assert stopped[0] == 0
    again = []
    upscale_file(source, tmp_path / "out.mkv", options, again.append)
    fractions = [e.fraction for e in again if isinstance(e, Progress)]
    assert 0 < fractions[0] <= stopped[-1]
    assert fractions[0] > stopped[-1] - 0.5
    assert fractions == sorted(fractions)


def test_other_settings_start_anew_and_say_so(source, tmp_path):
    with pytest.raises(Cut):
        upscale_file(source, tmp_path / "out.mkv", FILE, cut_at("render"))
    told = []
    upscale_file(source, tmp_path / "out.mkv", replace(FILE, seed=1), told.append)
    assert steps(told)
    assert any("another run" in message for message in warnings_of(told))


def test_a_work_folder_of_the_users_own_stays(source, tmp_path):
    work = tmp_path / "work"
    options = replace(FILE, work_dir=str(work))
    upscale_file(source, tmp_path / "out.mkv", options)
    assert any(name.startswith("stage-") for name in names(work))
    told = []
    upscale_file(source, tmp_path / "again.mkv", options, told.append)
    assert not steps(told)
    assert names(tmp_path) == ["again.mkv", "out.mkv", "work"]


def test_without_options_the_preset_that_suits_the_device_is_taken(monkeypatch, source, tmp_path):
    monkeypatch.setattr(devices, "default_preset", lambda device: "quality")
    assert plan_file(source, tmp_path / "out.mkv").preset == "quality"


# --- long runs ---


def test_a_mismatch_is_named(source, tmp_path):
    with pytest.raises(Cut):
        upscale_file(source, tmp_path / "out.mkv", FILE, cut_at("render"))
    told = []
    upscale_file(source, tmp_path / "out.mkv", replace(FILE, seed=1), told.append)
    assert any("seed is 1, was 0" in message for message in warnings_of(told))


def test_another_encoding_renders_anew_and_keeps_the_fit(source, tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "_PART", 6)
    options = replace(FILE, pyramid=replace(FILE.pyramid, voxels=48 * 34 * 3 * 2))

    def cut(event):
        if isinstance(event, Progress) and "frame 12 " in event.detail:
            raise Cut

    with pytest.raises(Cut):
        upscale_file(source, tmp_path / "out.mkv", options, cut)
    told = []
    other = replace(options, encode=EncodeSettings(codec="ffv1", pix_fmt="gray"))
    upscale_file(source, tmp_path / "out.mkv", other, told.append)
    assert not steps(told)
    assert any("output pix_fmt is gray, was None" in message for message in warnings_of(told))
    assert "gray" in describe(tmp_path / "out.mkv")


def test_without_resume_a_run_starts_anew(source, tmp_path):
    with pytest.raises(Cut):
        upscale_file(source, tmp_path / "out.mkv", FILE, cut_at("render"))
    told = []
    upscale_file(source, tmp_path / "out.mkv", replace(FILE, resume=False), told.append)
    assert steps(told)
    assert names(tmp_path) == ["out.mkv"]


def test_a_second_run_on_the_same_output_is_refused(source, tmp_path):
    def second(event):
        if isinstance(event, Progress) and event.phase == "render":
            with pytest.raises(OutputError, match=f"another run \\(process {os.getpid()} on"):
                upscale_file(source, tmp_path / "out.mkv", FILE)
            raise Cut

    with pytest.raises(Cut):
        upscale_file(source, tmp_path / "out.mkv", FILE, second)
    upscale_file(source, tmp_path / "out.mkv", FILE)
    assert names(tmp_path) == ["out.mkv"]


@pytest.mark.parametrize("phase", ["fit", "render"])
def test_a_work_folder_that_vanishes_is_told(source, tmp_path, phase):
    def remove(event):
        if isinstance(event, Progress) and event.phase == phase:
            shutil.rmtree(tmp_path / ".out.mkv.deeptsr", ignore_errors=True)

    with pytest.raises(OutputError, match="vanished while it was in use"):
        upscale_file(source, tmp_path / "out.mkv", FILE, remove)
    assert not [name for name in names(tmp_path) if "part" in name or name == "out.mkv"]
    upscale_file(source, tmp_path / "out.mkv", FILE)


def test_a_disk_that_cannot_hold_the_output_is_told_before_the_work(source, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage._replace(free=100))
    with pytest.raises(
        ResourceError, match=r"as much again while it is put together.*free some space"
    ):
        upscale_file(source, tmp_path / "out.mkv", FILE)
    monkeypatch.undo()
    upscale_file(source, tmp_path / "out.mkv", FILE)


def test_a_disk_that_runs_full_keeps_what_is_finished(source, tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "_PART", 6)
    options = replace(FILE, pyramid=replace(FILE.pyramid, voxels=48 * 34 * 3 * 2))
    usage, told = shutil.disk_usage(tmp_path), []

    def full(event):
        if isinstance(event, Progress) and "frame 12 " in event.detail:
            monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage._replace(free=100))

    with pytest.raises(ResourceError, match=r"after 18 of 24 frames.*what is finished is kept"):
        upscale_file(source, tmp_path / "out.mkv", options, full)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    upscale_file(source, tmp_path / "out.mkv", options, told.append)
    rendered = [e.detail for e in told if isinstance(e, Progress) and e.phase == "render"]
    assert rendered == ["rendering, frame 24 of 24"]


def test_a_bound_on_the_memory_makes_smaller_chunks(source, tmp_path):
    told = []
    short = replace(FILE, pyramid=replace(FILE.pyramid, excerpt=4))  # so that the climb needs more
    whole = plan_file(source, tmp_path / "out.mkv", short)
    options = replace(short, memory=whole.memory_bytes - 1)
    upscale_file(source, tmp_path / "out.mkv", options, told.append)
    assert next(e for e in told if isinstance(e, Planned)).memory_bytes < whole.memory_bytes
    assert sum(isinstance(e, Progress) and e.phase == "render" for e in told) > 1


def test_more_memory_than_is_free_is_told(source, tmp_path, monkeypatch):
    monkeypatch.setattr(upscale.ram, "free", lambda: 300_000_000)
    told = []
    upscale_file(source, tmp_path / "out.mkv", FILE, told.append)
    assert any("300 MB are free: close other programs" in text for text in warnings_of(told))


def test_another_bound_on_the_memory_goes_on_from_the_same_fit(source, tmp_path):
    with pytest.raises(Cut):
        upscale_file(source, tmp_path / "out.mkv", FILE, cut_at("render"))
    told = []
    least = plan_file(source, tmp_path / "out.mkv", FILE).memory_bytes
    upscale_file(source, tmp_path / "out.mkv", replace(FILE, memory=least + 9), told.append)
    assert not steps(told)


def test_what_torch_says_of_a_full_memory_is_told(monkeypatch):
    def full(*_, **__):
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(render, "stream", full)
    with pytest.raises(ResourceError, match="memory ran out"):
        upscale_array(noise(6, 20, 20, 3), tiny())


def test_smaller_pieces_are_told_once(monkeypatch):
    stream, told = render.stream, []

    def small(*given, on_halved, **more):
        for volume in stream(*given, **more):
            on_halved(1)
            yield volume

    monkeypatch.setattr(render, "stream", small)
    upscale_array(
        pan(12, 20, 20),
        replace(tiny(), pyramid=PyramidSettings(coarsest=Fraction(1), voxels=20 * 20 * 2 * 4)),
        told.append,
    )
    said = [text for text in warnings_of(told) if "smaller pieces" in text]
    assert len(said) == 1


def test_smaller_tiles_are_told(monkeypatch):
    from deeptsr.pyramid import predict  # noqa: PLC0415

    predicted, tiles = predict._predict, []

    def small(network, ltr, tile, *more):
        tiles.append(tile)
        if tile > 16:
            raise torch.OutOfMemoryError
        return predicted(network, ltr, tile, *more)

    monkeypatch.setattr(predict, "_predict", small)
    made, told = upscaled(pan(12, 20, 20), tiny())
    assert len([text for text in warnings_of(told) if "smaller pieces" in text]) == 1
    assert sum(tile > 16 for tile in tiles) < 40  # for each network, not for each call
    assert len(made) == 24


def test_a_bound_that_cannot_be_met_is_refused(source, tmp_path):
    with pytest.raises(ResourceError, match=r"memory is 1.0 MB .* expected at least that"):
        upscale_file(source, tmp_path / "out.mkv", replace(FILE, memory=1_000_000))
    assert names(tmp_path) == []


def test_a_time_budget_is_kept_to_or_the_least_is_done_and_said():
    frames = pan(8, 24, 25)
    made, told = upscaled(frames, tiny(2, time_budget=3600.0))
    plan = next(e for e in told if isinstance(e, Budgeted))
    assert (plan.budget, plan.preset, plan.steps, plan.ensemble) == (3600, "fast", (3,), True)
    assert torch.equal(made, upscaled(frames, tiny(2))[0])
    options = tiny(2, time_budget=0.01, fit=replace(FIT, steps=500))
    made, told = upscaled(frames, options)
    assert len(made) == 16
    assert any("is too short" in text for text in warnings_of(told))
    fitted = next(e for e in told if isinstance(e, StageFitted))
    assert fitted.steps == 0  # the time was up before the first
    assert any("fitting ended early" in text for text in warnings_of(told))
