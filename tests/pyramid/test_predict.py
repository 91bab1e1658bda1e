"""A network over a clip of any size."""

import pytest
import torch

from deeptsr.config import NetworkSettings
from deeptsr.errors import ResourceError
from deeptsr.imaging.exposure import expose
from deeptsr.imaging.volume import to_network, to_volume
from deeptsr.networks import StepNetwork, build
from deeptsr.pyramid.predict import Turned, predict, predict_ensemble
from tests.helpers.synth import gap, noise, wake

KINDS = [
    *(("compact", 1), ("compact", 2), ("compact", 3), ("paper", 1)),
    *(("fusion", 1), ("recurrent", 2)),
]


def make(kind, fold, factor=2, exposure="full"):
    return wake(build(NetworkSettings(kind, 6, 1), factor, exposure, fold))


@pytest.mark.parametrize(("kind", "fold"), KINDS)
@pytest.mark.parametrize("tile", [1, 7, 16, 64])
def test_the_result_does_not_depend_on_the_tiles(kind, fold, tile):
    network, ltr = make(kind, fold), noise(3, 17, 23, 3)
    whole = predict(network, ltr)
    assert whole.shape == (6, 17, 23, 3)
    if tile == 1:
        ltr, whole = ltr[:, :6, :5], predict(network, ltr[:, :6, :5])
    assert gap(predict(network, ltr, tile=tile), whole) < 1e-5


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA card")
@pytest.mark.parametrize(("kind", "fold"), KINDS)
@pytest.mark.parametrize("exposure", ["full", "delta"])
def test_a_card_and_the_processor_have_the_same_result(kind, fold, exposure):
    network, ltr = make(kind, fold, 2, exposure), noise(40, 24, 26, 3)
    expected = predict(network, ltr)
    made = predict(network.to("cuda"), ltr.to("cuda")).cpu()
    assert (made - expected).norm() < 1e-4 * expected.norm()


@pytest.mark.parametrize(("kind", "fold"), KINDS)
@pytest.mark.parametrize("exposure", ["full", "delta"])
@pytest.mark.parametrize("factor", [2, 3])
def test_a_stretch_of_a_clip_with_its_surroundings_is_enough(kind, fold, exposure, factor):
    network, ltr = make(kind, fold, factor, exposure), noise(16, 8, 9, 3)
    around = network.reach[0]
    whole = predict(network, ltr)
    for start, stop in ((0, 4), (5, 8), (9, 16)):
        first, last = max(0, start - around), min(16, stop + around)
        part = predict(network, ltr[first:last], first=first)[(start - first) * factor :]
        length = (stop - start) * factor
        assert gap(part[:length], whole[start * factor : stop * factor]) < 1e-5


@pytest.mark.parametrize("exposure", ["full", "delta"])
def test_a_long_clip_is_no_other_than_its_stretches(exposure):
    network, ltr = make("compact", 2, 2, exposure), noise(100, 5, 6, 3)
    around = network.reach[0]
    whole = predict(network, ltr)
    for start in range(0, 100, 10):
        first = max(0, start - around)
        part = predict(network, ltr[first : start + 10 + around])[(start - first) * 2 :]
        assert gap(part[:20], whole[start * 2 : start * 2 + 20]) < 1e-5


class Small(StepNetwork):
    """A network for which there is memory for so many rows only."""

    def __init__(self, network, rows):
        super().__init__()
        self.network, self.rows, self.tried = network, rows, []
        self.factor, self.exposure, self.reach = network.factor, network.exposure, network.reach
        self.multiple, self.width = network.multiple, network.width

    def forward(self, ltr, asked=None):
        self.tried.append(ltr.shape[3])
        if ltr.shape[3] > self.rows:
            raise torch.OutOfMemoryError
        return self.network(ltr)


def test_tiles_shrink_when_memory_runs_out():
    network, ltr = make("compact", 1), noise(3, 80, 20, 3)
    small = Small(network, 20 + 2 * network.reach[1])
    assert gap(predict(small, ltr, tile=80), predict(network, ltr)) < 1e-5
    assert max(small.tried) > small.rows
    tried = len(small.tried)
    predict(small, ltr)
    assert max(small.tried[tried:]) <= small.rows  # it is not tried again


@pytest.mark.parametrize("after", [1, 2, 3])
def test_an_ensemble_begins_anew_when_memory_runs_out_in_its_midst(after):
    network, ltr = make("compact", 1), noise(3, 80, 20, 3)
    small = Small(network, 80 + 2 * network.reach[1])

    def seen(ltr, asked=None):
        if len(small.tried) == after:
            small.rows = 20 + 2 * network.reach[1]
        return Small.forward(small, ltr, asked)

    small.forward = seen
    assert gap(predict_ensemble(small, ltr), predict_ensemble(network, ltr)) < 1e-5
    assert small.tried[after] > small.rows  # it ran out there
    assert small.tried[-1] <= small.rows


@pytest.mark.parametrize("exposure", ["full", "delta"])
@pytest.mark.parametrize("ensemble", [False, True])
@pytest.mark.parametrize("wanted", [range(3), range(4, 9), range(38, 40)])
def test_some_frames_of_a_clip_are_those_of_the_whole(exposure, ensemble, wanted):
    network, ltr = make("compact", 1, 2, exposure), noise(40, 5, 6, 3)
    made = predict_ensemble if ensemble else predict
    whole = made(network, ltr)[2 * wanted.start : 2 * wanted.stop]
    assert gap(made(network, ltr, wanted=wanted), whole) < 1e-5


def test_a_device_without_memory_for_a_small_tile_is_told():
    with pytest.raises(ResourceError, match="ran out of memory"):
        predict(Small(make("compact", 1), 3), noise(3, 80, 20, 3))


@pytest.mark.parametrize(("kind", "fold"), KINDS)
def test_far_from_the_borders_it_is_the_network_itself(kind, fold):
    network = make(kind, fold)
    frames, pixels = network.reach
    # Rounded up to whole folds, so that the folds lie on the same pixels.
    edge = -(-pixels // fold) * fold
    side = 2 * edge + 6
    ltr = noise(2 * frames + 2, side, side, 3)
    with torch.no_grad():
        plain = to_volume(network(to_network(ltr)[None])[0])
    inner = (slice(2 * frames, -2 * frames), slice(edge, -edge), slice(edge, -edge))
    assert gap(predict(network, ltr)[inner], plain[inner]) < 1e-5


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (33, 3)])
@pytest.mark.parametrize(("kind", "fold"), KINDS)
def test_any_size_will_do(kind, fold, size):
    network, ltr = make(kind, fold, 3), noise(1, *size, 3)
    made = predict(network, ltr)
    assert made.shape == (3, *size, 3)
    assert gap(expose(made, 3), ltr) < 1e-5


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("exposure", ["full", "delta"])
def test_the_result_exposes_to_its_input_in_any_precision(precision, exposure):
    network, ltr = make("compact", 2, 2, exposure), noise(4, 9, 10, 3)
    made = predict(network, ltr, precision=precision)
    assert made.dtype == torch.float32
    assert gap(expose(made, 2, exposure), ltr) < 1e-5


def test_a_static_clip_stays_static_at_the_start():
    network = build(NetworkSettings("compact", 6, 1), 2, "full", 2)
    ltr = noise(1, 9, 11, 3).repeat(4, 1, 1, 1)
    assert gap(predict(network, ltr), ltr.repeat(2, 1, 1, 1)) < 1e-6


def test_no_gradient_is_kept():
    assert not predict(make("paper", 1), noise(2, 4, 4, 3)).requires_grad


@pytest.mark.parametrize("exposure", ["full", "delta"])
def test_an_ensemble_is_blind_to_mirror_images(exposure):
    torch.manual_seed(0)
    network = build(NetworkSettings(channels=4, blocks=1), 2, exposure)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    ltr = torch.rand(5, 9, 11, 3)
    made = predict_ensemble(network, ltr)
    assert torch.allclose(expose(made, 2, exposure), ltr, atol=1e-5)
    assert torch.allclose(predict_ensemble(network, ltr.flip(2)).flip(2), made, atol=1e-5)
    assert not torch.allclose(predict(network, ltr), made, atol=1e-3)
    if exposure == "full":
        assert torch.allclose(predict_ensemble(network, ltr.flip(0)).flip(0), made, atol=1e-5)


@pytest.mark.parametrize("axes", [(0,), (2,), (0, 2)])
@pytest.mark.parametrize("part", [slice(None), slice(2, 5), slice(6, 7)])
def test_a_volume_is_turned_as_it_is_looked_at(axes, part):
    clip = noise(7, 5, 6, 3)
    seen = Turned(clip, axes)
    assert (len(seen), seen.shape, seen.device) == (7, (7, 5, 6, 3), clip.device)
    assert torch.equal(seen[part], clip.flip(axes)[part])
