"""Every setting of a run: its meaning, unit, range and default; and the presets.

The command line takes its defaults from here. A function of the library receives the section that
it needs, never the whole.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from fractions import Fraction

from deeptsr.errors import OptionError

__all__ = [
    "PRESETS",
    "EncodeSettings",
    "FitSettings",
    "NetworkSettings",
    "Options",
    "PairSettings",
    "PyramidSettings",
    "RecurrenceSettings",
    "preset",
]

_LARGEST_TERM = 1_000_000  # of a rate: FFmpeg's fractions have 32 bits, and a factor needs room
_SHORT = 8  # LTR frames of a crop where all motion is aliased, at most (measurements.md)
_COLOR = re.compile("black|white|#[0-9a-fA-F]{6}")


@dataclass(frozen=True)
class PairSettings:
    """Which training pairs are cut from the video (paper sections 3.1, 3.2 and 4.1)."""

    within: float = 0.6  # share of pairs from the same dimension, >= 0
    across: float = 0.3  # share of pairs with time and a space axis swapped, >= 0
    shift: float = 0.1  # share of pairs that are one frame in translation, >= 0
    speeds: tuple[int, ...] = (1,)  # of these, pixels an HTR frame, each >= 1
    probe: bool = True  # "auto": shift alone for a pan, within alone where motion is aliased
    crop: int = 32  # side of a crop, pixels, >= 16
    frames: int = 8  # LTR frames of a crop at most, >= 3
    batch: int = 8  # crops a step, >= 1
    scales: tuple[float, ...] = (
        0.4,
        0.5,
        0.6,
        0.7,
        0.85,
        1.0,
    )  # spatial scales of the examples, each in (0, 1]
    longest_jump: int = 3  # temporal jumps of "within": means of 1 .. longest_jump frames
    contrast: float = 0.6  # "within" alone: contrast is multiplied by e**-contrast .. e**contrast

    @property
    def alone(self) -> bool:
        """Whether all pairs are from the same dimension, and not of a still frame only."""
        return self.within > 0 and not self.across

    @property
    def moved(self) -> bool:
        """Whether all pairs are frames in translation."""
        return not (self.within or self.across)

    @property
    def if_alone(self) -> PairSettings | None:
        """These with all pairs from the same dimension, where a probe may come to that."""
        if self.alone or not self.within or not self.probe:
            return None
        return replace(self, across=0.0, shift=0.0)

    @property
    def shortened(self) -> PairSettings:
        """These with crops for motion that is aliased all the time.

        Means of several frames, which tell its way, are mirrored at their ends, where they are
        shorter than crops: there it turns back.
        """
        return replace(self, frames=min(self.frames, _SHORT))


@dataclass(frozen=True)
class NetworkSettings:
    """The network of a stage."""

    kind: str = "compact"  # "compact" (ours) or "paper" (section 4.1, figure 8a)
    channels: int = 16  # width of every hidden layer, >= 1
    blocks: int = 4  # residual blocks of the compact network, >= 1


@dataclass(frozen=True)
class FitSettings:
    """How long and how fast a network learns."""

    steps: int = 60  # optimiser steps of the first stage, >= 1
    bootstrap_rounds: int = 5  # further fits of it, on its own result too if "within" alone, >= 0
    bootstrap_steps: int = 160  # steps of each of those, >= 1
    finetune_steps: int = 120  # steps of the second stage, >= 0
    finetune_decay: float = 1.0  # each later stage makes so many times the steps of the one before
    learning_rate: float = 2e-3  # Adam's peak rate, > 0
    finetune_rate: float = 8e-4  # the same where a stage starts from the weights of the one before
    schedule: str = "cosine"  # "cosine" to zero, or "halving" at each quarter of the steps
    warmup: int = 30  # steps of linear warm-up, >= 0
    checks: int = 6  # validations on held-out pairs a stage, >= 1
    patience: int = 4  # failed validations in a row after which a stage stops, >= 1
    margin: tuple[int, int] = (1, 2)  # of a crop, left out of the loss: LTR frames, pixels
    averaging: float = 0.95  # decay of the running mean of the weights, in [0, 1)


@dataclass(frozen=True)
class PyramidSettings:
    """How the pyramid is climbed."""

    excerpt: int = 96  # LTR frames that fitting looks at, at most, >= 4
    coarsest: Fraction | None = Fraction(1, 4)  # scale of the first stage; None: as steps ask
    rounds: int = 1  # alternations of back-projection, >= 1
    ensemble: bool = True  # average what a network makes of the clip, and of it filmed again
    mirrored: int | None = 1  # stages, the first ones, that average over mirrors and reversed time,
    # too, where there is an ensemble; None: all; >= 0
    # Stages that have a network, the first ones; None: all; >= 1. Where all pairs are from the same
    # dimension, as aliased motion asks for, all have one, unless a time budget is set.
    networks: int | None = None
    voxels: int = 48_000_000  # pixels x frames of a chunk's result, at most: bounds the memory


@dataclass(frozen=True)
class EncodeSettings:
    """How an output file is written; ``None`` takes what suits the container."""

    codec: str | None = None  # an FFmpeg encoder name, such as "libx264" or "ffv1"
    crf: float | None = None  # constant quality, 0 (lossless) to 63; its scale is the codec's
    pix_fmt: str | None = None  # an FFmpeg pixel format, such as "yuv420p"
    overwrite: bool = False  # replace an output that exists


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


@dataclass(frozen=True)
class Options:
    """All settings of a run."""

    preset: str = "fast"
    factor: int = 8  # output frames a input frame, an integer >= 2
    fps: Fraction | int | None = None  # frames a second of the output, instead of a factor
    vfr: str = "keep"  # a variable rate is kept, made constant ("cfr") or refused ("error")
    slow_motion: bool = False  # keep the input's rate, and let time pass slower
    slow_audio: bool = False  # in slow motion, stretch the sound along instead of dropping it
    # "full" (the shutter never closes), "delta" (an instant), the share of a frame's time that it
    # is open, in (0, 1], or "auto": that share is found in the video.
    exposure: str | float = "full"
    device: str = "auto"  # "auto", "cpu", "cuda" or "cuda:N"
    seed: int = 0  # of every random draw, 0 <= seed < 2**63
    start: float | None = None  # first moment of the input that is used, seconds
    end: float | None = None  # first moment that is no longer used, seconds
    deinterlace: bool = False  # make whole pictures of the fields of interlaced video
    background: str | None = None  # of transparent input: "black", "white", "#rrggbb"; None: kept
    scenes: str = "auto"  # cuts: "auto" finds them, "off" is one scene, else a file that lists them
    duplicates: str = "keep"  # frames that repeat the one before are kept, or left out ("drop")
    time_budget: float | None = None  # seconds that the run may take; None: as long as it takes
    work_dir: str | None = None  # checkpoints; None: a hidden folder beside the output
    memory: int | None = None  # bytes that the process may use, about; None: most of the machine's
    resume: bool = True  # go on from what an earlier run left there
    pairs: PairSettings = field(default_factory=PairSettings)
    network: NetworkSettings = field(default_factory=NetworkSettings)
    fit: FitSettings = field(default_factory=FitSettings)
    pyramid: PyramidSettings = field(default_factory=PyramidSettings)
    encode: EncodeSettings = field(default_factory=EncodeSettings)

    def __post_init__(self) -> None:
        """Refuse what no run can meet.

        Raises:
            OptionError: naming the setting, what was got and what is expected.
        """
        if isinstance(self.factor, bool) or not isinstance(self.factor, int) or self.factor < 2:
            raise OptionError(
                f"factor is {self.factor!r}; expected a whole number of at least 2, such as 8"
            )
        self._check_time()
        shutter = self.exposure
        known = ("full", "delta", "auto")
        if shutter not in known if isinstance(shutter, str) else not 0 < shutter <= 1:
            raise OptionError(
                f"exposure is {self.exposure!r}; expected 'full', 'delta', 'auto' or the open "
                "share of a frame's time, above 0 and up to 1, such as 0.5"
            )
        if not 0 <= self.seed < 2**63:
            raise OptionError(f"seed is {self.seed}; expected 0 or more, and less than 2**63")
        shares = (self.pairs.within, self.pairs.across, self.pairs.shift)
        if not all(math.isfinite(s) and s >= 0 for s in shares) or sum(shares) <= 0:
            raise OptionError(
                f"within, across and shift are {shares}; expected three shares of 0 or more, "
                "not all of them 0"
            )
        if self.start is not None and not (math.isfinite(self.start) and self.start >= 0):
            raise OptionError(f"start is {self.start}; expected seconds, 0 or more")
        if self.end is not None and not self.end > (self.start or 0):
            raise OptionError(
                f"end is {self.end} and start is {self.start or 0}; expected an end after the start"
            )
        if self.background is not None and not _COLOR.fullmatch(self.background):
            raise OptionError(
                f"background is {self.background!r}; expected black, white or #rrggbb, such as "
                "#00ff00"
            )
        if self.memory is not None and self.memory <= 0:
            raise OptionError(f"memory is {self.memory}; expected bytes, more than 0")
        budget = self.time_budget
        if budget is not None and not (math.isfinite(budget) and budget > 0):
            raise OptionError(f"time_budget is {budget}; expected seconds, more than 0")
        crf = self.encode.crf
        if crf is not None and not 0 <= crf <= 63:
            raise OptionError(f"crf is {crf}; expected 0 (lossless) to 63 (smallest)")

    def _check_time(self) -> None:
        if self.fps is not None and not (
            isinstance(self.fps, (int, Fraction))
            and 0 < self.fps <= _LARGEST_TERM >= self.fps.denominator
            and self.fps.numerator <= _LARGEST_TERM
        ):
            raise OptionError(
                f"fps is {self.fps!r}; expected a whole number or a Fraction, of terms up "
                f"to {_LARGEST_TERM}, such as 60 or 60000/1001"
            )
        if self.vfr not in ("keep", "cfr", "error"):
            raise OptionError(f"vfr is {self.vfr!r}; expected 'keep', 'cfr' or 'error'")
        if self.duplicates not in ("keep", "drop"):
            raise OptionError(f"duplicates is {self.duplicates!r}; expected 'keep' or 'drop'")
        if self.slow_audio and not self.slow_motion:
            raise OptionError("slow_audio is set without slow_motion; expected both, or neither")


_FURTHER = NetworkSettings(blocks=6)  # in time, which tells how things turn, and takes more steps
# The first three differ in how long they learn: more examples win more than a wider network does.
PRESETS: dict[str, Options] = {
    "fast": Options(preset="fast", pyramid=PyramidSettings(networks=2)),
    "balanced": Options(
        preset="balanced",
        network=_FURTHER,
        pairs=PairSettings(frames=12),
        fit=FitSettings(bootstrap_steps=480, finetune_steps=450, checks=12, patience=8),
    ),
    "quality": Options(
        preset="quality",
        network=_FURTHER,
        pairs=PairSettings(frames=12, batch=16),
        fit=FitSettings(bootstrap_steps=600, finetune_steps=900, checks=12, patience=8),
        pyramid=PyramidSettings(rounds=2, mirrored=None),
    ),
    # The settings that the paper's authors published with their implementation.
    "paper": Options(
        preset="paper",
        pairs=PairSettings(
            within=0.4,
            across=0.4,
            shift=0.2,
            probe=False,
            crop=16,
            batch=10,
            scales=tuple(0.9**n for n in range(14)),
            longest_jump=5,
            contrast=0.0,
        ),
        network=NetworkSettings(kind="paper", channels=128),
        fit=FitSettings(
            steps=50_000,
            bootstrap_rounds=0,
            finetune_steps=25_000,
            finetune_decay=0.5,
            learning_rate=1e-3,
            finetune_rate=1e-3,
            schedule="halving",
            checks=10,
            patience=10,
            margin=(1, 0),
            averaging=0.0,
        ),
        pyramid=PyramidSettings(coarsest=Fraction(1, 8), ensemble=False),
    ),
}


def preset(name: str, **changes: object) -> Options:
    """The options of a preset, with some of them changed.

    Args:
        name: one of :data:`PRESETS`.
        changes: fields of :class:`Options` and their new values.

    Raises:
        OptionError: for an unknown preset, or a value out of range.
    """
    if name not in PRESETS:
        raise OptionError(f"preset is {name!r}; expected one of {', '.join(PRESETS)}")
    return replace(PRESETS[name], **changes)  # type: ignore[arg-type]
