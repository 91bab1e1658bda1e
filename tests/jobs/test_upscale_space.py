"""A whole run that makes frames larger, too."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import nn

from deeptsr.config import EncodeSettings, PyramidSettings
from deeptsr.errors import OptionError
from deeptsr.events import Planned, Progress, Sharpened, StageFitted, Warned
from deeptsr.imaging.exposure import expose
from deeptsr.imaging.lens import shrink
from deeptsr.imaging.timeline import Timeline
from deeptsr.jobs.in_time import within_time_budget
from deeptsr.jobs.job import resolve
from deeptsr.jobs.probe import plan_file, probe_file
from deeptsr.jobs.upscale import upscale_array, upscale_file
from deeptsr.learning.prior import Prior
from deeptsr.learning.space import step as space
from deeptsr.learning.space.pretrain import SPACE, VARIANT
from deeptsr.networks.space import SpaceNetwork
from tests.helpers.clips import clip, decode, describe, raw_clip, timestamps
from tests.helpers.synth import gap, noise, pan, tiny

LOSSLESS = EncodeSettings(codec="ffv1")


@pytest.fixture(autouse=True)
def small_prior(monkeypatch):
    """A network of four channels that adds something of which a share helps."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = SpaceNetwork(4, 1)
        for weight in network.parameters():
            nn.init.normal_(weight, std=0.2)
    prior = Prior(replace(SPACE, channels=4, blocks=1), {VARIANT: network.state_dict()}, {}, "x")
    monkeypatch.setattr(space, "_bundled", lambda: prior)
    judged = space.judged

    def bold(*given):
        return judged(*given)._replace(share=0.3)

    monkeypatch.setattr(space, "judged", bold)


def small(factor=2, **changes):
    return replace(tiny(), factor=factor, **changes)


def dim(frames):
    """Nothing to clip."""
    return frames * 0.1 + 0.45


def upscaled(frames, options):
    told = []
    return torch.from_numpy(upscale_array(frames, options, told.append)), told


@pytest.mark.parametrize("scale", [2, 3, 4, Fraction(3, 2), Fraction(4, 3)])
def test_space_alone_films_as_the_input(scale):
    frames = dim(noise(4, 19, 27, 3))
    made, told = upscaled(frames, small(1, scale=scale))
    assert made.shape == (4, round(19 * scale + 1e-9), round(27 * scale + 1e-9), 3)
    assert gap(shrink(made, (19, 27)), frames) < 1e-5
    assert [e.outcome for e in told if isinstance(e, Sharpened)] == ["sharpened"]
    assert not [e for e in told if isinstance(e, StageFitted)]
    assert [e.fraction for e in told if isinstance(e, Progress)][-1] == 1


@pytest.mark.parametrize("exposure", ["full", "delta"])
def test_space_and_time_film_as_the_input(exposure):
    frames = dim(pan(9, 24, 31))
    climbed, _ = upscaled(frames, small(4, exposure=exposure))
    made, _ = upscaled(frames, small(4, scale=2, exposure=exposure))
    assert made.shape == (36, 48, 62, 3)
    assert gap(shrink(made, (24, 31)), climbed) < 1e-5
    assert gap(shrink(expose(made, 4, exposure), (24, 31)), frames) < 1e-5
    plain, _ = upscaled(frames, small(4, scale=2, exposure=exposure, space_prior="none"))
    assert gap(plain, made) > 1e-3


def test_the_area_camera_sees_the_input_again():
    frames = dim(noise(4, 16, 17, 3))
    made, _ = upscaled(frames, small(1, scale=2, camera="area"))
    assert gap(expose(expose(made, 2, axis=1), 2, axis=2), frames) < 1e-5


def test_one_frame_can_be_enlarged():
    made, _ = upscaled(dim(noise(1, 16, 17, 3)), small(1, scale=2))
    assert made.shape == (1, 32, 34, 3)


def test_scale_1_is_what_it_was():
    frames = pan(8, 24, 31)
    made, told = upscaled(frames, small(2))
    again, _ = upscaled(frames, small(2, size="31x24"))
    assert torch.equal(made, again)
    assert not [e for e in told if isinstance(e, Sharpened)]


def test_nothing_to_do_is_refused():
    with pytest.raises(OptionError, match="31 x 24 pixels already"):
        upscaled(pan(8, 24, 31), small(1, size="x24"))


# --- files ---


def test_a_file_of_another_size_and_shape_of_pixels(tmp_path):
    source = clip(tmp_path / "in.mp4", "-vf", "setsar=64/45", size="80x64", frames=8)
    target, told = tmp_path / "out.mp4", []
    upscale_file(source, target, small(2, size="x100"), told.append)
    lines = describe(target)
    assert "126x100" in lines
    assert "SAR 64:45" in lines
    assert len(timestamps(target)) == 16
    assert "125 x 100 pixels are rounded to 126 x 100" in [
        e.message for e in told if isinstance(e, Warned)
    ]
    (plan,) = (e for e in told if isinstance(e, Planned))
    assert (plan.width, plan.height, plan.width_out, plan.height_out) == (80, 64, 126, 100)


def test_odd_sizes_are_kept_where_the_format_has_them(tmp_path):
    source = clip(tmp_path / "in.mkv", size="40x34", frames=4)
    target = tmp_path / "out.mkv"
    upscale_file(source, target, small(1, scale=Fraction(3, 2), encode=LOSSLESS))
    assert decode(target, "rgb24", (60, 51)).shape == (4, 51, 60, 3)


@pytest.mark.parametrize("scale", [2, Fraction(3, 2)])
def test_eight_bits_filmed_again_are_the_input(tmp_path, scale):
    numbers = (dim(pan(6, 30, 40)) * 255).round().numpy().astype(np.uint8)
    source = raw_clip(tmp_path / "in.mkv", numbers, "rgb24", (40, 30))
    target = tmp_path / "out.mkv"
    upscale_file(source, target, small(1, scale=scale, encode=LOSSLESS))
    size = int(40 * scale), int(30 * scale)
    made = torch.from_numpy(decode(target, "rgb24", size) / np.float32(255))
    error = shrink(made, (30, 40)) * 255 - torch.from_numpy(numbers).float()
    assert float(error.square().mean().sqrt()) < 255 * 10 ** (-65 / 20)


def test_what_a_codec_left_is_believed_in_part(tmp_path):
    """The same pictures, losslessly kept, are believed in full."""
    lossy = clip(tmp_path / "in.mp4", "-c:v", "libx264", "-crf", 35, size="64x48", frames=8)
    kept = clip(lossy.with_suffix(".mkv"), "-c:v", "ffv1", size="64x48", frames=8)
    found = []
    for source in (lossy, kept):
        told = []
        upscale_file(source, tmp_path / f"{source.name}.out.mkv", small(1, scale=2), told.append)
        found += [e.agreement for e in told if isinstance(e, Sharpened)]
    assert 0 <= found[0] < found[1] == 1


def test_what_a_sensor_added_is_believed_in_part(tmp_path):
    """The same picture without noise is believed in full."""
    still = (dim(pan(1, 48, 64)) + 0.06 * noise(1, 48, 64, 3)).expand(6, -1, -1, -1)
    found = []
    for levels in (0, 4):
        random = torch.Generator().manual_seed(0)
        grainy = 255 * still + levels * torch.randn(still.shape, generator=random)
        numbers = grainy.round().clamp(0, 255).numpy().astype(np.uint8)
        source = raw_clip(tmp_path / f"{levels}.mkv", numbers, "rgb24", (64, 48))
        told = []
        upscale_file(source, tmp_path / f"{levels}.out.mkv", small(1, scale=2), told.append)
        found += [e.agreement for e in told if isinstance(e, Sharpened)]
    assert found[0] == 1
    assert 0 <= found[1] < 0.9


def test_alpha_grows_along(tmp_path):
    numbers = (dim(noise(4, 20, 24, 4)) * 255).numpy().astype(np.uint8)
    source = raw_clip(tmp_path / "in.mov", numbers, "rgba", (24, 20), "-c:v", "png")
    target = tmp_path / "frames"
    upscale_file(source, f"{target}/", small(1, scale=2))
    assert len(list(target.iterdir())) == 4


def test_an_interrupted_run_ends_with_the_same_bytes(tmp_path, monkeypatch):
    source = clip(tmp_path / "in.mkv", "-c:v", "ffv1", size="48x34", frames=16)
    monkeypatch.setattr("deeptsr.jobs.resources.memory._PART", 8)
    options = small(2, scale=2, encode=LOSSLESS, pyramid=PyramidSettings(voxels=4 * 2 * 48 * 34))
    upscale_file(source, tmp_path / "whole.mkv", options)
    target, seen = tmp_path / "out.mkv", []

    def stop(event):
        if isinstance(event, Progress) and event.phase == "render":
            seen.append(event)
            if len(seen) == 4:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        upscale_file(source, target, options, stop)
    rest = []
    upscale_file(source, target, options, rest.append)
    rendered = [e for e in rest if isinstance(e, Progress) and e.phase == "render"]
    assert len(rendered) == 16 - 4  # it went on where it stopped
    assert target.read_bytes() == (tmp_path / "whole.mkv").read_bytes()


def test_another_size_keeps_the_fit_and_renders_anew(tmp_path):
    source = clip(tmp_path / "in.mkv", "-c:v", "ffv1", size="48x34", frames=8)
    work = str(tmp_path / "work")
    told = []
    for scale in (1, 2):
        options = small(2, scale=scale, encode=LOSSLESS, work_dir=work)
        upscale_file(source, tmp_path / f"{scale}.mkv", options, told.append)
    assert not [e for e in told if isinstance(e, Warned) and "started anew" in e.message]
    assert decode(tmp_path / "2.mkv", "rgb24", (96, 68)).shape == (16, 68, 96, 3)


def test_a_new_rate_and_a_new_size(tmp_path):
    source = clip(tmp_path / "in.mkv", "-c:v", "ffv1", size="48x34", rate="24", frames=8)
    target = tmp_path / "out.mkv"
    upscale_file(source, target, small(scale=2, fps=Fraction(60), encode=LOSSLESS))
    assert decode(target, "rgb24", (96, 68)).shape == (20, 68, 96, 3)


def test_probe_and_plan_tell_the_size(tmp_path):
    source = clip(tmp_path / "in.mp4", size="80x64", frames=8)
    told = probe_file(source, small(1, scale=Fraction(5, 4)))
    assert (told.plan.width_out, told.plan.height_out) == (100, 80)
    plain = plan_file(source, tmp_path / "out.mp4", small(2))
    large = plan_file(source, tmp_path / "out.mp4", small(2, scale=4))
    assert (plain.width_out, large.width_out) == (80, 320)
    assert large.memory_bytes > plain.memory_bytes
    assert large.disk_bytes == pytest.approx(16 * plain.disk_bytes, rel=0.01)
    assert large.operations > plain.operations


def test_memory_does_not_grow_with_the_length(tmp_path):
    sources = [clip(tmp_path / f"{n}.mp4", size="80x64", frames=n) for n in (40, 80)]
    options = small(2, scale=2, pyramid=PyramidSettings(excerpt=16, voxels=8 * 2 * 80 * 64))
    one, other = (plan_file(s, tmp_path / "out.mp4", options).memory_bytes for s in sources)
    assert one == other


def test_detail_is_left_out_where_the_time_is_short():
    frames, told = dim(noise(4, 16, 17, 3)), []
    job = resolve(
        Timeline.constant(Fraction(1), 4),
        16,
        17,
        small(1, scale=2, time_budget=1e-9),
        shown=(32, 34),
    )
    assert within_time_budget(job, 0.0, told.append).options.space_prior == "none"
    assert [e.message for e in told] == ["detail is left out, to keep the time budget"]
    ample = replace(job, options=replace(job.options, time_budget=1e9))
    assert within_time_budget(ample, 0.0, told.append) is ample
    made, _ = upscaled(frames, small(1, scale=2, time_budget=1e-9))
    plain, _ = upscaled(frames, small(1, scale=2, space_prior="none"))
    assert torch.equal(made, plain)
