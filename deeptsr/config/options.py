"""All settings of a run in one checked object, and the presets of it."""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass, field, fields, replace
from fractions import Fraction
from typing import Any

from deeptsr.config.kinds import check_kinds, shown
from deeptsr.config.sections import (
    NETWORKS,
    EncodeSettings,
    FitSettings,
    NetworkSettings,
    PairSettings,
    PyramidSettings,
)
from deeptsr.errors import OptionError

__all__ = ["PRESETS", "Options", "changed", "given", "preset", "values"]

_LARGEST_TERM = 1_000_000  # of a rate: FFmpeg's fractions have 32 bits, and a factor needs room
LARGEST_FACTOR = 1024  # a camera of a million frames a second, of a film's
_COLOR = re.compile("black|white|#[0-9a-fA-F]{6}")


@dataclass(frozen=True)
class Options:
    """All settings of a run."""

    preset: str = "fast"
    factor: int = 8  # output frames a input frame, an integer >= 2; 1 where the size grows
    fps: Fraction | int | None = None  # frames a second of the output, instead of a factor
    vfr: str = "keep"  # a variable rate is kept, made constant ("cfr") or refused ("error")
    slow_motion: bool = False  # keep the input's rate, and let time pass slower
    slow_audio: bool = False  # in slow motion, stretch the sound along instead of dropping it
    scale: Fraction | int = 1  # of the sides of the frames, >= 1
    size: str | None = None  # of the displayed result, instead of a scale: see imaging.frame_size
    camera: str = "bicubic"  # that made the frames of finer ones: "bicubic" or "area"
    # What finds detail: "auto" (what comes with the program), "none", or a file.
    space_prior: str = "auto"
    # "full" (the shutter never closes), "delta" (an instant), the share of a frame's time that it
    # is open, in (0, 1], or "auto": that share is found in the video.
    exposure: str | float = "full"
    device: str = "auto"  # "auto", "cpu", "cuda" or "cuda:N"
    seed: int = 0  # of every random draw, 0 <= seed < 2**63
    start: float | None = None  # first moment of the input that is used, seconds
    end: float | None = None  # first moment that is no longer used, seconds
    deinterlace: bool = False  # make whole pictures of the fields of interlaced video
    video_stream: int | None = None  # of several, counted from 0; None: the one that players show
    background: str | None = None  # of transparent input: "black", "white", "#rrggbb"; None: kept
    scenes: str = "auto"  # cuts: "auto" finds them, "off" is one scene, else a file that lists them
    duplicates: str = "keep"  # frames that repeat the one before are kept, or left out ("drop")
    time_budget: float | None = None  # seconds that the run may take; None: as long as it takes
    work_dir: str | None = None  # checkpoints; None: a hidden folder beside the output
    memory: int | None = None  # bytes that the process may use, about; None: most of the machine's
    resume: bool = True  # go on from what an earlier run left there
    # What a fit starts from: "auto" (what comes with the program, where it has it for the network),
    # "none" (nothing: the video alone), or a file that `deeptsr pretrain` made.
    prior: str = "auto"
    fit_file: str | None = None  # what was fitted to another video is taken from here; None: anew
    save_fit: str | None = None  # a file that what was fitted is kept in, for another video
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
        self._check_space()
        least = 2 if self.keeps_size else 1
        if self.factor.__class__ is not int or not least <= self.factor <= LARGEST_FACTOR:
            raise OptionError(
                f"factor is {shown(self.factor)}; expected a whole number from {least} to "
                f"{LARGEST_FACTOR}, such as 8"
                + "; 1 goes with a `scale` or a `size` only"
                * (self.factor == 1)
            )
        check_kinds(self)
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
        if self.video_stream is not None and self.video_stream < 0:
            raise OptionError(f"video_stream is {self.video_stream}; expected 0 or more")
        if self.background is not None and not _COLOR.fullmatch(self.background):
            raise OptionError(
                f"background is {self.background!r}; expected black, white or #rrggbb, such as "
                "#00ff00"
            )
        if self.work_dir == "":
            raise OptionError("work_dir is empty; expected the name of a folder")
        if self.memory is not None and self.memory <= 0:
            raise OptionError(f"memory is {self.memory}; expected bytes, more than 0")
        budget = self.time_budget
        if budget is not None and not (math.isfinite(budget) and budget > 0):
            raise OptionError(f"time_budget is {budget}; expected seconds, more than 0")
        crf = self.encode.crf
        if crf is not None and not 0 <= crf <= 63:
            raise OptionError(f"crf is {crf}; expected 0 (lossless) to 63 (smallest)")

    @property
    def keeps_size(self) -> bool:
        """Whether no other size is asked for."""
        return self.scale == 1 and self.size is None

    def _check_space(self) -> None:
        scale = self.scale
        if (
            isinstance(scale, bool)
            or not isinstance(scale, (int, Fraction))
            or not 1 <= scale <= 64
        ):
            raise OptionError(
                f"scale is {scale!r}; expected a whole number or a Fraction from 1 to 64, such as "
                "2 or 3/2; to scale down: deeptsr degrade"
            )
        if scale != 1 and self.size is not None:
            raise OptionError(
                f"scale is {scale} and size is {self.size!r}; expected one of them, which settles "
                "the other"
            )
        if self.camera not in ("bicubic", "area"):
            raise OptionError(f"camera is {self.camera!r}; expected 'bicubic' or 'area'")

    def _check_time(self) -> None:
        if self.fps is not None and not (
            isinstance(self.fps, (int, Fraction))
            and 0 < self.fps <= _LARGEST_TERM >= self.fps.denominator
            and self.fps.numerator <= _LARGEST_TERM
        ):
            raise OptionError(
                f"fps is {shown(self.fps)}; expected a whole number or a Fraction, of terms up "
                f"to {_LARGEST_TERM}, such as 60 or 60000/1001"
            )
        if self.vfr not in ("keep", "cfr", "error"):
            raise OptionError(f"vfr is {self.vfr!r}; expected 'keep', 'cfr' or 'error'")
        if self.duplicates not in ("keep", "drop"):
            raise OptionError(f"duplicates is {self.duplicates!r}; expected 'keep' or 'drop'")
        if self.slow_audio and not self.slow_motion:
            raise OptionError("slow_audio is set without slow_motion; expected both, or neither")


# The first three differ in how long they learn from the video, and from how many sides they see it.
PRESETS: dict[str, Options] = {
    "fast": Options(
        preset="fast",
        fit=FitSettings(finetune_steps=0),
        pyramid=PyramidSettings(networks=2),
    ),
    "balanced": Options(
        preset="balanced",
        fit=FitSettings(steps=4_800, adapt_steps=600),
        pyramid=PyramidSettings(largest=524_288),
    ),
    "quality": Options(
        preset="quality",
        pairs=PairSettings(batch=8),
        fit=FitSettings(steps=6_000, adapt_steps=1_800, finetune_steps=600),
        pyramid=PyramidSettings(largest=2_097_152, rounds=2, mirrored=None),
    ),
    # The settings that the paper's authors published with their implementation.
    "paper": Options(
        preset="paper",
        pairs=PairSettings(
            within=0.4,
            across=0.4,
            shift=0.2,
            auto=False,
            crop=16,
            batch=10,
            scales=tuple(0.9**n for n in range(14)),
            longest_jump=5,
            contrast=0.0,
        ),
        network=NETWORKS["paper"],
        fit=FitSettings(
            steps=50_000,
            finetune_steps=25_000,
            finetune_decay=0.5,
            optimizer="adam",
            learning_rate=1e-3,
            finetune_rate=1e-3,
            schedule="halving",
            warmup=30,
            checks=10,
            patience=10,
            margin=(1, 0),
            averaging=0.0,
        ),
        pyramid=PyramidSettings(
            coarsest=Fraction(1, 8), largest=None, ensemble=False, even=False, doubling=False
        ),
    ),
}


def values(options: Options) -> dict[str, Any]:
    """All settings by name; of those of space, kept fits and doubling only what is no default.

    So a run or a batch that was begun before there were any is still known as the same.
    """
    told = asdict(options)
    for name in ("scale", "size", "camera", "space_prior", "fit_file", "save_fit"):
        if told[name] == getattr(Options, name):
            del told[name]
    if told["pyramid"]["doubling"] == PyramidSettings.doubling:
        del told["pyramid"]["doubling"]
    return told


def preset(name: str, **changes: object) -> Options:
    """The options of a preset, with some of them changed.

    Args:
        name: one of :data:`PRESETS`.
        changes: fields of :class:`Options` and their new values.

    Raises:
        OptionError: for an unknown preset, or a value out of range.
    """
    if not isinstance(name, str) or name not in PRESETS:
        raise OptionError(f"preset is {shown(name)}; expected one of {', '.join(PRESETS)}")
    return changed(PRESETS[name], **changes)


def given(options: Options | None) -> Options | None:
    """Return options that were handed over; None where there are none.

    Raises:
        OptionError: when they are no :class:`Options`.
    """
    if options is not None and not isinstance(options, Options):
        raise OptionError(
            f"options are {shown(options)}; expected deeptsr.Options, as deeptsr.preset makes them"
        )
    return options


def changed(options: Options, **changes: object) -> Options:
    """Options with some of them changed.

    Args:
        options: all settings.
        changes: fields of :class:`Options` and their new values.

    Raises:
        OptionError: for a setting that there is not, or a value out of range.
    """
    unknown = changes.keys() - {field.name for field in fields(Options)}
    if unknown:
        raise OptionError(
            f"there is no setting {', '.join(sorted(unknown))}; expected a field of Options"
        )
    return replace(options, **changes)  # type: ignore[arg-type]
