"""The settings by topic: pairs, network, fit, pyramid, encoding, recurrence."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from deeptsr.config.kinds import check_kinds, check_least, shown
from deeptsr.errors import OptionError

__all__ = [
    "NETWORKS",
    "OPTIMIZERS",
    "RATES",
    "EncodeSettings",
    "FitSettings",
    "NetworkSettings",
    "PairSettings",
    "PretrainSettings",
    "PyramidSettings",
    "RecurrenceSettings",
]


@dataclass(frozen=True)
class PairSettings:
    """Which training pairs are cut from the video (paper sections 3.1, 3.2 and 4.1)."""

    within: float = 0.8  # share of pairs from the same dimension, >= 0
    across: float = 0.2  # share of pairs with time and a space axis swapped, >= 0
    shift: float = 0.0  # share of pairs that are one frame in translation, >= 0
    speeds: tuple[int, ...] = (1,)  # of these, pixels an HTR frame, each >= 1
    auto: bool = True  # shift only where the video is a pan
    crop: int = 32  # side of a crop, pixels, >= 16
    frames: int = 8  # LTR frames of a crop at most, >= 3
    batch: int = 4  # crops a step, >= 1
    scales: tuple[float, ...] = (
        0.4,
        0.5,
        0.6,
        0.7,
        0.85,
        1.0,
    )  # spatial scales of the examples, each in (0, 1]
    longest_jump: int = 1  # temporal jumps of "within": means of 1 .. longest_jump frames
    contrast: float = 0.6  # "within" alone: contrast is multiplied by e**-contrast .. e**contrast

    def __post_init__(self) -> None:
        """Refuse what no run can meet.

        Raises:
            OptionError: naming the setting, what was got and what is expected.
        """
        check_kinds(self)
        check_least(self, crop=16, frames=3, batch=1, longest_jump=1, contrast=0)
        if not self.speeds or min(self.speeds) < 1:
            raise OptionError(f"speeds are {shown(self.speeds)}; expected pixels, 1 or more each")
        if not self.scales or not all(0 < scale <= 1 for scale in self.scales):
            raise OptionError(f"scales are {shown(self.scales)}; expected sizes above 0, up to 1")

    @property
    def within_only(self) -> bool:
        """Whether all pairs are from the same dimension, and not of a still frame only."""
        return self.within > 0 and not self.across

    @property
    def shift_only(self) -> bool:
        """Whether all pairs are frames in translation."""
        return not (self.within or self.across)


@dataclass(frozen=True)
class NetworkSettings:
    """The network of a stage."""

    kind: str = "compact"  # its name: one of NETWORKS (docs/networks.md)
    channels: int = 16  # width of every hidden layer, >= 1
    blocks: int = 6  # residual blocks, >= 1; the paper's network has none

    def __post_init__(self) -> None:
        """Refuse what no run can meet.

        Raises:
            OptionError: naming the setting, what was got and what is expected.
        """
        check_kinds(self)
        check_least(self, channels=1, blocks=1)


NETWORKS: dict[str, NetworkSettings] = {
    "compact": NetworkSettings(),  # ours
    "fusion": NetworkSettings("fusion"),  # of five frames each (STVUN)
    "recurrent": NetworkSettings("recurrent"),  # a state carried both ways (LRTI-VSR)
    "paper": NetworkSettings("paper", channels=128),  # section 4.1, figure 8a
}
"""The networks by name, each in the size that it has where no other is asked for."""


RATES = {"muon": 2.5e-4, "adam": 2e-3}  # peaks at which a prior learns by each from nothing
OPTIMIZERS = tuple(RATES)


@dataclass(frozen=True)
class FitSettings:
    """How long and how fast a network learns."""

    steps: int = 1_720  # optimiser steps of the first stage, from nothing, >= 1
    adapt_steps: int = 240  # the same from a prior, >= 0
    finetune_steps: int = 240  # steps of the second stage, >= 0
    finetune_decay: float = 1.0  # each later stage makes so many times the steps of the one before
    optimizer: str = "muon"  # one of OPTIMIZERS
    learning_rate: float = 7e-4  # its peak rate, > 0
    finetune_rate: float = 7e-4  # the same where a stage starts from weights that know something
    schedule: str = "cosine"  # "cosine" to zero, or "halving" at each quarter of the steps
    warmup: int = 10  # steps of linear warm-up, >= 0
    checks: int = 6  # validations on held-out pairs a stage, >= 1
    patience: int = 4  # failed validations in a row after which a stage stops, >= 1
    margin: tuple[int, int] = (1, 2)  # of a crop, left out of the loss: LTR frames, pixels
    averaging: float = 0.95  # decay of the running mean of the weights, in [0, 1)

    def __post_init__(self) -> None:
        """Refuse what no run can meet.

        Raises:
            OptionError: naming the setting, what was got and what is expected.
        """
        check_kinds(self)
        check_least(self, steps=1, adapt_steps=0, finetune_steps=0, warmup=0, checks=1, patience=1)
        _check_optimizer(self.optimizer)


@dataclass(frozen=True)
class PretrainSettings:
    """How a prior is taught on rendered clips."""

    steps: int = 5_000  # optimiser steps of the first network; the others take shares of it, >= 1
    batch: int = 16  # crops a step, >= 1
    crop: int = 32  # side of a crop, pixels, >= 16
    frames: int = 8  # LTR frames of a crop, >= 3
    pool: int = 250  # clips of each kind that are there from the start, >= 1
    clip_every: int = 2  # steps after which another clip is rendered, >= 1
    still: float = 0.0  # share of a network's steps that teach it stills without time, in [0, 1)
    hidden: float = 0.5  # share of their blocks that are hidden in each frame, in (0, 1)
    damaged: float = 0.0  # share of the steps whose input noise or H.264 has spoilt
    ended: float = 0.3  # share of the crops within which their clip begins or ends
    slowed: float = 0.25  # share of the crops that are means of two frames of their clip
    gray: float = 0.3  # share of the crops that lose some of their colour
    optimizer: str = "muon"  # one of OPTIMIZERS
    rate: float | None = None  # its peak rate, > 0; None: what suits it; as a cosine to zero
    warmup: int = 100  # steps of linear warm-up, >= 1
    clip_gradient: float = 0.05  # largest norm of a gradient, > 0
    averaging: float = 0.998  # decay of the running mean of the weights, in [0, 1)
    balance: float = 0.25  # 0: errors count as they are; 1: as shares of interpolation's
    check: int = 250  # steps between two checks on clips that are never taught, >= 1

    def __post_init__(self) -> None:
        """Refuse what no course can meet.

        Raises:
            OptionError: naming the setting, what was got and what is expected.
        """
        check_kinds(self)
        check_least(self, steps=1, batch=1, crop=16, frames=3, pool=1, clip_every=1)
        check_least(self, warmup=1, check=1)
        _check_optimizer(self.optimizer)

    @property
    def peak(self) -> float:
        """Its peak rate."""
        return RATES[self.optimizer] if self.rate is None else self.rate


@dataclass(frozen=True)
class PyramidSettings:
    """How the pyramid is climbed."""

    excerpt: int = 96  # LTR frames that fitting looks at, at most, >= 4
    coarsest: Fraction | None = Fraction(1, 4)  # scale of the first stage; None: as steps ask
    largest: int | None = 131_072  # pixels of a frame of the first stage, at most, where it starts
    # from a prior: it begins as large as the motion allows; None: at `coarsest`; >= 1
    held: int = 1  # stages, the first ones, of the first one's size, >= 1
    rounds: int = 1  # alternations of back-projection, >= 1
    ensemble: bool = True  # average what a network makes of the clip, and of it filmed again
    mirrored: int | None = 1  # stages, the first ones, that average over mirrors and reversed time,
    # too, where there is an ensemble; None: all; >= 0
    verify: bool = True  # interpolate where a network's result does not agree with itself
    even: bool = True  # stretch what happens within a frame until the result goes on evenly
    doubling: bool = True  # climb the next power of two, and expose that anew; full exposure only
    networks: int | None = None  # stages that have a network: the first ones, and those below full
    # size; None: all; >= 1
    voxels: int = 96_000_000  # pixels x frames of a chunk's result, at most: bounds the memory

    def __post_init__(self) -> None:
        """Refuse what no run can meet.

        Raises:
            OptionError: naming the setting, what was got and what is expected.
        """
        check_kinds(self)
        check_least(self, excerpt=4, held=1, rounds=1, voxels=1, networks=1, mirrored=0, largest=1)
        if self.coarsest is not None and not 0 < self.coarsest <= 1:
            raise OptionError(
                f"coarsest is {shown(self.coarsest)}; expected a size above 0, up to 1"
            )


@dataclass(frozen=True)
class EncodeSettings:
    """How an output file is written; ``None`` takes what suits the container."""

    codec: str | None = None  # an FFmpeg encoder name, such as "libx264" or "ffv1"
    crf: float | None = None  # constant quality, 0 (lossless) to 63; its scale is the codec's
    pix_fmt: str | None = None  # an FFmpeg pixel format, such as "yuv420p"
    overwrite: bool = False  # replace an output that exists

    def __post_init__(self) -> None:
        """Refuse what no encoder can meet.

        Raises:
            OptionError: naming the setting, what was got and what is expected.
        """
        check_kinds(self)


@dataclass(frozen=True)
class RecurrenceSettings:
    """How the recurrence of patches is inspected (section 2, figure 6)."""

    patch: tuple[int, int, int] = (5, 5, 3)  # width, height (pixels), frames; each >= 1
    neighbors: int = 10  # nearest ones that are counted, >= 1
    scales: tuple[float, ...] = (1.0, 0.75, 0.5)  # of the frames they are sought in, in (0, 1]
    level: Fraction | None = None  # size of the frames, in (0, 1]; None: the fit's first stage
    slices: str = "all"  # "xy", "ty", "xt" or "all"
    stride: int | None = None  # pixels between patches, >= 1; None: as many as take little time
    max_patches: int = 120_000  # that are searched, >= 1

    def __post_init__(self) -> None:
        """Refuse what cannot be searched.

        Raises:
            OptionError: naming the setting, what was got and what is expected.
        """
        check_kinds(self)
        if len(self.patch) != 3 or min(self.patch) < 1 or max(self.patch[:2]) < 2:
            raise OptionError(
                f"patch is {self.patch}; expected width, height and frames, such as 5x5x3"
            )
        for name in ("neighbors", "stride", "max_patches"):
            number = getattr(self, name)
            if number is not None and number < 1:
                raise OptionError(f"{name} is {number}; expected 1 or more")
        if not self.scales or not all(0 < s <= 1 for s in self.scales):
            raise OptionError(f"scales are {self.scales}; expected sizes above 0, up to 1")
        if self.level is not None and not 0 < self.level <= 1:
            raise OptionError(f"level is {self.level}; expected a size above 0, up to 1")
        if self.slices not in ("xy", "ty", "xt", "all"):
            raise OptionError(f"slices are {self.slices!r}; expected xy, ty, xt or all")


def _check_optimizer(name: str) -> None:
    if name not in OPTIMIZERS:
        raise OptionError(f"optimizer is {name!r}; expected {' or '.join(map(repr, OPTIMIZERS))}")
