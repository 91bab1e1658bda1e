"""The step in space of a run: what a prior knows of detail, as far as it holds for the video."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib import resources
from pathlib import Path

import torch
from torch import Tensor

from deeptsr.errors import OptionError
from deeptsr.events import Listener, Sharpened, ignore
from deeptsr.learning.prior import Prior
from deeptsr.learning.space.judge import Spoil, judged
from deeptsr.learning.space.pretrain import VARIANT
from deeptsr.networks.chance import seeded
from deeptsr.networks.space import STEP, SpaceNetwork
from deeptsr.pyramid.enlarge import SpaceStep

__all__ = ["Spoil", "is_whole", "space_prior", "space_step"]

_BUNDLED = "space-24x6.safetensors"


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
    if not is_whole(prior):
        raise OptionError(
            f"space_prior is {name!r}, whose weights are not of its network: the file is damaged; "
            "expected 'auto', 'none', or a file that `deeptsr pretrain --space` made"
        )
    return prior


def is_whole(prior: Prior) -> bool:
    """Whether it has weights of its network in space; nothing of the size that is told is made."""
    state, network = prior.variants.get(VARIANT, {}), prior.network
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

    Frames of the excerpt are shrunk and enlarged again: see :mod:`deeptsr.learning.space.judge`. As
    much of the network's detail is taken as comes nearest to them, as far as a camera half a pixel
    aside finds it again, none if that is no gain. Where a codec has spoilt the video, the smaller
    frames are spoilt alike before that: then it is seen, too, how far agreement with such frames
    comes nearer to those before. So it is where a sensor has made it noisy: smaller frames, which
    have less noise, are given as much.

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
    found = judged(excerpt, best, spoil, noise)
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
