"""The scenes of the rendered clips: that they move as they should."""

from itertools import pairwise

import numpy as np
import pytest

from examples.render_clips import render
from examples.scenes import bodies, fluids, pictures, sliding
from examples.scenes.film import instants, sampled


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def moved_down(now, then, reach=6):
    """Whole pixels by which one picture (H, W) best moves down onto the next."""
    ways = range(-reach, reach + 1)
    inner = slice(reach, len(now) - reach)
    return min(ways, key=lambda n: np.square(np.roll(now, n, 0)[inner] - then[inner]).mean())


# --- the camera ---


def test_instants_by_hand():
    np.testing.assert_allclose(instants(2, 3, 4), [2.125, 2.375, 2.625, 2.875])
    np.testing.assert_allclose(instants(2.5, 3, 4), [2.625, 2.875])  # the same ones
    np.testing.assert_allclose(instants(1, 1.001, 4), [1.0005])
    assert len(instants(1 / 3, 2 / 3, 24)) == 8  # not 9, by a rounding


def test_an_exposure_is_the_mean_of_its_instants():
    film = sampled(lambda time: np.full((2, 2, 3), time**2, np.float32), 100)
    np.testing.assert_allclose(film(1, 2), 7 / 3, rtol=1e-5)  # the integral of a square


# --- pictures that move as a whole ---


def test_a_photograph_has_edges_and_the_spectrum_of_one(rng):
    photo = pictures.photograph(192, 192, rng)
    assert photo.shape == (192, 192, 3)
    grey = photo.mean(2)
    power = np.abs(np.fft.fft2(grey - grey.mean())) ** 2
    frequency = np.hypot(*np.meshgrid(*2 * [np.fft.fftfreq(192) * 192], indexing="ij"))
    bands = [(frequency >= f) & (frequency < 1.5 * f) for f in (4, 8, 16, 32)]
    levels = np.log2([np.sqrt(power[band].mean()) for band in bands])
    assert np.polyfit(range(4), levels, 1)[0] == pytest.approx(-1, abs=0.35)
    seam = np.abs(grey[0] - grey[-1]).mean()  # periodic: no seam
    assert seam < 2 * np.abs(np.diff(grey, axis=0)).mean()


def test_a_path_of_whole_pixels_moves_the_picture_by_them(rng):
    canvas = pictures.photograph(64, 64, rng) * 0.9
    film = sliding._moved(canvas, lambda time: (0 * time + 24, 0 * time - 8), 32)
    # A path is in pixels of a picture of 256; along it the picture comes from the right, and below.
    expected = np.roll(canvas, (1, -3), (0, 1))[:32, :32]
    np.testing.assert_allclose(film(0, 1), expected, atol=1e-5)


def test_an_even_path_is_the_closed_form(rng, monkeypatch):
    monkeypatch.setattr(sliding, "photograph", pictures.collage)
    closed = sliding.pan(32, np.random.default_rng(0))
    canvas = pictures.collage(64, 32, np.random.default_rng(0))
    film = sliding._moved(canvas, lambda time: (7.3 * time, -0.9 * time), 32)
    np.testing.assert_allclose(film(2, 2.5), closed(2, 2.5), atol=1e-4)


def test_what_is_slow_is_slow_and_what_shakes_shakes():
    steps = {}
    for name in ("slow", "shake"):
        _, htr = render(name, size=64, frames=24, factor=2)
        linear = (htr[:-2] + htr[2:]) / 2
        steps[name] = np.sqrt(np.square(linear - htr[1:-1]).mean())
    assert steps["slow"] < 0.003
    assert steps["shake"] > 10 * steps["slow"]


# --- bodies ---


@pytest.mark.parametrize("turn", [0, 0.4, 1.3])
@pytest.mark.parametrize(("diamond", "area"), [(True, 2 * 20 * 12), (False, 4 * 17 * 10.2)])
def test_a_body_covers_its_area_however_it_turns(diamond, area, turn):
    body = bodies._Body(diamond, 0, 20, 0.5, 0, 0, 0, (20, 12), np.ones(3, np.float32))
    frame = np.full((64, 64, 3), 10, np.float32)  # so much lighter that any cover shows
    bodies._lay(frame, body, 31.2, 32.7, turn)
    covered = (10 - frame[..., 0]) / (10 - np.minimum(frame[..., 0], 1))
    assert covered.sum() == pytest.approx(area, rel=0.02)


def test_a_body_beyond_the_picture_leaves_it_alone():
    body = bodies._Body(True, 0, 20, 0.5, 0, 0, 0, (20, 12), np.ones(3, np.float32))
    for place in ((-40, 10), (10, -40), (100, 10), (10, 100)):
        frame = np.zeros((64, 64, 3), np.float32)
        bodies._lay(frame, body, *place, 0.3)
        assert frame.max() == 0


def test_what_falls_falls_ever_faster():
    _, htr = render("falling", size=96, frames=8, factor=2)
    wall = np.median(htr, axis=0)
    seen = np.abs(htr - wall).max(axis=-1) > 0.1  # (T, H, W)
    assert 0.03 < seen.mean() < 0.3
    top, bottom = (
        np.median([moved_down(a, b) for a, b in pairwise(part)])
        for part in (seen[:, :48].astype(float), seen[:, 48:].astype(float))
    )
    assert 0 < top < bottom


# --- fluids ---


def test_flames_rise_and_are_hot_below():
    _, htr = render("fire", size=64, frames=6, factor=4)
    red = htr[..., 0]
    assert red[:, -8:].mean() > 0.8
    assert red[:, :8].mean() < 0.4
    middle = red[:, 16:56]
    ways = [moved_down(a, b) for a, b in pairwise(middle[::2])]
    assert np.median(ways) < 0


def test_waves_have_slopes_of_about_one(rng):
    k, there, back = fluids._waves(64, rng)
    slopes = [np.fft.irfft2(1j * n * (there + back), s=(64, 64)) for n in k]
    assert np.hypot(*slopes).mean() == pytest.approx(1)


def test_a_ring_widens():
    radius = np.linspace(0, 0.6, 601)
    for age in (5, 12):
        slope, bend, _ = fluids._ring(radius, age)
        height = np.abs(slope) + np.abs(bend)
        assert radius[height.argmax()] == pytest.approx(0.022 * age, abs=0.02)
    assert np.abs(fluids._ring(radius, 0)[0]).max() == 0  # nothing before the drop falls


def test_water_moves_everywhere_and_stays_as_light():
    _, htr = render("water", size=64, frames=4, factor=2)
    assert (htr.std(axis=0).mean(2) > 0.005).mean() > 0.9
    np.testing.assert_allclose(htr.mean((1, 2, 3)), htr.mean(), rtol=0.05)
