"""Where a video repeats itself: what must be red, what must be blue."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from deeptsr.analysis.recurrence import _sums, inspect, least_size, statistics
from deeptsr.config import RecurrenceSettings
from deeptsr.errors import InputError, OptionError
from tests.helpers.synth import noise, pan, still

FEW = RecurrenceSettings(stride=6, max_patches=6000)


def texture(rng, height, width):
    """Noise as a photograph has it, of unit deviation."""
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]) * height
    envelope = np.exp(-((frequency / (0.35 * height)) ** 4)) / np.maximum(frequency, 3)
    field = np.fft.irfft2(
        np.fft.rfft2(rng.standard_normal((height, width))) * envelope, s=(height, width)
    )
    return field / field.std()


def two_halves(frames=32, height=192, width=384, speed=6.0):
    """The left half pans by ``speed`` pixels a frame, blurred; the right one slowly changes."""
    rng = np.random.default_rng(0)
    half, long = width // 2, 2048
    spectrum = np.fft.rfft(texture(rng, height, long), axis=1)
    cycles = np.fft.rfftfreq(long) * speed
    one, other = texture(rng, height, half), texture(rng, height, half)
    clip = np.empty((frames, height, width, 1), np.float32)
    for t in range(frames):
        moved = spectrum * np.exp(2j * np.pi * cycles * (t + 0.5)) * np.sinc(cycles)
        clip[t, :, :half, 0] = np.fft.irfft(moved, n=long, axis=1)[:, :half]
        clip[t, :, half:, 0] = one + 0.15 * np.sin(2 * np.pi * t / 60) * other
    return torch.from_numpy((0.5 + 0.15 * clip).clip(0, 1)).expand(-1, -1, -1, 3)


@pytest.fixture(scope="module")
def halves():
    return inspect(
        two_halves(), (48, 96), range(16, 17), replace(FEW, stride=3, max_patches=30_000)
    )


def test_a_fast_pan_is_red_and_a_static_texture_is_blue(halves):
    share = halves.slices[0].share
    middle = share.shape[1] // 2
    left, right = share[:, : middle - 3].nanmean(), share[:, middle + 1 :].nanmean()
    assert left > 0.5
    assert right < 0.1
    assert left - right > 0.3


def test_faster_patches_are_redder(halves):
    shares = [c["across"] for c in statistics(halves)["by_motion"] if c["patches"] > 5]
    assert len(shares) >= 2
    assert shares == sorted(shares)


def test_the_numbers_agree_with_each_other(halves):
    numbers = statistics(halves)
    assert json.loads(json.dumps(numbers, allow_nan=False)) == numbers
    kinds = numbers["by_orientation"]
    assert sum(kinds.values()) == pytest.approx(100, abs=0.2)
    assert kinds["across-y"] + kinds["across-x"] == pytest.approx(numbers["across"], abs=0.2)
    assert sum(c["patches"] for c in numbers["by_motion"]) == pytest.approx(100, abs=0.3)
    assert sum(c["neighbors"] for c in numbers["by_scale"]) == pytest.approx(100, abs=0.3)
    assert [c["scale"] for c in numbers["by_scale"]] == [1.0, 0.75, 0.5]
    assert set(numbers["by_slice"]) == {"xy", "ty", "xt"}
    assert numbers["patches"] == sum(int(s.share.isfinite().sum()) for s in halves.slices)


def test_the_slices_show_what_they_say(halves):
    clip = two_halves()
    frame, column, row = halves.slices
    assert (frame.name, frame.at, column.name, row.name) == ("xy", 16, "ty", "xt")
    assert torch.equal(frame.picture, clip[16])
    assert torch.equal(column.picture, clip[:, :, column.at].transpose(0, 1))
    assert torch.equal(row.picture, clip[:, row.at])
    assert column.at < 192  # where it moves
    for part in halves.slices:
        left, right, top, bottom = part.extent
        rows, columns = part.picture.shape[:2]
        assert 0 <= left < right <= columns
        assert 0 <= top < bottom <= rows


def test_flat_patches_are_left_out():
    clip = still(16, 32, 48).clone()
    clip[:, :, 24:] = 0.5
    found = inspect(clip, (32, 48), range(8, 9), replace(FEW, slices="xy"))
    share = found.slices[0].share
    assert share[:, -3:].isnan().all()
    assert share[:, :3].isfinite().all()
    assert 0.2 < found.flat < 0.6
    assert statistics(found)["across"] < 10


def test_a_clip_that_is_flat_all_over_has_no_numbers():
    numbers = statistics(inspect(torch.full((16, 32, 32, 3), 0.5), (32, 32), range(3, 4), FEW))
    assert numbers["patches"] == 0
    assert numbers["across"] is None
    assert numbers["flat_patches"] == 100
    json.dumps(numbers, allow_nan=False)


def test_several_frames_and_any_slices():
    clip = pan(16, 32, 40)
    for slices, names in (("all", ["xy"] * 3 + ["ty", "xt"]), ("xt", ["xt"]), ("xy", ["xy"] * 3)):
        found = inspect(clip, (32, 40), range(2, 15, 6), replace(FEW, slices=slices))
        assert [part.name for part in found.slices] == names
    assert [part.at for part in found.slices] == [2, 8, 14]


def test_a_seed_repeats_the_search():
    clip = noise(16, 32, 40, 3)
    few = replace(FEW, max_patches=1000)
    one, again, other = (inspect(clip, (32, 40), range(8, 9), few, s) for s in (1, 1, 2))
    assert torch.equal(one.nearest, again.nearest)
    assert not torch.equal(one.nearest, other.nearest)


@pytest.mark.parametrize("patch", [(5, 5, 3), (7, 3, 3), (3, 3, 5)])
@pytest.mark.parametrize("scales", [(1.0,), (1.0, 0.5), (0.4,)])
def test_the_least_size_suffices_and_is_what_the_error_says(patch, scales):
    settings = replace(FEW, patch=patch, scales=scales, neighbors=2)
    frames, rows, columns = least_size(settings)
    found = inspect(noise(frames, rows, columns, 3), (rows, columns), range(1), settings)
    assert found.nearest.isfinite().all()
    for less in ((1, 0, 0), (0, 1, 0), (0, 0, 1)):
        size = [n - m for n, m in zip((frames, rows, columns), less, strict=True)]
        with pytest.raises(InputError, match=f"at least {frames} frames of {columns} x {rows}"):
            inspect(noise(*size, 3), (size[1], size[2]), range(1), settings)


def test_more_neighbors_than_there_are_candidates():
    with pytest.raises(OptionError, match="neighbors is 5000"):
        inspect(noise(16, 32, 32, 3), (32, 32), range(1), replace(FEW, neighbors=5000))


@pytest.mark.parametrize(
    "wrong",
    [
        {"patch": (0, 5, 3)},
        {"patch": (1, 1, 3)},
        {"neighbors": 0},
        {"stride": 0},
        {"max_patches": 0},
        {"scales": ()},
        {"scales": (1.5,)},
        {"level": 0},
        {"slices": "yx"},
    ],
)
def test_settings_that_cannot_be_met(wrong):
    with pytest.raises(OptionError, match="expected"):
        RecurrenceSettings(**wrong)


def test_sums_over_boxes():
    volume = noise(4, 5, 6, 1)[..., 0]
    boxes = torch.tensor([[0, 0, 0, 4, 5, 6], [1, 2, 3, 3, 4, 6], [2, 2, 2, 3, 3, 3]])
    expected = [volume[a:d, b:e, c:f].sum() for a, b, c, d, e, f in boxes.tolist()]
    assert torch.allclose(_sums(volume, boxes), torch.stack(expected), atol=1e-4)
