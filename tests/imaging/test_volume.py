"""The array convention."""

import numpy as np
import pytest
import torch

from deeptsr.errors import InputError
from deeptsr.imaging.volume import as_volume, swap, to_network, to_volume
from tests.helpers.synth import noise


@pytest.mark.parametrize(
    ("kind", "top"), [("uint8", 255), ("uint16", 65535), ("float16", 1), ("float64", 1)]
)
def test_every_type_ends_at_one(kind, top):
    frames = np.zeros((2, 3, 4, 3), kind)
    frames[1, 2, 3, 0] = top
    volume = as_volume(frames)
    assert volume.shape == (2, 3, 4, 3)
    assert volume.dtype == torch.float32
    assert volume[1, 2, 3, 0] == 1
    assert volume.sum() == 1


def test_numbers_worked_by_hand():
    assert as_volume(np.full((1, 1, 1, 1), 51, np.uint8)).item() == pytest.approx(0.2)
    assert as_volume(np.full((1, 1, 1, 1), 13107, np.uint16)).item() == pytest.approx(0.2)


def test_a_tensor_and_its_gradient_are_left_alone():
    frames = noise(2, 3, 4, 1).requires_grad_()
    volume = as_volume(frames)
    volume += 1
    assert not volume.requires_grad
    assert frames.max() <= 1


def test_an_array_in_any_memory_order_is_read_right():
    frames = np.random.default_rng(0).random((3, 4, 5, 2)).astype(np.float32)
    view = np.concatenate([frames, frames[..., :1]], 3)[::-1, :, ::2]
    assert np.array_equal(as_volume(view).numpy(), view)


@pytest.mark.parametrize("shape", [(3, 4, 3), (2, 3, 4, 2), (2, 3, 4, 4), (1, 2, 3, 4, 3)])
def test_another_shape_is_refused(shape):
    with pytest.raises(InputError, match=r"have the shape \(.*expected \(T, H, W, C\) with 1 or 3"):
        as_volume(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("kind", ["int64", "int8", "uint32", "bool", "complex64", "U1"])
def test_another_type_is_refused(kind):
    with pytest.raises(InputError, match="expected uint8, uint16 or floats"):
        as_volume(np.zeros((1, 2, 2, 3), kind))


@pytest.mark.parametrize("value", [-0.01, 1.01, 255.0, np.nan, np.inf, -np.inf])
def test_another_range_is_refused(value):
    frames = np.zeros((1, 2, 2, 3))
    frames[0, 1, 1, 2] = value
    with pytest.raises(InputError, match=r"scale them to \[0, 1\]"):
        as_volume(frames)


@pytest.mark.parametrize("axis", [1, 2])
def test_swapping_twice_is_the_identity(axis):
    volume = noise(3, 4, 5, 3)
    swapped = swap(volume, axis)
    assert torch.equal(swapped, torch.from_numpy(np.swapaxes(volume.numpy(), 0, axis)))
    assert torch.equal(swap(swapped, axis), volume)


@pytest.mark.parametrize("lead", [(), (2,)])
def test_a_network_sees_channels_before_time(lead):
    volume = noise(*lead, 4, 5, 6, 3)
    batch = to_network(volume)
    assert batch.shape == (*lead, 3, 4, 5, 6)
    assert batch[..., 2, 1, 4, 5].equal(volume[..., 1, 4, 5, 2])
    assert torch.equal(to_volume(batch), volume)
