"""From the climbed frames to larger ones: a streaming filter behind the climb.

What a network adds to the frames of the video, their detail, is carried to the climbed frames as
time passes; what is enlarged otherwise is the climbed frames, such that the camera sees them again.
Both parts are linear, so that the result shrinks to the climbed frames exactly, and exposes to the
enlarged video exactly. One large frame is made at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional

from deeptsr.imaging.exposure import Exposure, expose
from deeptsr.imaging.lens import agree, enlarge, shrink
from deeptsr.imaging.levels import in_levels, inside
from deeptsr.imaging.resample import interpolating_taps, resize
from deeptsr.imaging.volume import to_network, to_volume
from deeptsr.networks.space import STEP, SpaceNetwork

__all__ = ["VIEWS", "SpaceStep", "doublings", "enlarged", "first_read", "slab_of", "tile_of"]

_MOST_DOUBLINGS = 2
_NEARLY = 0.98  # of a side: what rounding adds is no reason for another doubling
_LARGE = 8_000_000  # pixels of the large frames whose detail is found at once, at most
_MOST_FRAMES = 8
_HIDDEN_BYTES = 16e6  # of a hidden layer of a tile: see pyramid.predict
# Ways to look at a clip (N, C, T, h, w), in the order in which they pay: the axes that are turned
# round, after rows and columns have changed places or not.
_VIEWS = (
    ((), False),
    ((2, 4), False),
    ((3,), False),
    ((2, 3, 4), True),
)
VIEWS = len(_VIEWS)


@dataclass(frozen=True)
class SpaceStep:
    """How frames are enlarged.

    Attributes:
        size: (H, W) of the result, pixels.
        camera: that turns the result into the frames again: see :mod:`deeptsr.imaging.lens`.
        network: that finds detail; None: none is added.
        share: of the detail that is taken, in [0, 1].
        precision: of the network.
        agreement: how far the camera sees the frames again, in [0, 1]: 1 where they are as filmed,
            less where a codec has changed them, so that this is not sharpened.
        levels: the number that stands for 1 where colours are kept in whole numbers: the result is
            rounded to these; None: it is not.
        views: ways that the network looks at the frames, 1 to :data:`VIEWS`: as they are, then
            mirrored, reversed in time and turned. What it adds is their mean.
    """

    size: tuple[int, int]
    camera: str = "bicubic"
    network: SpaceNetwork | None = None
    share: float = 1.0
    precision: torch.dtype = torch.float32
    agreement: float = 1.0
    levels: int | None = None
    views: int = 1

    def plain(self, volume: Tensor) -> Tensor:
        """Enlarge frames such that the camera sees them again: (T, h, w, C) -> (T, H, W, C)."""
        return agree(enlarge(volume, self.size), volume, self.camera)

    def begun(self, volume: Tensor) -> Tensor:
        """Enlarge frames such that the camera sees them again as far as they are believed."""
        if self.agreement == 1:
            return self.plain(volume)
        return enlarge(volume, self.size).lerp_(self.plain(volume), self.agreement)

    def seen(self, volume: Tensor) -> Tensor:
        """What the camera sees of frames that were enlarged by :meth:`begun`."""
        if self.agreement == 1:
            return volume
        size = (volume.shape[1], volume.shape[2])
        return shrink(enlarge(volume, self.size), size, self.camera).lerp_(volume, self.agreement)

    def finished(self, large: Tensor, given: Tensor) -> Tensor:
        """Frames as they are kept: in [0, 1], and rounded where there are levels.

        Args:
            large: frames given that were enlarged by :meth:`begun`, with detail, (T, H, W, C).
            given: (T, h, w, C).
        """
        seen = self.seen(given)
        large = inside(large, seen, self.camera)
        return large if self.levels is None else in_levels(large, seen, self.levels, self.camera)

    def reach(self, given: tuple[int, int]) -> int:
        """How many frames of such a size, to each side, the detail of one depends on."""
        return self.network.reach[0] * doublings(given, self.size) if self.network else 0

    def details(self, window: Tensor) -> Tensor:
        """What the network adds to the plainly enlarged frames.

        Args:
            window: (T + 2 * reach, h, w, C), C = 3, or 4 with alpha, which is a picture of its own.

        Returns:
            Volume (T, H, W, C), of which the camera sees nothing.
        """
        if window.shape[3] == 4:
            cover = self.details(window[..., 3:].expand(-1, -1, -1, 3)).mean(3, keepdim=True)
            return torch.cat([self.details(window[..., :3]), cover], 3)
        assert self.network is not None
        given = (window.shape[1], window.shape[2])
        reach, times = self.network.reach[0], doublings(given, self.size)
        large = window
        for _ in range(times):
            large = self._doubled(self.network, large)
        inner = window[reach * times : len(window) - reach * times]
        plain = self.plain(inner)
        large = agree(resize(large, self.size), inner, self.camera)
        return large.sub_(plain).mul_(self.share)

    def _doubled(self, network: SpaceNetwork, clip: Tensor) -> Tensor:
        """Frames of twice the size that agree with those given, fewer by the reach at each end."""
        (frames, edge), (height, width) = network.reach, clip.shape[1:3]
        count = len(clip) - 2 * frames
        inner = clip[frames : frames + count]
        large = enlarge(inner, (STEP * height, STEP * width))
        side = tile_of(network, len(clip))
        planes = functional.pad(to_network(clip)[None], [edge] * 4 + [0] * 2, mode="replicate")
        with torch.no_grad():
            for top in range(0, height, side):
                for left in range(0, width, side):
                    below, right = min(top + side, height), min(left + side, width)
                    piece = planes[..., top : below + 2 * edge, left : right + 2 * edge]
                    change = to_volume(self._change(network, piece)[0])
                    large[:, STEP * top : STEP * below, STEP * left : STEP * right] += change
        return agree(large, inner)

    def _change(self, network: SpaceNetwork, piece: Tensor) -> Tensor:
        """What the network adds to a tile (1, 3, T, h, w), from all views: (1, 3, t, 2h', 2w')."""
        found = []
        for axes, turned in _VIEWS[: self.views]:
            seen = (piece.transpose(3, 4) if turned else piece).flip(axes)
            made = network(
                seen.contiguous(memory_format=torch.channels_last_3d), self.precision
            ).flip(axes)
            found.append(made.transpose(3, 4) if turned else made)
        return torch.stack(found).mean(0)


def doublings(given: tuple[int, int], size: tuple[int, int]) -> int:
    """How often a network doubles frames on their way to a size; the rest is interpolated."""
    ratio = max(large / small for small, large in zip(given, size, strict=True))
    return 1 if ratio * _NEARLY <= STEP else _MOST_DOUBLINGS


def slab_of(size: tuple[int, int]) -> int:
    """Frames whose detail is found at once."""
    return max(1, min(_MOST_FRAMES, _LARGE // (size[0] * size[1])))


def tile_of(network: SpaceNetwork, frames: int) -> int:
    """Side of a tile that is worked on at once, pixels of the frames given."""
    return max(16, int((_HIDDEN_BYTES / (4 * network.width * frames)) ** 0.5) - network.reach[1])


def first_read(step: SpaceStep, given: tuple[int, int], start: int, cuts: Sequence[int]) -> int:
    """The first frame of the video that :func:`enlarged` reads for the results from one on."""
    scene = max((cut for cut in cuts if cut <= start), default=0)
    return scene + max(0, _slab_start(step, start - scene) - step.reach(given))


def enlarged(
    step: SpaceStep,
    volumes: Iterable[Tensor],
    frames: Iterable[Tensor],
    total: int,
    factor: int = 1,
    *,
    exposure: Exposure = "full",
    start: int = 0,
    cuts: Sequence[int] = (),
) -> Iterator[Tensor]:
    """Enlarge climbed frames.

    Args:
        step: how.
        volumes: (n * factor, h, w, C) each: what the frames of the video from ``start`` on became.
        frames: (h, w, C) each: those of the video from :func:`first_read` on.
        total: how many frames the video has.
        factor: climbed frames that a frame of the video has become.
        exposure: of the video.
        start: see ``volumes``. The results do not depend on it.
        cuts: first frames of scenes, 0 excepted; no result depends on another scene than its own.

    Yields:
        Volumes (1, H, W, C), in order, in [0, 1].
    """
    climbed = _one_by_one(volumes)
    if step.network is None:
        for frame in climbed:
            yield step.finished(step.begun(frame[None]), frame[None])
        return
    weights, source = _taps(factor, exposure).tolist(), iter(frames)
    for first, stop in pairwise((0, *cuts, total)):
        if stop <= start:
            continue
        begin = max(0, start - first)
        found = _scene_details(step, source, stop - first, begin)
        before = here = next(found)
        if begin:
            here = next(found)
        for _ in range(begin, stop - first):
            after = next(found, here)
            for taps in weights:
                given = next(climbed)[None]
                large = step.begun(given)
                for detail, weight in zip((before, here, after), taps, strict=True):
                    if weight:
                        large[0].add_(detail, alpha=weight)
                yield step.finished(large, given)
            before, here = here, after


def _one_by_one(volumes: Iterable[Tensor]) -> Iterator[Tensor]:
    """Frames (h, w, C), as copies: a view would hold all of a volume while the next is climbed."""
    for volume in volumes:
        for frame in volume:
            yield frame.clone()
        del frame, volume


def _taps(factor: int, exposure: Exposure) -> Tensor:
    """How much of the detail before, of, and after a frame its climbed frames have: (factor, 3).

    Linear in time, and such that those which the frame holds have its own detail on average.
    """
    taps = interpolating_taps(factor, exposure)
    own = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)
    return taps + own - expose(taps, factor, exposure)


def _slab_start(step: SpaceStep, begin: int) -> int:
    """Where the slab begins that holds the frame before a frame of a scene."""
    length = slab_of(step.size)
    return max(0, begin - 1) // length * length


def _scene_details(
    step: SpaceStep, source: Iterator[Tensor], total: int, begin: int
) -> Iterator[Tensor]:
    """The details (H, W, C) of the frames of a scene, from the one before ``begin`` on.

    Slabs lie on a grid that begins with the scene, so that a run that goes on finds the same.
    """
    head = next(source)
    reach, length = step.reach((head.shape[0], head.shape[1])), slab_of(step.size)
    first = _slab_start(step, begin)
    known = max(0, first - reach)  # the number of the first frame that is held
    held = [head]
    while first < total:
        stop = min(first + length, total)
        while known + len(held) < min(stop + reach, total):
            held.append(next(source))
        around = range(first - reach, stop + reach)  # beyond its ends the scene stands still
        window = torch.stack([held[min(max(n, 0), total - 1) - known] for n in around])
        details = step.details(window)
        for number in range(max(first, begin - 1), stop):
            yield details[number - first]
        first = stop
        surplus = max(0, first - reach - known)
        held, known = held[surplus:], known + surplus
