"""The step in space of a run: what a prior knows of detail, as far as it holds for the video."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from deeptsr.errors import OptionError
from deeptsr.events import Listener, Sharpened, ignore
from deeptsr.imaging.lens import enlarge, shrink
from deeptsr.learning.prior import Prior
from deeptsr.learning.space.pretrain import VARIANT
from deeptsr.networks.chance import seeded
from deeptsr.networks.space import STEP, SpaceNetwork
from deeptsr.pyramid.enlarge import SpaceStep

__all__ = ["Spoil", "space_prior", "space_step"]

Spoil = Callable[[Tensor], Tensor]

_BUNDLED = "space-24x6.safetensors"
_JUDGED = 1_200_000  # pixels x frames, at most, that are shrunk and enlarged again
_MOST_FRAMES = 4  # of these
_LEAST_GAIN = 0.02  # dB, from which on detail is added, or frames are believed in part
_WEAKEST = 4.0  # times weaker than that of shrunk frames that detail is taken to be, at most
_EDGE = 8  # pixels that are not judged: there the camera sees beyond the border


def space_prior(name: str) -> Prior | None:
    """The prior that finds detail.

    Args:
        name: "auto" (what comes with the program), "none", or a file that `deeptsr pretrain` made.

    Raises:
        OptionError: when it cannot be read, or is none for space.
    """
    if name == "none":
        return None
    if name == "auto":
        return _bundled()
    prior = Prior.load(name)
    if prior.network.kind != "space" or VARIANT not in prior.variants:
        raise OptionError(
            f"space_prior is {name!r}, a prior for time; expected 'auto', 'none', or a file that "
            "`deeptsr pretrain --space` made"
        )
    if not _is_whole(prior):
        raise OptionError(
            f"space_prior is {name!r}, whose weights are not of its network: the file is damaged; "
            "expected 'auto', 'none', or a file that `deeptsr pretrain --space` made"
        )
    return prior


def _is_whole(prior: Prior) -> bool:
    """Whether the weights are of the network; nothing of the size that is told is made."""
    state, network = prior.variants[VARIANT], prior.network
    entry = state.get("enter.weight")
    if entry is None or len(entry) != network.channels or network.blocks > len(state):
        return False
    with torch.device("meta"):
        own = SpaceNetwork(network.channels, network.blocks).state_dict()
    return {k: v.shape for k, v in own.items()} == {k: v.shape for k, v in state.items()}


@cache
def _bundled() -> Prior | None:
    place = resources.files("deeptsr.learning") / "priors" / _BUNDLED
    if not place.is_file():
        return None
    with resources.as_file(place) as path:
        return Prior.load(Path(path))


def space_step(
    excerpt: Tensor,
    size: tuple[int, int],
    camera: str = "bicubic",
    prior: Prior | None = None,
    *,
    precision: torch.dtype = torch.float32,
    views: int = 1,
    spoil: Spoil | None = None,
    noise: float = 0.0,
    on_event: Listener = ignore,
) -> SpaceStep:
    """Choose how the frames of a video are enlarged.

    Frames of the excerpt are shrunk and enlarged again. As much of the network's detail is taken as
    comes nearest to them, none if that is no gain: so it is never worse there than interpolation.
    Where a codec has spoilt the video, the smaller frames are spoilt alike before that: then it is
    seen, too, how far agreement with such frames comes nearer to those before. So it is where a
    sensor has made it noisy: smaller frames, which have less noise, are given as much.

    Args:
        excerpt: volume (T, h, w, 3), on the device that does the work.
        size: (H, W) of the result, pixels.
        camera: see :mod:`deeptsr.imaging.lens`.
        prior: what finds detail; None: nothing does.
        precision: of the network.
        views: ways that it looks at the frames: see :class:`deeptsr.pyramid.enlarge.SpaceStep`.
        spoil: does to frames (T, h, w, 3) what a codec has done to the video's; None: none has.
        noise: standard deviation of what a sensor has added to the video, in [0, 1].
        on_event: told what was found.
    """
    network = None if prior is None else _network(prior, excerpt.device)
    best = SpaceStep(size, camera, network, precision=precision, views=views)
    found = _judged(excerpt, best, spoil, noise)
    outcome = "sharpened" if found.share else "interpolates"
    agreement = found.agreement
    on_event(Sharpened(STEP, found.gain, outcome, share=found.share, agreement=agreement))
    if not found.share:
        return SpaceStep(size, camera, agreement=agreement)
    return replace(best, share=found.share, agreement=agreement)


def _network(prior: Prior, device: torch.device) -> SpaceNetwork:
    with seeded(0):  # what it begins as is thrown away
        network = SpaceNetwork(prior.network.channels, prior.network.blocks)
    network.load_state_dict(prior.variants[VARIANT])
    network.to(device).to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    return network.eval()


class _Found(NamedTuple):
    """What comes nearest to frames that were shrunk, and maybe spoilt, and enlarged again."""

    agreement: float
    share: float
    gain: float  # over bicubic interpolation, dB


def _judged(excerpt: Tensor, best: SpaceStep, spoil: Spoil | None, noise: float) -> _Found:
    """Look at the middle of an excerpt with all of a step; of sound frames, agreement is 1."""
    network, sound = best.network, spoil is None and not noise
    reach = network.reach[0] if network else 0
    truth = _window(excerpt, reach)
    size = (truth.shape[1], truth.shape[2])
    small = (size[0] // STEP, size[1] // STEP)
    felt = noise * _weaker(truth, small, best.camera, noise) if noise else 0.0
    truth, coarse = _filmed(truth, small, best.camera, noise, felt)
    if spoil is not None:
        coarse = spoil(coarse)
    step = replace(best, size=size)
    inner = slice(reach, len(truth) - reach)
    truth, given = truth[inner], coarse[inner]
    usual = enlarge(given, size)
    lacking = _inner(truth - usual)
    agreed = _inner(step.plain(given) - usual)
    detail = None if network is None else _inner(step.details(coarse))
    unseen = 2 * noise**2  # of the mean square: the noise in what is taken for the truth
    found = _best(lacking, agreed, detail, unseen, weighed=False)
    if not sound:
        found = _better(_best(lacking, agreed, detail, unseen, weighed=True), found)
    gain = 10 * torch.log10(_power(lacking, unseen) / found.left)
    return _Found(found.agreement, found.share, float(gain))


class _Choice(NamedTuple):
    """How much of both is taken, and the mean square error that is left."""

    agreement: float
    share: float
    left: Tensor


def _best(
    lacking: Tensor, agreed: Tensor, detail: Tensor | None, unseen: float, *, weighed: bool
) -> _Choice:
    """What comes nearest to what is lacking; unless it is weighed, agreement is 1."""
    agreement = _part(agreed, lacking) if weighed else 1.0
    alone = _Choice(agreement, 0.0, _power(lacking - agreement * agreed, unseen))
    if detail is None:
        return alone
    both = _part(*(_without(x, detail) for x in (agreed, lacking))) if weighed else 1.0
    rest = lacking - both * agreed
    share = _part(detail, rest)
    return _better(_Choice(both, share, _power(rest - share * detail, unseen)), alone)


def _better(choice: _Choice, usual: _Choice) -> _Choice:
    """A choice where that gains enough over the usual one, which keeps more of what is promised."""
    return choice if choice.left * 10 ** (_LEAST_GAIN / 10) < usual.left else usual


def _weaker(fine: Tensor, size: tuple[int, int], camera: str, noise: float) -> float:
    """How much weaker what can be found of frames is than of the same shrunk, 1 or more.

    So much stronger is noise beside it. What agreement adds to both tells that.
    """
    height, width = fine.shape[1:3]

    def power(volume: Tensor, made: tuple[int, int]) -> float:
        step = SpaceStep(made, camera)
        return float(_inner(step.plain(volume) - enlarge(volume, made)).square().mean())

    random = torch.Generator().manual_seed(1)
    alone = (noise * torch.randn(fine[:1].shape, generator=random)).to(fine)
    double = (STEP * height, STEP * width)
    found = power(fine, double) - power(alone, double)
    shrunk = power(shrink(fine, size, camera), (height, width))
    return (shrunk / max(found, shrunk / _WEAKEST**2)) ** 0.5 if shrunk > found else 1.0


def _filmed(
    fine: Tensor, size: tuple[int, int], camera: str, noise: float, felt: float
) -> tuple[Tensor, Tensor]:
    """What frames are held to be, and what a camera of fewer pixels, as noisy, makes of them.

    The noise of the frames themselves is in both, and would be taken for detail that is found
    again. So as much is added before the camera and taken off what they are held to be: what is
    found of one is what is missed of the other. Behind the camera, noise is added until its
    deviation is ``felt``.
    """
    if not noise:
        return fine, shrink(fine, size, camera)
    random = torch.Generator().manual_seed(0)
    added = (noise * torch.randn(fine.shape, generator=random)).to(fine)
    seen = shrink(added, size, camera)
    still = max(0.0, felt**2 - 2 * float(seen.square().mean())) ** 0.5
    more = (still * torch.randn(seen.shape, generator=random)).to(fine)
    return fine - added, shrink(fine + added, size, camera) + more


def _power(error: Tensor, unseen: float) -> Tensor:
    """Mean square, less what is none of it; never 0, so that a flat video has a gain of 0."""
    return (error.square().mean() - unseen).clamp(min=unseen / 20) + 1e-9


def _part(found: Tensor, wanted: Tensor) -> float:
    """How much of what was found comes nearest to what is wanted, between 0 and 1."""
    power = found.square().mean()
    return float(((wanted * found).mean() / power).clamp(0, 1)) if power > 0 else 0.0


def _without(volume: Tensor, other: Tensor) -> Tensor:
    """What of a volume another cannot give, in least squares, whatever its share."""
    power = other.square().mean()
    return volume - other * ((volume * other).mean() / power) if power > 0 else volume


def _window(excerpt: Tensor, reach: int) -> Tensor:
    """Some frames from the middle of an excerpt, of even sides, cropped where they are large."""
    frames, height, width = excerpt.shape[:3]
    count = max(1, min(_MOST_FRAMES, _JUDGED // (height * width)))
    first = max(0, (frames - count) // 2 - reach)
    part = excerpt[first : first + count + 2 * reach]
    most = int(_JUDGED**0.5)
    for axis in (1, 2):
        side = min(part.shape[axis], most) // STEP * STEP
        part = part.narrow(axis, (part.shape[axis] - side) // 2, side)
    lacking = 2 * reach + 1 - len(part)  # a short clip stands still at its end
    return torch.cat([part, part[-1:].expand(max(0, lacking), -1, -1, -1)])


def _inner(volume: Tensor) -> Tensor:
    edge = min(_EDGE, (min(volume.shape[1:3]) - 1) // 4)
    return volume[:, edge : volume.shape[1] - edge, edge : volume.shape[2] - edge]
