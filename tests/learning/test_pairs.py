"""Training pairs, against flips, turns and swaps that numpy makes of the whole volume."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from deeptsr.config import PairSettings
from deeptsr.imaging.resample import resize
from deeptsr.learning.pairs.kinds import KINDS
from deeptsr.learning.pairs.pool import PairSource
from tests.helpers.synth import generator, noise

ONLY = PairSettings(
    within=0, across=0, shift=0, crop=16, frames=3, batch=24, scales=(1.0,), longest_jump=1,
    contrast=0,
)  # fmt: skip
FACTOR, SIZE = 2, (6, 16, 16)
WITHIN, ACROSS, SHIFT = (replace(ONLY, **{kind: 1}) for kind in ("within", "across", "shift"))


def draws(clips, settings, count=1, exposure="full", seed=0):
    """Batches, as one array of crops."""
    source = PairSource(clips, settings, FACTOR, exposure)
    random = generator(seed)
    return np.concatenate([source.draw(random).numpy() for _ in range(count)])


def exposed(volume, jump, exposure, axis):
    """Every ``jump`` slices along an axis as one; what is left over is left out."""
    length = volume.shape[axis] // jump
    slices = np.moveaxis(volume, axis, 0)[: length * jump]
    groups = slices.reshape(length, jump, *slices.shape[1:])
    return np.moveaxis(groups.mean(1) if exposure == "full" else groups[:, 0], 0, axis)


def views(volume):
    """A volume in all 16 orientations that keep its first axis the first, by name."""
    for turned, signs in itertools.product((False, True), itertools.product((1, -1), repeat=3)):
        view = np.swapaxes(volume, 1, 2) if turned else volume
        yield (turned, signs), view[:: signs[0], :: signs[1], :: signs[2]]


def orientations(volume, room=(4, 8, 8)):
    """A volume in all 16 orientations, mirrored at its ends: what crops may be cut from.

    The room beyond the ends is less than a crop, so that none lies in a mirror image altogether.
    """
    widths = [*((n, n) for n in room), (0, 0)]
    return {name: np.pad(view, widths, "symmetric") for name, view in views(volume)}


def is_cut_from(padded, crop):
    """Whether a crop stands anywhere in a volume."""
    t, h, w = crop.shape[:3]
    starts = np.argwhere(np.abs(padded[:-t, :-h, :-w, 0] - crop[0, 0, 0, 0]) < 1e-3)
    pieces = (padded[a : a + t, b : b + h, c : c + w] for a, b, c in starts)
    return any(
        np.abs(piece[0, 0, 0] - crop[0, 0, 0]).max() < 1e-3 and np.abs(piece - crop).max() < 1e-3
        for piece in pieces
    )


def named(volumes, crop):
    """The names of those volumes from which a crop is cut."""
    return {name for name, padded in volumes.items() if is_cut_from(padded, crop)}


# --- what a crop shows ---


@pytest.mark.parametrize("exposure", ["full", "delta"])
def test_within_crops_are_the_video_flipped_or_turned(exposure):
    clip = noise(11, 18, 22, 3)
    settings = replace(WITHIN, longest_jump=2)
    volumes = {
        (jump, name): volume
        for jump in (1, 2)
        for name, volume in orientations(exposed(clip.numpy(), jump, exposure, 0)).items()
    }
    seen = set()
    for crop in draws([clip], settings, 4, exposure):
        assert crop.shape == (*SIZE, 3)
        found = named(volumes, crop)
        assert found
        seen |= found
    assert {jump for jump, _ in seen} == {1, 2}
    assert {name for _, name in seen} == {name for name, _ in views(clip.numpy())}


@pytest.mark.parametrize("exposure", ["full", "delta"])
def test_across_crops_have_a_space_axis_for_time(exposure):
    clip = noise(9, 19, 23, 3)
    volumes = {}
    for axis, jump in itertools.product((1, 2), (1, 2)):
        swapped = np.swapaxes(exposed(clip.numpy(), jump, exposure, axis), 0, axis)
        for name, volume in orientations(swapped).items():
            volumes[axis, jump, name] = volume
    seen = set()
    for crop in draws([clip], ACROSS, 3, exposure):
        found = named(volumes, crop)
        assert found
        seen |= found
    assert {(axis, jump) for axis, jump, _ in seen} == {(1, 1), (1, 2), (2, 1), (2, 2)}
    assert {(axis, turned) for axis, _, (turned, _) in seen} == {
        (a, t) for a in (1, 2) for t in (0, 1)
    }
    assert {name for _, _, name in seen} == {name for name, _ in views(clip.numpy())}


def test_shift_crops_are_one_frame_in_translation():
    clip = noise(5, 20, 26, 3)
    volumes = orientations(clip.numpy(), (1, 10, 10))
    ways = {1: slice(0, -5), 0: slice(None), -1: slice(5, None)}  # what no turn over an edge spoils
    seen = set()
    for crop in draws([clip], SHIFT, 4):
        # Undo each whole-pixel motion; one that was there leaves the same picture in every frame.
        found = set()
        for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
            undone = [np.roll(f, (-t * dy, -t * dx), (0, 1)) for t, f in enumerate(crop)]
            stood = np.stack(undone)[:, ways[dy], ways[dx]]
            if np.ptp(stood, axis=0).max() == 0:
                names = {(turned, signs[1:]) for turned, signs in named(volumes, stood[:1])}
                found |= {(dy, dx, *name) for name in names}
        assert found
        seen |= found
    # A picture in each of its 8 orientations moves in each of 4 directions.
    assert len(seen) > 24


def test_a_smaller_scale_shows_the_resized_video():
    clip = noise(8, 40, 48, 3)
    volumes = orientations(resize(clip, (20, 24)).clamp(0, 1).numpy())
    assert all(named(volumes, crop) for crop in draws([clip], replace(WITHIN, scales=(0.5,))))


@pytest.mark.parametrize("settings", [WITHIN, ACROSS, SHIFT])
@pytest.mark.parametrize("shape", [(3, 20, 20), (8, 8, 9), (4, 16, 16)])
def test_a_clip_smaller_than_a_crop_is_mirrored(settings, shape):
    clip = noise(*shape, 3)
    crops = draws([clip], settings)
    assert crops.shape == (24, 6, 16, 16, 3)
    values = {tuple(pixel) for pixel in clip.reshape(-1, 3).tolist()}
    if settings is not ACROSS:  # whose longer jump averages
        assert {tuple(pixel) for pixel in crops.reshape(-1, 3).tolist()} <= values


def test_no_crop_crosses_from_one_clip_to_another():
    dark, light = noise(8, 20, 20, 3) * 0.4, 0.6 + noise(6, 24, 18, 3) * 0.4
    means = draws([dark, light], replace(ONLY, within=1, across=1, shift=1, batch=64))
    spans = np.ptp(means, axis=(1, 2, 3, 4))
    assert spans.max() < 0.41
    assert 0.1 < (means.mean((1, 2, 3, 4)) > 0.5).mean() < 0.9


@pytest.mark.parametrize(("kind", "axis"), [(k, axis) for k in KINDS for axis in k.axes])
def test_a_kind_lays_a_crop_into_its_volume_in_every_orientation(kind, axis):
    matrices = np.array(kind.matrices(axis, (1, 3)))
    # 8 orientations of a frame, and in each of them 4 ways at 2 speeds, or time and its reversal.
    assert len(np.unique(matrices, axis=0)) == 8 * (8 if kind.moves else 2)
    time, space = matrices[:, :, 0], matrices[:, :, 1:]
    if kind.moves:
        assert not time[:, 0].any()
        assert set(np.abs(time).sum(1)) == {1, 3}
        assert kind.extent(axis, 6, 16)[0] == 1
    else:
        assert (np.abs(time) == np.eye(3)[axis]).all()
        assert kind.extent(axis, 6, 16) == tuple(6 if n == axis else 16 for n in range(3))
    assert not space[:, axis].any()
    assert (np.abs(space).sum((1, 2)) == 2).all()


# --- how often it is drawn ---


def kinds(crops):
    """What each crop of a clip whose channels tell t, y and x is."""
    names = []
    for crop in crops:
        change = [np.abs(np.diff(crop[..., c], axis=0)).max() > 1e-4 for c in range(3)]
        still = np.ptp(crop[..., 0]) < 1e-4  # t is the same everywhere
        own = "within" if change[0] else "across-y" if change[1] else "across-x"
        names.append("shift" if still else own)
    return names


@pytest.fixture
def places():
    """A clip whose pixels tell where they are."""
    grid = np.stack(np.meshgrid(*[np.arange(24) / 24] * 3, indexing="ij"), -1)
    return torch.from_numpy(grid).float()


def test_the_mix_is_kept(places):
    mix = replace(ONLY, within=3, across=1, shift=1, batch=500)
    found = kinds(draws([places], mix, 2))
    shares = [found.count(kind) / 1000 for kind in ("within", "across-y", "across-x", "shift")]
    assert shares == pytest.approx([0.6, 0.1, 0.1, 0.2], abs=0.06)


@pytest.mark.parametrize("settings", [WITHIN, ACROSS, SHIFT])
def test_a_kind_without_a_share_is_not_drawn(places, settings):
    found = {kind.split("-")[0] for kind in kinds(draws([places], replace(settings, batch=100)))}
    assert found == {kind for kind in ("within", "across", "shift") if getattr(settings, kind)}


def test_a_longer_jump_is_drawn_in_proportion_to_what_is_left_of_the_volume(places):
    crops = draws([places], replace(WITHIN, longest_jump=2, batch=900))
    steps = np.abs(np.diff(crops[..., 0], axis=1)).max((1, 2, 3)) * 24
    assert set(steps.round(1)) == {1, 2}
    assert (steps > 1.5).mean() == pytest.approx(1 / 3, abs=0.06)


def test_crops_are_drawn_where_the_picture_changes():
    clip = torch.full((12, 80, 80, 3), 0.5)
    clip[:, 8:20, 60:72] = noise(12, 12, 12, 3)
    crops = draws([clip], replace(WITHIN, batch=200))
    assert (np.ptp(crops, axis=(1, 2, 3, 4)) > 0).mean() > 0.95


def test_a_flat_clip_can_be_drawn_from():
    mix = replace(ONLY, within=1, across=1, shift=1)
    assert np.ptp(draws([torch.full((8, 20, 20, 3), 0.5)], mix)) == 0


# --- contrast ---


def test_contrast_scales_a_crop_about_its_mean():
    clip = 0.25 + noise(8, 20, 20, 3) / 2
    settings = replace(WITHIN, batch=64, contrast=0.7)
    plain, scaled = draws([clip], replace(settings, contrast=0)), draws([clip], settings)
    middle = plain.mean((1, 2, 3), keepdims=True)
    ratio = ((scaled - middle) * (plain - middle)).sum((1, 2, 3, 4))
    ratio /= np.square(plain - middle).sum((1, 2, 3, 4))
    again = middle + (plain - middle) * ratio[:, None, None, None, None]
    assert np.abs(scaled - again).max() < 1e-5
    assert np.abs(np.log(ratio)).max() <= 0.7 + 1e-5
    assert np.log(ratio).min() < -0.3
    assert np.log(ratio).max() > 0.3


def test_other_kinds_have_the_contrast_of_the_task_already():
    clip, mix = noise(8, 20, 20, 3), replace(ONLY, within=1, across=1)
    scaled = draws([clip], replace(mix, contrast=0.7))
    assert np.array_equal(scaled, draws([clip], mix))


# --- randomness ---


def test_the_generator_is_the_only_source_of_randomness():
    clip, mix = noise(8, 20, 20, 3), replace(ONLY, within=1, across=1, shift=1, contrast=0.5)
    torch.manual_seed(1)
    one = draws([clip], mix, 2)
    state = torch.get_rng_state()
    torch.manual_seed(2)
    assert np.array_equal(one, draws([clip], mix, 2))
    torch.manual_seed(1)
    draws([clip], mix, 2)
    assert torch.equal(torch.get_rng_state(), state)
    assert not np.array_equal(one, draws([clip], mix, 2, seed=1))
    assert not np.array_equal(one[:24], one[24:])


def test_the_clip_is_left_alone():
    clip = noise(8, 20, 20, 3)
    before = clip.clone()
    draws([clip], replace(ONLY, within=1, across=1, shift=1, contrast=0.5))
    assert torch.equal(clip, before)
