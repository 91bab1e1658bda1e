"""Draws batches of HTR examples from the video itself: within, across and shift (section 3).

Every example is a view of some volume: a pixel of the crop at (t, y, x) is the volume's pixel at
``origin + matrix @ (t, y, x)``, mirrored at the volume's ends. A signed permutation matrix is a
mirror flip, a rotation by 90 degrees, a reversal of time or a swap of dimensions; a matrix that
moves along x as t grows is a frame in translation. So all volumes lie in one flat pool on the
device, and a batch of any mixture is one gather.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from deeptsr.config import PairSettings
from deeptsr.imaging.exposure import expose
from deeptsr.imaging.resample import resize
from deeptsr.imaging.shapes import AnyVolume, Volume, Volumes
from deeptsr.learning.pairs.kinds import KINDS, WITHIN, Kind
from deeptsr.system.devices import release

__all__ = ["PairSource", "pool_bytes"]

_MOST_PIXELS = 25_000_000  # of a clip at all scales; its jumps and swaps come on top of that
_POOLED = 3 * 2  # bytes a pixel
_BUILDING = 30  # bytes a pixel of the largest volume, while it is scaled and looked at


def _affordable(pixels: int, settings: PairSettings) -> list[float]:
    """The scales, without the largest ones of a clip that is too large for them."""
    scales = sorted(settings.scales)
    while len(scales) > 1 and sum(s * s for s in scales) * pixels > _MOST_PIXELS:
        scales.pop()
    return scales


def pool_bytes(pixels: int, settings: PairSettings) -> float:
    """Bytes that a pool takes while it is built, about.

    Args:
        pixels: pixels x frames of its clip.
        settings: mix and scales.
    """
    areas = [scale * scale * pixels for scale in _affordable(pixels, settings)]
    # The clip itself, which all kinds share, and what is exposed along an axis.
    volumes = 1 + sum(
        len(kind.axes) / jump
        for kind in KINDS
        if kind.share(settings)
        for jump in kind.jumps(settings)
        if jump > 1
    )
    return _POOLED * volumes * sum(areas) + _BUILDING * max(areas)


@dataclass(frozen=True)
class _Entry:
    """A volume from which crops of one kind are cut."""

    volume: Volume
    kind: Kind
    axis: int  # of the volume, along which their time runs
    share: float  # of all crops of their kind


class PairSource:
    """A pool of volumes on the device, from which batches of HTR examples are gathered."""

    def __init__(
        self,
        clips: list[AnyVolume],
        settings: PairSettings,
        factor: int,
        exposure: str = "full",
    ) -> None:
        """Build the pool.

        Args:
            clips: volumes (T, H, W, C) of the video; no example crosses from one to another.
            settings: mix, crop and scales.
            factor: HTR frames an LTR frame of a pair.
            exposure: "full" or "delta".
        """
        self.settings, self.factor, self.exposure = settings, factor, exposure
        self.frames = settings.frames * factor
        self.device = clips[0].device
        self._index(self._stored([e for clip in clips for e in self._entries(clip)]))
        release()

    def _entries(self, clip: Volume) -> list[_Entry]:
        """The space-time pyramid of one clip (figure 7)."""
        s = self.settings
        entries: list[_Entry] = []
        for scale in _affordable(clip[..., 0].numel(), s):
            height, width = (max(8, round(n * scale)) for n in clip.shape[1:3])
            small = resize(clip, (height, width)).clamp(0, 1).half()
            for kind in KINDS:
                if not kind.share(s):
                    continue
                for jump, axis in itertools.product(kind.jumps(s), kind.axes):
                    if kind is WITHIN and len(small) // jump * 2 < self.frames:
                        continue  # most of a crop would be mirror images
                    volume = self._blurred(small, jump, axis)
                    entries.append(_Entry(volume, kind, axis, scale * scale / jump))
        return entries

    def _blurred(self, volume: Tensor, jump: int, axis: int) -> Tensor:
        """Expose along an axis; the very same volume for a jump of 1, so that it is stored once."""
        if jump == 1:
            return volume
        length = volume.shape[axis] // jump * jump
        return expose(volume.narrow(axis, 0, length), jump, self.exposure, axis)

    def _stored(self, entries: list[_Entry]) -> list[_Entry]:
        """Lay all volumes into one flat table of pixels; volumes that are the same share it.

        Returns:
            The entries, whose volumes are views of the table: what they were is let go of.
        """
        same: dict[int, list[int]] = {}
        for number, entry in enumerate(entries):
            same.setdefault(id(entry.volume), []).append(number)
        sizes = [entries[numbers[0]].volume[..., 0].numel() for numbers in same.values()]
        self._pixels = torch.empty(sum(sizes), 3, dtype=torch.float16, device=self.device)
        self._offsets, offset = [0] * len(entries), 0
        for numbers, count in zip(same.values(), sizes, strict=True):
            volume = self._pixels[offset : offset + count].view(entries[numbers[0]].volume.shape)
            volume.copy_(entries[numbers[0]].volume)
            for number in numbers:
                entries[number] = replace(entries[number], volume=volume)
                self._offsets[number] = offset
            offset += count
        return entries

    def _index(self, entries: list[_Entry]) -> None:
        """A table of places to cut from, and how likely each of them is."""
        s = self.settings
        mass = dict.fromkeys(KINDS, 0.0)
        for entry in entries:
            mass[entry.kind] += entry.share
        weights, origins, owners = [], [], []
        for number, entry in enumerate(entries):
            weight, origin = self._places(entry)
            total = entry.kind.share(s) * entry.share / mass[entry.kind]
            weights.append(weight * total)
            origins.append(origin)
            owners.append(torch.full((len(weight),), number))
        ways = [(kind, axis) for kind in KINDS for axis in kind.axes]
        matrices = [kind.matrices(axis, s.speeds) for kind, axis in ways]
        starts = [0, *itertools.accumulate(len(m) for m in matrices)]
        way_of = torch.tensor([ways.index((e.kind, e.axis)) for e in entries])
        shape = torch.tensor([e.volume.shape[:3] for e in entries])
        d = self.device
        self._weights = torch.cat(weights).double().to(d)
        self._origins = torch.cat(origins).to(d)  # (P, 3), the middle of the crop
        self._owners = torch.cat(owners).to(d)  # (P,)
        self._shape = shape.to(d)  # (E, 3)
        self._place = torch.tensor(self._offsets).to(d)  # (E,)
        self._first = torch.tensor(starts[:-1])[way_of].to(d)  # (E,) first matrix of its way
        self._count = torch.tensor([len(m) for m in matrices])[way_of].to(d)
        self._matrix = torch.tensor([m for group in matrices for m in group]).to(d)  # (M, 3, 3)

    def _places(self, entry: _Entry) -> tuple[Tensor, Tensor]:
        """Centres of crops on a grid, with probabilities by mean gradient magnitude."""
        volume, crop = entry.volume, self.settings.crop
        extent = entry.kind.extent(entry.axis, self.frames, crop)
        gray = volume.mean(3, dtype=torch.float32)  # (T, H, W)
        gradient = torch.zeros_like(gray)
        for axis in range(3):
            if extent[axis] == 1:
                continue  # a crop sees no change along it
            step = gray.diff(dim=axis).abs()
            gradient.narrow(axis, 0, step.shape[axis]).add_(step)
        size = [min(n, e) for n, e in zip(volume.shape[:3], extent, strict=True)]
        stride = [max(1, n // 4) for n in size]
        mean = functional.avg_pool3d(gradient[None, None], size, stride)[0, 0]
        grids = [
            torch.arange(n) * st + sz // 2
            for n, st, sz in zip(mean.shape, stride, size, strict=True)
        ]
        origin = torch.stack(torch.meshgrid(*grids, indexing="ij"), -1).reshape(-1, 3)
        weight = mean.flatten().cpu().double() + 1e-6
        return weight / weight.sum(), origin

    def draw(self, generator: torch.Generator) -> Volumes:
        """A batch of HTR examples.

        Args:
            generator: on the pool's device; the only source of randomness.

        Returns:
            (batch, frames * factor, crop, crop, 3), float32.
        """
        s, d = self.settings, self.device
        chosen = torch.multinomial(self._weights, s.batch, replacement=True, generator=generator)
        entry = self._owners[chosen]
        pick = torch.rand(s.batch, device=d, generator=generator)
        matrix = self._matrix[self._first[entry] + (pick * self._count[entry]).long()]  # (B, 3, 3)
        crop = (self.frames, s.crop, s.crop)
        steps = [torch.arange(n, device=d) - n // 2 for n in crop]
        jitter = (torch.rand(s.batch, 3, device=d, generator=generator) - 0.5) * (s.crop // 4)
        origin = self._origins[chosen] + jitter.round().long()
        shape = self._shape[entry]  # (B, 3)
        index = torch.zeros((), dtype=torch.long, device=d)
        for axis in range(3):
            place = origin[:, axis].view(-1, 1, 1, 1)
            for crop_axis in range(3):
                way = matrix[:, axis, crop_axis].view(-1, 1, 1, 1)
                line = [1, 1, 1, 1]
                line[crop_axis + 1] = -1
                place = place + way * steps[crop_axis].view(line)
            length = shape[:, axis].view(-1, 1, 1, 1)
            place = place % (2 * length)
            place = torch.minimum(place, 2 * length - 1 - place)  # mirrored at the ends
            index = index * length + place
        index = index + self._place[entry].view(-1, 1, 1, 1)
        htr = self._pixels[index].float()  # (B, T, S, S, 3)
        if not (s.contrast and s.within_only):
            return htr
        # The forward model is linear, so any contrast makes a true pair. The input's is higher
        # than that of pairs from the same dimension, as its blur is shorter.
        spread = torch.rand(s.batch, 1, 1, 1, 1, device=d, generator=generator) * 2 - 1
        mean = htr.mean((1, 2, 3), keepdim=True)
        return mean + (htr - mean) * (spread * s.contrast).exp()
