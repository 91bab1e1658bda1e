"""Early fusion, and the weights that mend it."""

import pytest
import torch

from deeptsr.networks.parts import efst
from deeptsr.networks.parts.efst import EarlyFusion
from deeptsr.networks.parts.ratios import likeness
from tests.helpers.synth import gap, noise, wake


def features(seed=0):
    return noise(1, 4, 7, 9, 10, seed=seed) - 0.5


def test_it_starts_as_the_early_fusion():
    fusion = EarlyFusion(4, 5, weighted=True)
    assert gap(fusion(features(), True), fusion.fuse(features())) < 1e-6


@pytest.mark.parametrize("weighted", [True, False])
def test_it_is_the_same_without_padding(weighted):
    fusion = wake(EarlyFusion(4, 5, weighted=weighted))
    whole, part, pixels = fusion(features(), True), fusion(features(), False), fusion.pixels
    assert whole.shape == (1, 4, 3, 9, 10)
    inner = slice(pixels, 9 - pixels), slice(pixels, 10 - pixels)
    assert gap(part, whole[:, :, :, inner[0], inner[1]]) < 1e-6


def test_by_plain_code_at_one_place():
    """Equations 1 to 3, with ratios for products."""
    fusion = wake(EarlyFusion(4, 3, weighted=True))
    for layer in (fusion.near, fusion.far):  # a place sees itself alone
        middle = layer.weight[:, :, :, 1:2, 1:2].clone()
        layer.weight.data.zero_()[:, :, :, 1:2, 1:2] = middle
    x = noise(1, 4, 3, 1, 1) - 0.5
    frames = [x[0, :, t, 0, 0] for t in range(3)]

    def by(layer, vector):
        return layer.weight[..., layer.weight.shape[-1] // 2].flatten(2)[..., -1] @ vector

    def middle(layer):
        return layer.weight[:, :, 0, 1, 1]

    early = sum(fusion.fuse.weight[:, :, t, 0, 0] @ frames[t] for t in range(3))
    sought, mended = by(fusion.delta, early), []
    for frame in frames:
        offered = by(fusion.theta, frame)
        alike = 2 * (sought @ offered) / (sought @ sought + offered @ offered)
        mended.append(frame * torch.sigmoid(fusion.sharpness * alike))
    g = (fusion.gather.weight[:, :, 0, 0, 0] @ torch.cat(mended)).relu()
    g = (middle(fusion.far) @ (middle(fusion.near) @ g).relu()).relu()
    size = (g.square().mean() + early.square().mean()).sqrt()
    alpha = 2 * torch.sigmoid(by(fusion.scale, g / size))
    expected = alpha * early + by(fusion.shift, g)
    assert gap(fusion(x, True)[0, :, 0, 0, 0], expected) < 1e-5


@pytest.mark.parametrize("contrast", [0.1, 3.0])
def test_it_is_homogeneous(contrast):
    fusion = wake(EarlyFusion(4, 5, weighted=True))
    assert gap(fusion(contrast * features(), True), contrast * fusion(features(), True)) < 1e-5


def test_a_frame_that_is_unlike_the_others_counts_for_less():
    fusion = EarlyFusion(4, 3, weighted=True)
    one = torch.eye(4).view(4, 4, 1, 1, 1)
    with torch.no_grad():
        for layer in (fusion.theta, fusion.delta):
            layer.weight.copy_(one)
        fusion.fuse.weight.copy_(one.repeat(1, 1, 3, 1, 1) / 3)
    frame = noise(1, 4, 1, 3, 3)
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(efst, "likeness", lambda *pair: seen.append(likeness(*pair)) or seen[-1])
        fusion(torch.cat([frame, frame, -frame], 2), True)
    assert seen[0].min() > 0.5
    assert seen[2].max() < -0.5
