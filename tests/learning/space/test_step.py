"""How a run's frames are enlarged: what a prior knows, as far as it holds."""

import math

import pytest
import torch
from torch import nn

from deeptsr.config import NetworkSettings
from deeptsr.errors import OptionError
from deeptsr.events import Sharpened
from deeptsr.imaging.lens import agree, enlarge, shrink
from deeptsr.learning.prior import Prior
from deeptsr.learning.space import judge as module
from deeptsr.learning.space.pretrain import VARIANT
from deeptsr.learning.space.step import space_prior, space_step
from deeptsr.networks.space import SpaceNetwork
from tests.helpers.synth import NETWORK as IN_TIME
from tests.helpers.synth import gap, noise, pan

NETWORK = NetworkSettings(kind="space", channels=4, blocks=1)


def prior(scale=0.3):
    """One that adds something at random."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = SpaceNetwork(NETWORK.channels, NETWORK.blocks)
        for weight in network.parameters():
            nn.init.normal_(weight, std=scale)
    return Prior(NETWORK, {VARIANT: network.state_dict()}, {})


def chosen(excerpt, size, *args, **changes):
    told = []
    step = space_step(excerpt, size, *args, on_event=told.append, **changes)
    (event,) = told
    assert isinstance(event, Sharpened)
    return step, event


def test_without_a_prior_it_interpolates_and_tells_what_agreement_gains():
    clip = pan(8, 40, 48, speed=0.5)
    step, told = chosen(clip, (80, 96))
    assert step.network is None
    assert told.outcome == "interpolates"
    coarse = shrink(clip[2:6], (20, 24))
    usual = enlarge(coarse, (40, 48))
    errors = [
        (clip[2:6] - made)[:, 8:-8, 8:-8].square().mean() for made in (usual, agree(usual, coarse))
    ]
    assert told.gain_db == pytest.approx(float(10 * torch.log10(errors[0] / errors[1])), abs=1e-3)
    assert told.gain_db > 0.1


def test_it_is_never_worse_than_interpolation_where_that_can_be_seen():
    """What adds noise is added in a small share, or not at all."""
    for seed in range(3):
        clip = noise(8, 40, 48, 3, seed=seed)
        plain, told = (chosen(clip, (80, 96), "bicubic", p)[1] for p in (None, prior()))
        assert told.gain_db >= plain.gain_db - 1e-3
        assert (told.outcome == "sharpened") == (told.gain_db > plain.gain_db + 0.01)


def test_what_helps_is_taken_in_the_share_that_helps_most(monkeypatch):
    monkeypatch.setattr(module, "_found_again", lambda excerpt, step: 1.0)
    clip = noise(10, 40, 48, 3)
    reach = SpaceNetwork(4, 1).reach[0]
    truth = clip[10 // 2 - 2 - reach : 10 // 2 + 2 + reach]
    lacking = truth - module.SpaceStep((40, 48)).plain(shrink(truth, (20, 24)))
    monkeypatch.setattr(
        module.SpaceStep, "details", lambda self, window: 4 * lacking[reach:-reach] * self.share
    )
    step, told = chosen(clip, (80, 96), "bicubic", prior())
    assert step.share == pytest.approx(0.25, abs=1e-4)
    assert (told.outcome, told.share) == ("sharpened", step.share)
    assert told.gain_db > 30


def test_a_flat_video_is_left_as_it_is():
    step, told = chosen(torch.full((6, 24, 24, 3), 0.5), (48, 48), "bicubic", prior())
    assert (step.network, told.gain_db) == (None, pytest.approx(0, abs=1e-3))


@pytest.mark.parametrize("frames", [1, 3, 40])
def test_clips_of_any_length_and_odd_sides_can_be_judged(frames):
    _, told = chosen(noise(frames, 21, 35, 3), (42, 70), "area", prior())
    assert told.gain_db > -1


def test_priors_are_found_by_name(tmp_path):
    assert space_prior("none") is None
    bundled = space_prior("auto")
    assert bundled.network.kind == "space"
    assert bundled is space_prior("auto")
    assert gap(*(space_prior("auto").variants[VARIANT]["leave.weight"] for _ in range(2))) == 0
    path = tmp_path / "p.safetensors"
    path.write_bytes(prior().bytes())
    assert space_prior(str(path)).network == NETWORK
    path.write_bytes(Prior(IN_TIME, {"any/full-1": {"x": torch.zeros(1)}}, {}).bytes())
    with pytest.raises(OptionError, match="a prior for time"):
        space_prior(str(path))


@pytest.mark.parametrize(
    ("network", "lacking"),
    [
        (NETWORK, "enter.weight"),
        (NETWORK, "leave.weight"),
        (NetworkSettings(kind="space", channels=5, blocks=1), None),
        (NetworkSettings(kind="space", channels=10**9, blocks=1), None),
        (NetworkSettings(kind="space", channels=4, blocks=10**9), None),
        (NetworkSettings(kind="space", channels=4, blocks=2), None),
    ],
)
def test_a_prior_that_was_tampered_with_is_refused(tmp_path, network, lacking):
    whole = prior()
    state = {name: w for name, w in whole.variants[VARIANT].items() if name != lacking}
    path = tmp_path / "a.safetensors"
    path.write_bytes(Prior(network, {VARIANT: state}, {}).bytes())
    with pytest.raises(OptionError, match="not of its network"):
        space_prior(str(path))
    path.write_bytes(whole.bytes())
    assert space_prior(str(path)) is not None


def test_what_a_codec_has_spoilt_is_not_sharpened():
    """Frames that are spoilt as the video is tell how far to agree with it, and what to add."""
    clip = 0.3 + 0.4 * noise(8, 40, 48, 3)

    def spoil(volume):
        return volume + 0.06 * (noise(len(volume), *volume.shape[1:], seed=9) - 0.5)

    _, exact = chosen(clip, (80, 96))
    step, told = chosen(clip, (80, 96), spoil=spoil)
    assert exact.agreement == 1
    assert 0 < told.agreement == step.agreement < 1
    # It is the best there is: neither more nor less comes nearer, and plain interpolation does not.
    coarse = spoil(shrink(clip[2:6], (20, 24)))
    usual = enlarge(coarse, (40, 48))
    errors = [
        float((clip[2:6] - usual.lerp(agree(usual, coarse), a))[:, 8:-8, 8:-8].square().mean())
        for a in (told.agreement, told.agreement - 0.05, told.agreement + 0.05, 0.0, 1.0)
    ]
    assert errors[0] == min(errors)
    assert told.gain_db == pytest.approx(10 * math.log10(errors[3] / errors[0]), abs=1e-3)


def test_what_is_spoilt_altogether_is_interpolated():
    clip = noise(8, 40, 48, 3)
    step, told = chosen(clip, (80, 96), spoil=lambda v: 1 - v)
    assert (step.agreement, step.network) == (0.0, None)
    assert (told.outcome, told.gain_db) == ("interpolates", pytest.approx(0, abs=1e-3))


def test_agreement_and_detail_are_weighed_together(monkeypatch):
    monkeypatch.setattr(module, "_found_again", lambda excerpt, step: 1.0)
    clip = noise(10, 40, 48, 3)
    reach = SpaceNetwork(4, 1).reach[0]
    truth = clip[10 // 2 - 2 - reach : 10 // 2 + 2 + reach]
    coarse = shrink(truth, (20, 24))
    usual = enlarge(coarse, (40, 48))
    agreed = module.SpaceStep((40, 48)).plain(coarse) - usual
    # Detail that holds twice what is lacking beyond a third of the agreement.
    detail = 2 * (truth - usual - agreed / 3)
    monkeypatch.setattr(
        module.SpaceStep, "details", lambda self, window: detail[reach:-reach] * self.share
    )
    step, told = chosen(clip, (80, 96), "bicubic", prior(), spoil=lambda v: v)
    assert step.agreement == told.agreement == pytest.approx(1 / 3, abs=1e-3)
    assert step.share == told.share == pytest.approx(0.5, abs=1e-3)
    assert told.gain_db > 30


def grainy(clip, deviation, seed=5):
    return clip + deviation * torch.randn(clip.shape, generator=torch.Generator().manual_seed(seed))


def surface(side=96, frames=8):
    """Strong in wide forms, weak in fine ones, as what is filmed, and alike at all sizes."""
    rows, columns = torch.meshgrid(*[torch.fft.fftfreq(side)] * 2, indexing="ij")
    spectrum = torch.fft.fft2(noise(side, side) - 0.5) / (0.03 + torch.hypot(rows, columns))
    made = torch.fft.ifft2(spectrum).real
    made = (0.5 + 0.15 * made / made.std()).clamp(0.05, 0.95)
    return made[None, ..., None].expand(frames, -1, -1, 3).contiguous()


@pytest.mark.parametrize("camera", ["bicubic", "area"])
def test_what_noise_added_is_not_sharpened(camera):
    """Against the truth, what is made of noisy frames is no worse than interpolation."""
    truth, sigma = surface(), 10 / 255
    video = grainy(shrink(truth, (48, 48), camera), sigma)
    usual, gains = enlarge(video, (96, 96)), []
    for told in (0.0, sigma):
        step, _ = chosen(video, (96, 96), camera, noise=told)
        errors = [float((made - truth).square().mean()) for made in (usual, step.begun(video))]
        gains.append(10 * math.log10(errors[0] / errors[1]))
    assert gains[0] < -0.1
    assert gains[1] >= 0


def test_noise_is_weighed_as_the_truth_would_weigh_it():
    """What is chosen on noisy frames is what comes nearest to the same without noise."""
    clip, sigma = surface(), 0.03
    step, told = chosen(grainy(clip, sigma), (192, 192), noise=sigma)
    coarse = grainy(shrink(clip[2:6], (48, 48)), sigma, seed=8)
    usual = enlarge(coarse, (96, 96))
    agreed, lacking = ((each - usual)[:, 8:-8, 8:-8] for each in (agree(usual, coarse), clip[2:6]))
    best = float((lacking * agreed).mean() / agreed.square().mean())
    assert 0.4 < best < 0.6
    assert step.agreement == told.agreement == pytest.approx(best, abs=0.06)
    rest = (lacking - best * agreed).square().mean()
    wanted = float(10 * torch.log10(lacking.square().mean() / rest))
    assert told.gain_db == pytest.approx(wanted, abs=0.05)


def test_noise_beside_smooth_frames_is_not_sharpened(monkeypatch):
    """Smooth frames have less to find than the same shrunk have, which speak for too much."""
    truth, sigma = enlarge(surface(48), (192, 192)), 5 / 255
    video = grainy(shrink(truth, (96, 96)), sigma)
    usual, gains = enlarge(video, (192, 192)), []
    for weakest in (1.0, module._WEAKEST):  # 1: as if they had as much
        monkeypatch.setattr(module, "_WEAKEST", weakest)
        step, _ = chosen(video, (192, 192), noise=sigma)
        errors = [float((made - truth).square().mean()) for made in (usual, step.begun(video))]
        gains.append(10 * math.log10(errors[0] / errors[1]))
    assert gains[0] < -0.5
    assert gains[1] >= -0.05
