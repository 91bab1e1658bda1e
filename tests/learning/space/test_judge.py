"""How much of a step in space holds for a video: witnesses of detail, and what rounding adds."""

import math
from dataclasses import replace

import pytest
import torch

from deeptsr.imaging.lens import agree, enlarge, shrink
from deeptsr.learning.space import judge
from deeptsr.learning.space.judge import judged
from deeptsr.learning.space.step import space_prior, space_step
from deeptsr.networks.space import SpaceNetwork
from deeptsr.pyramid.enlarge import SpaceStep
from tests.helpers.synth import gap, noise

DOUBLED = SpaceStep((96, 96))
REACH = SpaceNetwork(4, 1).reach[0]


def best(size=(80, 96)):
    return SpaceStep(size, network=SpaceNetwork(4, 1))


def rounded(volume):
    return (volume * 255).round() / 255


def smooth(side=96, frames=8):
    """A faint surface whose finest details are as weak as its rounding: a smooth film."""
    rows, columns = torch.meshgrid(*[torch.fft.fftfreq(side)] * 2, indexing="ij")
    spectrum = torch.fft.fft2(noise(side, side) - 0.5) / (0.03 + torch.hypot(rows, columns)) ** 3
    made = torch.fft.ifft2(spectrum).real
    return (0.5 + 0.045 * made / made.std())[None, ..., None].expand(frames, -1, -1, 3).contiguous()


def error_of(made, truth):
    return float((made - truth)[:, 8:-8, 8:-8].square().mean())


def gain_of(step, video, truth):
    usual = enlarge(video, step.size)
    made = step.begun(video)
    if step.network is not None:
        reach = step.reach((video.shape[1], video.shape[2]))
        made = made + step.details(torch.cat([video[:1]] * reach + [video] + [video[:1]] * reach))
    return 10 * math.log10(error_of(usual, truth) / error_of(made, truth))


def test_smooth_frames_of_8_bits_are_not_worse_than_interpolated():
    """Their rounding is as strong as what they have to find, of which shrunk frames have more."""
    truth = smooth()
    video = rounded(shrink(truth, (48, 48)))
    exact = SpaceStep((96, 96))
    step = space_step(video, (96, 96), prior=space_prior("auto"))
    assert gain_of(exact, video, truth) < -0.5
    assert gain_of(step, video, truth) >= 0
    assert step.agreement < 1


@pytest.mark.parametrize("camera", ["bicubic", "area"])
def test_how_far_rounding_is_agreed_with_comes_nearest_to_what_was_filmed(camera, monkeypatch):
    monkeypatch.setattr(judge, "_UNSEEN", math.inf)  # as near as it gets, whatever is seen again
    truth = smooth()
    video = rounded(shrink(truth, (48, 48), camera))
    told = judge._beside_rounding(video, SpaceStep((96, 96), camera))
    usual, exact = enlarge(video, (96, 96)), agree(enlarge(video, (96, 96)), video, camera)
    lacking, added = truth - usual, exact - usual
    best_share = float(
        (lacking * added)[:, 8:-8, 8:-8].mean() / added[:, 8:-8, 8:-8].square().mean()
    )
    assert told == pytest.approx(max(0, best_share), abs=0.15)


def test_frames_that_are_not_so_smooth_and_those_of_more_bits_are_agreed_with():
    faint = shrink(smooth(), (48, 48))
    assert judge._beside_rounding(rounded(faint), DOUBLED) < 1
    assert judge._beside_rounding(faint, DOUBLED) == 1
    strong = 0.3 + 0.4 * shrink(noise(8, 96, 96, 3), (48, 48))
    assert judge._beside_rounding(rounded(strong), DOUBLED) == 1
    assert judge._beside_rounding(torch.full((8, 48, 48, 3), 51 / 255), DOUBLED) == 1


@pytest.mark.parametrize("side", [72, 96, 144])
def test_filmed_again_frames_are_the_same_to_less_than_their_rounding(side):
    believed = []
    for strong in (0.3, 1, 1.5):
        video = rounded(shrink(0.5 + strong * (smooth() - 0.5), (48, 48)))
        step = SpaceStep((side, side), levels=255)
        step = replace(step, agreement=judge._beside_rounding(video, step))
        kept = step.finished(step.begun(video), video)
        assert gap(kept * 255, (kept * 255).round()) < 1e-3
        seen = error_of(shrink(kept, (48, 48)), video)
        assert -10 * math.log10(seen) > 65
        believed.append(step.agreement)
    assert min(believed) < 1


def test_the_frame_in_which_most_is_missed_decides_how_far_all_are_believed():
    """The others are stiller; all of them are to be the same, filmed again."""
    faint, strong = (0.5 + much * (smooth(frames=1) - 0.5) for much in (0.3, 1.2))
    video = rounded(shrink(torch.cat([faint, faint, faint, strong]), (48, 48)))
    step = replace(DOUBLED, levels=255)
    step = replace(step, agreement=judge._beside_rounding(video, step))
    assert step.agreement < 1
    kept = step.finished(step.begun(video), video)
    seen = shrink(kept, (48, 48))
    assert all(-10 * math.log10(error_of(seen[n:][:1], video[n:][:1])) > 65 for n in range(4))


def knowing(*films):
    """Detail that is what one of these lacks: that which the frames are of."""

    def details(step, window):
        inner = window[REACH:-REACH]
        height, width = inner.shape[1:3]
        film = min(
            films, key=lambda f: float((shrink(f, (height, width)) - inner[:1]).square().mean())
        )
        found = film - step.plain(shrink(film, (height, width)))
        return found.expand(len(inner), -1, -1, -1) * step.share

    return details


def test_what_moves_with_the_picture_is_found_again_from_aside(monkeypatch):
    film = noise(1, 80, 96, 3)
    aside = torch.cat([film[:, :1], film[:, :-1]], 1)
    aside = torch.cat([aside[:, :, :1], aside[:, :, :-1]], 2)
    video = shrink(film, (40, 48)).expand(8, -1, -1, -1)
    monkeypatch.setattr(SpaceStep, "details", knowing(film, aside))
    assert judge._found_again(video, best()) == pytest.approx(1, abs=1e-4)


def test_what_stays_with_the_pixels_is_not(monkeypatch):
    film, chance = noise(1, 80, 96, 3), 0.1 * noise(1, 80, 96, 3, seed=9)
    video = shrink(film, (40, 48)).expand(8, -1, -1, -1)
    chance = chance - SpaceStep((80, 96)).plain(shrink(chance, (40, 48)))

    def details(step, window):
        return chance.expand(len(window) - 2 * REACH, -1, -1, -1) * step.share

    monkeypatch.setattr(SpaceStep, "details", details)
    assert judge._found_again(video, best()) < 0.1


def test_the_share_is_the_product_of_both_witnesses(monkeypatch):
    clip = noise(10, 40, 48, 3)
    truth = clip[3:7]
    lacking = truth - SpaceStep((40, 48)).plain(shrink(truth, (20, 24)))
    monkeypatch.setattr(SpaceStep, "details", lambda self, window: 2 * lacking * self.share)
    shares, gains = [], []
    for again in (1.0, 0.5, 0.0):
        monkeypatch.setattr(judge, "_found_again", lambda excerpt, step, found=again: found)
        found = judged(clip, best(), None, 0.0)
        shares.append(found.share)
        gains.append(found.gain)
    assert shares == pytest.approx([0.5, 0.25, 0.0], abs=1e-4)
    assert gains[0] > gains[1] > gains[2] > 0


def test_all_frames_of_a_short_clip_stand_in_the_middle():
    clip = noise(3, 24, 24, 3)
    window = judge._window(clip, 4)
    assert len(window) == 3 + 2 * 4
    assert torch.equal(window[4:7], clip)
    assert all(torch.equal(frame, clip[0]) for frame in window[:4])
    assert all(torch.equal(frame, clip[2]) for frame in window[7:])
    long = noise(20, 40, 40, 3)
    assert torch.equal(judge._window(long, 2), long[8 - 2 : 12 + 2])


def test_the_place_that_is_looked_at_from_aside_is_where_most_is_found(monkeypatch):
    monkeypatch.setattr(judge, "_ASIDE", 16)
    clip = torch.full((4, 40, 60, 3), 0.5)
    clip[:, 22:30, 34:44] = noise(4, 8, 10, 3)
    assert torch.equal(judge._liveliest(clip, "bicubic"), clip[:, 16:32, 32:48])
    low = clip[:, 20:32]  # not so high as a place
    assert torch.equal(judge._liveliest(low, "bicubic"), low[:, :, 32:48])
