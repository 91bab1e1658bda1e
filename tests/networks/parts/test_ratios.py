"""Ratios that no contrast changes, and kernels that make nothing larger."""

import pytest
import torch

from deeptsr.networks.parts.ratios import bounded, likeness, size_of
from tests.helpers.synth import gap, noise


def test_likeness_in_plain_code():
    one, other = noise(2, 5, 3, 4), noise(2, 5, 3, 4, seed=1)
    found = likeness(one, other)
    assert found.shape == (2, 1, 3, 4)
    for n, y, x in ((0, 0, 0), (1, 2, 3), (0, 1, 2)):
        a, b = one[n, :, y, x].tolist(), other[n, :, y, x].tolist()
        product = sum(p * q for p, q in zip(a, b, strict=True))
        expected = 2 * product / sum(p * p + q * q for p, q in zip(a, b, strict=True))
        assert found[n, 0, y, x].item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("contrast", [1e-2, 30.0])
def test_no_contrast_changes_a_ratio(contrast):
    one, other = noise(1, 4, 3, 3) - 0.5, noise(1, 4, 3, 3, seed=1) - 0.5
    assert gap(likeness(contrast * one, contrast * other), likeness(one, other)) < 1e-5
    assert gap(contrast * size_of(one, other), size_of(contrast * one, contrast * other)) < 1e-4


def test_nothing_is_divided_by_zero():
    black = torch.zeros(1, 4, 2, 2, requires_grad=True)
    found = likeness(black, black).sum() + (black / size_of(black, black)).sum()
    found.backward()
    assert found.item() == 0
    assert black.grad.isfinite().all()


def test_bounded_kernels_make_nothing_larger():
    weight = noise(3, 5, 3, 3) - 0.5
    weight[0] /= 1e3  # small ones stay
    most = bounded(weight, 0.9).abs().flatten(1).sum(1)
    assert torch.equal(bounded(weight, 0.9)[0], weight[0])
    assert most[1:].tolist() == pytest.approx([0.9, 0.9])
