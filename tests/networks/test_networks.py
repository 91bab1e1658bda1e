"""What every network promises, and the figures of the paper's."""

import itertools

import pytest
import torch
from torch import nn

from deeptsr.config import NETWORKS, NetworkSettings
from deeptsr.errors import OptionError
from deeptsr.imaging.exposure import correct, expose
from deeptsr.imaging.resample import interpolate_time
from deeptsr.networks import (
    Compact,
    Paper,
    Request,
    StepNetwork,
    build,
    build_teachable,
    taken_over,
)
from tests.helpers.synth import gap, noise, wake

ANYTIME = [(name, fold) for name in NETWORKS if name != "paper" for fold in (1, 2)]
KINDS = [*ANYTIME, ("paper", 1)]
FACTORS = (2, 3, 5)
EXPOSURES = ("full", "delta")
CASES = [(*k, f, e) for k, f, e in itertools.product(KINDS, FACTORS, EXPOSURES)]
every = pytest.mark.parametrize(("kind", "fold", "factor", "exposure"), CASES)


def make(kind, fold=1, factor=2, exposure="full", channels=6, blocks=1):
    return build(NetworkSettings(kind, channels, blocks), factor, exposure, fold).eval()


def clip(t=5, h=8, w=10, n=2, seed=0):
    return noise(n, 3, t, h, w, seed=seed)


@every
def test_shape_and_exposure(kind, fold, factor, exposure):
    network, ltr = wake(make(kind, fold, factor, exposure)), clip()
    made = network(ltr)
    assert made.shape == (2, 3, 5 * factor, 8, 10)
    assert gap(expose(made, factor, exposure, axis=2), ltr) < 1e-5
    assert (network.factor, network.exposure, network.multiple) == (factor, exposure, fold)


@every
def test_a_fresh_network_interpolates(kind, fold, factor, exposure):
    ltr = clip()
    plain = interpolate_time(ltr, factor, exposure, axis=2, cubic=kind == "paper")
    plain = correct(plain, ltr, factor, exposure, axis=2)
    assert gap(make(kind, fold, factor, exposure)(ltr), plain) < 1e-6


@every
def test_a_static_clip_stays_static_at_the_start(kind, fold, factor, exposure):
    ltr = clip(t=1).repeat(1, 1, 4, 1, 1)
    made = make(kind, fold, factor, exposure)(ltr)
    assert gap(made, ltr[:, :, :1].expand_as(made)) < 1e-6


@pytest.mark.parametrize(("kind", "fold"), KINDS)
def test_every_weight_takes_part(kind, fold):
    network = wake(make(kind, fold)).train()
    (network(clip()) - clip(t=10, seed=1)).square().mean().backward()
    kernels = [p for p in network.parameters() if p.ndim > 1]
    assert all(kernel.grad.abs().max() > 0 for kernel in kernels)


@pytest.mark.parametrize(("kind", "fold"), KINDS)
def test_a_fresh_network_can_learn(kind, fold):
    network = make(kind, fold).train()
    (network(clip()) - clip(t=10, seed=1)).square().mean().backward()
    assert any(p.grad.abs().max() > 0 for p in network.parameters())


@pytest.mark.parametrize(("kind", "fold"), KINDS)
def test_a_clip_does_not_see_its_neighbours_in_a_batch(kind, fold):
    network = wake(make(kind, fold))
    one, two = clip(n=1), clip(n=1, seed=1)
    assert gap(network(torch.cat([one, two]))[:1], network(one)) < 1e-5


# --- what is asked for ---


@pytest.mark.parametrize(("kind", "fold"), ANYTIME)
@pytest.mark.parametrize("exposure", EXPOSURES)
def test_one_set_of_weights_answers_any_number_of_parts(kind, fold, exposure):
    """The oracle is a network of that factor with the same weights."""
    network, ltr = wake(make(kind, fold, 2, exposure)), clip(24)
    for parts in (2, 3, 4, 7):
        other = make(kind, fold, parts, exposure)
        other.load_state_dict(network.state_dict())
        made = network(ltr, Request(parts))
        assert gap(made, other(ltr)) < 1e-6
        assert gap(expose(made, parts, exposure, axis=2), ltr) < 1e-5
        frames, edge = network.reach[0], network.edge
        wide = noise(1, 3, 2 * frames + 3, 2 * edge + 2 * fold, 2 * edge + 2 * fold)
        with torch.no_grad():
            whole = network(wide, Request(parts))[:, :, frames * parts : -frames * parts]
            streamed = list(network.stream(wide.split(2, dim=2), torch.float32, Request(parts)))
        assert gap(torch.cat(streamed, 2), whole[..., edge:-edge, edge:-edge]) < 1e-5


def test_the_parts_of_a_step_of_four_are_halves_of_those_of_a_step_of_two():
    network, ltr = wake(make("compact")), clip()
    fine = network(ltr, Request(4))
    assert gap(expose(fine, 2, "full", axis=2), network(ltr, Request(2))) < 1e-5


def test_a_network_of_one_step_answers_no_other():
    network = make("paper", factor=3)
    assert network(clip(), Request(3)).shape[2] == 15
    for answer in (network, lambda ltr, asked: list(network.stream([ltr], torch.float32, asked))):
        with pytest.raises(OptionError, match=r"2 parts .* the network makes 3; expected as many"):
            answer(clip(), Request(2))


def test_only_what_serves_steps_of_any_size_can_be_taught_beforehand():
    assert build_teachable(NetworkSettings(), 2).anytime
    with pytest.raises(OptionError, match="'paper', whose weights depend on the step"):
        build_teachable(NETWORKS["paper"], 2)


@pytest.mark.parametrize("kind", ["fusion", "recurrent"])
def test_what_the_compact_network_knows_is_taken_over(kind):
    """They begin as it is without its last block, which stands for the one in their middle."""
    compact, network = wake(make("compact", blocks=4)), make(kind, blocks=4)
    network.load_state_dict(taken_over(network, compact.state_dict()))
    del compact.blocks[-1]
    assert gap(network(clip()), compact(clip())) < 1e-6
    strange = {"enter.weight": torch.zeros(1), "none": torch.zeros(1)}
    own = network.state_dict()
    assert all(
        weights is own[name] or torch.equal(weights, own[name])
        for name, weights in taken_over(network, strange).items()
    )


# --- reach ---


def changed(network, ltr, at):
    """Where the result changes when one pixel of the input does: (T * k, H, W)."""
    touched = ltr.clone()
    touched[(0, slice(None), *at)] += 0.5
    with torch.no_grad():
        return (network(touched) - network(ltr))[0].abs().amax(0) > 1e-9


@every
def test_reach_in_time_is_honest(kind, fold, factor, exposure):
    network = wake(make(kind, fold, factor, exposure))
    frames = network.reach[0]
    ltr = clip(2 * frames + 5, 4, 4, n=1)
    middle = frames + 2
    seen = changed(network, ltr, (middle, 2, 2)).amax((1, 2)).view(-1, factor).any(1)
    assert not seen[: middle - frames].any()
    assert not seen[middle + frames + 1 :].any()
    assert seen[middle - 1 : middle + 2].all()
    if kind == "compact":  # which looks as far as it says, if only ahead
        assert seen[middle - frames]


@pytest.mark.parametrize(("kind", "fold"), KINDS)
def test_reach_in_space_is_honest(kind, fold):
    network = wake(make(kind, fold))
    pixels = network.reach[1]
    side = 2 * pixels + 8
    ltr = clip(6, side, side, n=1)
    for place in (pixels + 2, pixels + 3):  # at both places of a fold
        seen = changed(network, ltr, (1, place, place)).amax(0)
        near = slice(place - pixels, place + pixels + 1)
        assert seen[near, near].any()
        seen[near, near] = False
        assert not seen.any()


def test_reach_is_not_exaggerated():
    for kind, fold in KINDS:
        if kind == "recurrent":
            continue  # what a state knows moves by a pixel a frame, and fades (test_carry)
        network = wake(make(kind, fold))
        pixels = network.reach[1]
        ltr = clip(3, 2 * pixels + 8, 4, n=1)
        rows = changed(network, ltr, (1, pixels + 2, 2)).amax((0, 2))
        assert int(rows.sum()) >= 2 * pixels + 1 - fold


# What sees most frames takes longest, and the weights that serve all factors are the same ones.
@pytest.mark.parametrize(
    ("kind", "fold", "factor", "exposure"),
    [
        c
        for c in CASES
        if c[0] not in ("fusion", "recurrent") or c[2:] in ((2, "full"), (5, "delta"))
    ],
)
def test_streaming_is_the_same(kind, fold, factor, exposure):
    """The oracle is `forward`, whose layers stand one by one: all at once, and chunk by chunk."""
    network = wake(make(kind, fold, factor, exposure))
    frames, edge = network.reach[0], network.edge
    side = 2 * edge + 2 * fold
    ltr = clip(24, side, side + 2 * fold)
    with torch.no_grad():
        whole = network(ltr)[:, :, frames * factor : (24 - frames) * factor, edge:-edge, edge:-edge]
        for lengths in ((24,), (1,) * 24, (3, 15, 2, 4)):
            parts = list(network.stream(ltr.split(lengths, dim=2), torch.float32))
            plain = list(StepNetwork.stream(network, ltr.split(lengths, dim=2), torch.float32))
            assert gap(torch.cat(parts, 2), whole) < 1e-5
            assert gap(torch.cat(plain, 2), whole) < 1e-5


def test_more_blocks_look_further():
    one, two = (Compact(2, "full", 4, blocks) for blocks in (1, 2))
    assert two.reach[0] > one.reach[0]
    assert two.reach[1] > one.reach[1]


# --- ours ---


@pytest.mark.parametrize(("kind", "fold"), ANYTIME)
@pytest.mark.parametrize("contrast", [0.3, 2.0])
def test_what_was_learnt_at_one_contrast_holds_at_others(kind, fold, contrast):
    network, ltr = wake(make(kind, fold)), clip()
    scaled = 0.5 + contrast * (ltr - 0.5)
    assert gap(network(scaled), 0.5 + contrast * (network(ltr) - 0.5)) < 1e-5


def test_folding_saves_arithmetic():
    plain, folded = (Compact(2, "full", 32, 4, fold) for fold in (1, 2))
    assert folded.operations < plain.operations / 2


def test_the_operations_are_counted_by_hand():
    network = Compact(2, "full", 10, 1, 2)
    weights = 36 * 10 * 27 + 10 * 10 * 27 + 10 * 10 * 9 + 10 * 24 * 9
    moments = 10 * 48 * 9  # of which those of the two frames are sums
    assert sum(p.numel() for p in network.parameters()) == weights - 10 * 24 * 9 + moments
    assert network.operations == 2 * weights / 4


# --- the paper's ---


def test_figure_8a():
    network = Paper(2)
    layers = [m for m in network.modules() if isinstance(m, nn.Conv3d)]
    long, flat = (3, 3, 3), (1, 3, 3)
    assert [m.kernel_size for m in layers] == [long, long, flat, flat, flat, flat, flat, long]
    assert [m.in_channels for m in layers] == [3] + [128] * 7
    assert [m.out_channels for m in layers] == [128] * 7 + [3]
    assert {m.stride for m in layers} == {(1, 1, 1)}
    assert sum(isinstance(m, nn.ReLU) for m in network.modules()) == 7
    assert not any("Norm" in type(m).__name__ for m in network.modules())


def test_the_papers_size():
    assert sum(p.numel() for p in Paper(2).parameters()) == 1_201_283
    # 2.4 MFLOP a voxel of the interpolated clip, of which there are two for one of the input.
    assert Paper(2).operations == pytest.approx(2 * 2.4e6, rel=0.01)


@pytest.mark.parametrize("kind", ["", "Compact", "unet"])
def test_another_kind_is_refused(kind):
    with pytest.raises(OptionError, match=f"network is '{kind}'; expected 'compact' or "):
        build(NetworkSettings(kind), 2)
