"""What was fitted to one video, kept in a file for the next of the same camera and event.

A safetensors file: the weights of each stage that has a network, and in its metadata the settings
they were fitted with and what became of each stage. Nothing in it is run when it is read.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from stat import S_ISREG
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from deeptsr.config import Options, PyramidSettings, fraction_of
from deeptsr.errors import OptionError
from deeptsr.imaging.exposure import of_step
from deeptsr.learning.kept_settings import settled, told_of
from deeptsr.learning.prior import (
    CLASSIFIER,
    JUDGE,
    SPECIAL_STAGES,
    SPECIALIST,
    State,
    shapes_of,
)
from deeptsr.learning.recipe import fitted_stage, has_network, network_of
from deeptsr.networks import Classifier, build
from deeptsr.pyramid import plan as plans
from deeptsr.pyramid.plan import Stage
from deeptsr.pyramid.special import Specialist
from deeptsr.pyramid.stage import FittedStage

__all__ = ["SavedFit", "SavedStage", "is_fit_with", "saved_fit_of"]

_FORM = "deeptsr fit 4"  # of the file; another one is not read
_MOST = 1 << 30  # bytes: networks are small
_KEY = "deeptsr"  # of the metadata: one, as several have no order, and equal fits are equal files
_ROLES = ("network", SPECIALIST, JUDGE, CLASSIFIER)  # of a stage: none, the first, or all


@dataclass(frozen=True)
class SavedStage:
    """A stage as it was fitted."""

    stage: Stage
    exposure: str  # of its input: "full" or "delta"
    fold: int  # pixels a side that its network folds
    weights: dict[str, State]  # of its networks, by their role; none: it interpolates

    @property
    def task(self) -> str:
        """What its network does, for people."""
        return f"x{self.stage.step} of {self.exposure} exposure, folding {self.fold}"


@dataclass(frozen=True)
class SavedFit:
    """Networks that were fitted.

    Attributes:
        options: they were fitted with; of what belongs to a machine or a file, the defaults.
        stages: coarse to fine.
        digest: of the file; "" where it is not in one.
    """

    options: Options
    stages: tuple[SavedStage, ...]
    digest: str = ""

    @classmethod
    def of(
        cls, fitted: tuple[FittedStage, ...], options: Options, size: tuple[int, int]
    ) -> SavedFit:
        """Keep what was fitted.

        Args:
            fitted: coarse to fine.
            options: they were fitted with, the factor and the exposure as they came out.
            size: height and width of the video, pixels.
        """
        pyramid, stages = options.pyramid, []
        coarsest = plans.plan(options.factor, *size, pyramid.coarsest)[:1]
        # A size that there was no choice of says nothing of videos of other sizes.
        if fitted and fitted[0].stage != coarsest[0]:
            pyramid = replace(pyramid, coarsest=fitted[0].stage.scale)
        held = SPECIAL_STAGES if fitted and fitted[0].special else pyramid.held
        options = replace(options, pyramid=replace(pyramid, largest=None, held=held))
        for each in fitted:
            special = each.special.networks if each.special else ()
            networks = (each.network, *special) if each.network else ()
            weights = {
                role: {name: value.detach().cpu() for name, value in network.state_dict().items()}
                for role, network in zip(_ROLES, networks, strict=False)
            }
            stages.append(replace(_asked(options, each.stage, size), weights=weights))
        return cls(settled(told_of(options)), tuple(stages))

    @classmethod
    def load(cls, path: str | Path) -> SavedFit:
        """Read what :meth:`bytes` made.

        Raises:
            OptionError: when the file is not there, or is no fit, or one of another version.
        """
        try:
            status = os.stat(path)
            if not S_ISREG(status.st_mode) or status.st_size > _MOST:
                raise ValueError("it is no file of that kind")
            content = Path(path).read_bytes()
            with safe_open(path, "pt") as file:
                told = json.loads((file.metadata() or {})[_KEY])
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            if not all(tensor.isfinite().all() for tensor in tensors.values()):
                raise ValueError("its weights are not finite")
            if told["form"] != _FORM:
                raise ValueError(f"it is in the form {told['form']!r}, and {_FORM!r} is known here")
            options = settled(told["settings"])
            stages = tuple(_stage(n, each, tensors) for n, each in enumerate(told["stages"]))
            _check_weights(options, stages)
        except (
            *(OSError, SafetensorError, LookupError, TypeError, ValueError),
            *(AttributeError, RuntimeError),
        ) as error:
            reason = f"{error} is missing" if isinstance(error, LookupError) else error
            raise OptionError(
                f"the fit is {str(path)!r}, which cannot be read as one ({reason}); expected a "
                "file that --save-fit or Model.save made"
            ) from error
        return cls(options, stages, hashlib.sha256(content).hexdigest())

    def bytes(self) -> bytes:
        """The content of its file."""
        listed = [
            {
                "scale": str(each.stage.scale),
                "step": each.stage.step,
                "factor_before": each.stage.factor_before,
                "exposure": each.exposure,
                "fold": each.fold,
                "networks": [*each.weights],
            }
            for each in self.stages
        ]
        told = {"form": _FORM, "settings": told_of(self.options), "stages": listed}
        tensors = {
            f"{number}/{role}/{name}": value.contiguous()
            for number, each in enumerate(self.stages)
            for role, weights in each.weights.items()
            for name, value in weights.items()
        }
        return save(tensors, {_KEY: json.dumps(told, default=str)})

    def check(self, options: Options, plan: tuple[Stage, ...], size: tuple[int, int]) -> None:
        """Refuse a run that the networks were not made for.

        Args:
            options: of the run, the factor and the exposure as they come out.
            plan: its stages.
            size: height and width of its video, pixels.

        Raises:
            OptionError: naming what does not suit.
        """
        mine, wanted = self.options.network, options.network
        if mine != wanted:
            raise OptionError(
                f"the fit has {mine.kind} networks of {mine.channels} channels and {mine.blocks} "
                f"blocks, and preset {options.preset} has {wanted.kind} networks of "
                f"{wanted.channels} and {wanted.blocks}; expected the same; choose preset "
                f"{self.options.preset} and `network` {mine.kind}"
            )
        if len(self.stages) < len(plan):
            raise OptionError(
                f"the fit goes up to factor {self.options.factor}, and factor {options.factor} is "
                "wanted; expected no more; choose a smaller `factor`, or fit anew"
            )
        for number, (stage, saved) in enumerate(zip(plan, self.stages, strict=False), start=1):
            task = _asked(options, stage, size).task
            if task != saved.task:
                raise OptionError(
                    f"stage {number} of the fit is for {saved.task}, and this video takes {task}; "
                    "expected the same: a fit suits videos of about the size, the `exposure` and "
                    "the `factor` it was made with; fit this one anew"
                )

    def pyramid_of(self, pyramid: PyramidSettings) -> PyramidSettings:
        """The settings of a climb that begins at the size at which this fit's does."""
        mine = self.options.pyramid
        return replace(pyramid, coarsest=mine.coarsest, held=mine.held, largest=mine.largest)

    def fitted(
        self,
        options: Options,
        plan: tuple[Stage, ...],
        size: tuple[int, int],
        device: torch.device,
    ) -> tuple[FittedStage, ...]:
        """The stages of a run, with the networks of this fit: see :meth:`check`.

        Raises:
            OptionError: when they do not suit.
        """
        self.check(options, plan, size)
        stages = list[FittedStage]()

        def built(stage: Stage, role: str, weights: State) -> Any:
            if role == CLASSIFIER:
                return Classifier.of(weights, device)
            network = network_of(options, stage, *size)
            network.load_state_dict(weights)
            return network.to(device).eval()

        for number, (stage, saved) in enumerate(zip(plan, self.stages, strict=False)):
            kept = saved.weights if has_network(options, number, stage) else {}
            first, *others = [built(stage, *each) for each in kept.items()] or [None]
            special = Specialist(*others) if others else None
            stages.append(
                fitted_stage(options, number, stage, first, special=special, below=stages)
            )
        return tuple(stages)


def saved_fit_of(options: Options) -> SavedFit | None:
    """The fit that a run takes over; None: it makes its own.

    Raises:
        OptionError: when it cannot be read.
    """
    if options.fit_file is None:
        return None
    try:
        stamp = os.stat(options.fit_file).st_mtime_ns
    except (OSError, ValueError):
        stamp = -1  # which its reading tells
    return _read(options.fit_file, stamp)


def is_fit_with(path: Path, options: Options) -> bool:
    """Whether a file is a fit that was made with the same settings."""
    try:
        saved = SavedFit.load(path)
    except OptionError:
        return False
    begun = replace(options, pyramid=saved.pyramid_of(options.pyramid))
    return told_of(saved.options) == told_of(begun)


@cache
def _read(path: str, stamp: int) -> SavedFit:
    """Read a file once, and again when it changed."""
    return SavedFit.load(path)


def _asked(options: Options, stage: Stage, size: tuple[int, int]) -> SavedStage:
    """What a stage of a run takes, without weights."""
    exposure = of_step(options.exposure, stage.factor_before)
    with torch.device("meta"):  # only how it folds is asked for
        fold = network_of(options, stage, *size).multiple
    return SavedStage(stage, exposure, fold, {})


def _stage(number: int, told: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> SavedStage:
    starts = {str(role): f"{number}/{role}/" for role in told["networks"]}
    weights = {
        role: {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}
        for role, start in starts.items()
    }
    if tuple(weights) not in ((), _ROLES[:1], _ROLES):
        raise ValueError(f"stage {number + 1} has networks {[*weights]}")
    stage = Stage(fraction_of(told["scale"]), int(told["step"]), int(told["factor_before"]))
    return SavedStage(stage, str(told["exposure"]), int(told["fold"]), weights)


def _check_weights(options: Options, stages: Iterable[SavedStage]) -> None:
    """Refuse weights that are not of their networks; nothing of the size that is told is made."""
    for number, saved in enumerate(stages, start=1):
        own, least = {}, len(next(iter(saved.weights.values()), ()))
        small = options.network.blocks <= least and saved.fold in (1, 2)
        with torch.device("meta"):
            classifier = shapes_of(Classifier().state_dict())
            if small and 2 <= saved.stage.step <= options.factor:
                network = build(options.network, saved.stage.step, saved.exposure, saved.fold)
                own = shapes_of(network.state_dict())
        for role, weights in saved.weights.items():
            if shapes_of(weights) != (classifier if role == CLASSIFIER else own):
                raise ValueError(f"the weights of stage {number} are not of its network")
