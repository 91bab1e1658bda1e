"""The camera in space, against Pillow, least squares, and what must never change."""

import numpy as np
import pytest
import torch
from PIL import Image

from deeptsr.errors import OptionError
from deeptsr.imaging.exposure import expose
from deeptsr.imaging.lens import CAMERAS, agree, enlarge, raised, shrink
from deeptsr.imaging.resample import resize
from tests.helpers.synth import gap, noise

# Scales 2, 3, 4, 3/2, 4/3, and sides that no scale of whole numbers has.
SIZES = [
    *[((12, 17), (24, 34)), ((11, 13), (33, 39)), ((9, 10), (36, 40)), ((12, 14), (18, 21))],
    *[((12, 15), (16, 20)), ((13, 17), (20, 25)), ((13, 17), (25, 36)), ((70, 9), (141, 9))],
]


def pillow(volume, size, how):
    planes = [
        [np.asarray(Image.fromarray(plane).resize(size[::-1], how)) for plane in frame]
        for frame in volume.movedim(3, 1).numpy()
    ]
    return torch.tensor(np.array(planes)).movedim(1, 3)


@pytest.mark.parametrize(("small", "large"), SIZES)
def test_it_films_as_pillow_scales(small, large):
    fine = noise(2, *large, 3)
    assert gap(shrink(fine, small), pillow(fine, small, Image.Resampling.BICUBIC)) < 1e-5
    if not any(a % b for a, b in zip(large, small, strict=True)):  # else it takes whole pixels
        boxes = pillow(fine, small, Image.Resampling.BOX)
        assert gap(shrink(fine, small, "area"), boxes) < 1e-5
    assert gap(enlarge(shrink(fine, small), large), resize(shrink(fine, small), large)) < 1e-5


def test_the_area_of_a_pixel_by_hand():
    fine = torch.tensor([0.0, 0.3, 0.6]).view(1, 1, 3, 1)
    assert shrink(fine, (1, 2), "area").flatten().tolist() == pytest.approx([0.1, 0.5])


@pytest.mark.parametrize("camera", CAMERAS)
@pytest.mark.parametrize(("small", "large"), SIZES)
def test_what_agrees_is_filmed_as_the_coarse_video(small, large, camera):
    coarse, fine = noise(2, *small, 3), noise(2, *large, 3, seed=1)
    made = agree(fine, coarse, camera)
    assert made.shape == fine.shape
    assert gap(shrink(made, small, camera), coarse) < 1e-5


@pytest.mark.parametrize("camera", CAMERAS)
@pytest.mark.parametrize(("small", "large"), SIZES)
def test_it_never_comes_further_from_the_truth(small, large, camera):
    truth, fine = noise(1, *large, 3), noise(1, *large, 3, seed=1)
    made = agree(fine, shrink(truth, small, camera), camera)
    assert (made - truth).square().mean() < (fine - truth).square().mean()


def test_it_is_the_nearest_in_least_squares():
    coarse, fine = noise(1, 5, 1, 1), noise(1, 9, 1, 1, seed=1)
    filmed = [shrink(torch.eye(9)[n].view(1, 9, 1, 1), (5, 1)).flatten() for n in range(9)]
    sees = torch.stack(filmed, 1)  # (5, 9)
    nearest = fine.flatten() + torch.linalg.pinv(sees) @ (coarse.flatten() - sees @ fine.flatten())
    assert agree(fine, coarse).flatten().tolist() == pytest.approx(nearest.tolist(), abs=1e-5)


def test_what_agrees_stays_and_what_is_flat_stays_flat():
    coarse = noise(1, 8, 9, 3)
    made = agree(noise(1, 16, 18, 3, seed=1), coarse)
    assert gap(agree(made, coarse), made) < 1e-5
    flat = torch.full((1, 8, 9, 3), 0.3)
    assert gap(agree(enlarge(flat, (16, 18)), flat), torch.full((1, 16, 18, 3), 0.3)) < 1e-6


def test_space_and_time_go_in_any_order():
    fine = noise(6, 15, 18, 3)
    assert gap(shrink(expose(fine, 3), (10, 12)), expose(shrink(fine, (10, 12)), 3)) < 1e-6


def test_the_same_size_is_the_same():
    volume = noise(1, 8, 9, 3)
    assert shrink(volume, (8, 9)) is volume is enlarge(volume, (8, 9)) is raised(volume, (8, 9))


def test_a_gradient_passes_as_the_adjoint_has_it():
    fine = noise(2, 12, 14, 3).requires_grad_()
    weights = noise(2, 6, 7, 3, seed=1)
    (shrink(fine, (6, 7)) * weights).sum().backward()
    other = noise(2, 12, 14, 3, seed=2)
    sides = (fine.grad * other).sum(), (weights * shrink(other, (6, 7))).sum()
    assert float(sides[0]) == pytest.approx(float(sides[1]), rel=1e-5)


def test_what_it_refuses():
    volume = noise(1, 8, 9, 3)
    with pytest.raises(OptionError, match="expected at least 1 pixel"):
        shrink(volume, (9, 9))
    with pytest.raises(OptionError, match="expected at least 1 pixel"):
        enlarge(volume, (8, 8))
    with pytest.raises(OptionError, match="expected one of bicubic, area"):
        shrink(volume, (4, 4), "pinhole")
