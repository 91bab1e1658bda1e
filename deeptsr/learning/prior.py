"""What is known before the video is seen: weights to start a fit from.

A prior is a safetensors file. It holds networks of one name and size, for both exposures, folded or
not, of one or more experts: first who was taught things of all kinds; then who was taught blades
that turn below the aliasing limit; then a specialist, who was taught those beyond it, and two who
tell where that is so. It says in its metadata how it came about.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from deeptsr.config import NetworkSettings, Options
from deeptsr.errors import OptionError
from deeptsr.imaging.exposure import of_step
from deeptsr.networks import Classifier, StepNetwork

__all__ = [
    "BELOW",
    "CLASSIFIER",
    "JUDGE",
    "SPECIAL",
    "SPECIALIST",
    "SPECIAL_STAGES",
    "SPECIAL_STEP",
    "Prior",
    "State",
    "prior_of",
    "same_shapes",
    "shapes_of",
    "starts",
]

BELOW = "below"  # the expert for blades below the aliasing limit
SPECIALIST = "turning"  # the expert for blades beyond the aliasing limit
JUDGE, CLASSIFIER = "judge", "classifier"  # who tell where that is: by restoring it, and by odds
SPECIAL = frozenset((SPECIALIST, JUDGE, CLASSIFIER))  # from whom no fit starts
SPECIAL_STEP = 2  # that all three are taught,
SPECIAL_STAGES = 2  # as many of which the specialist makes in one, too

AUTO, NONE = "auto", "none"
_NETWORK, _MADE = "network", "made"  # keys of the metadata
_MOST = 1 << 30  # bytes of a prior: networks are small
_SCALE = ":scale"  # of weights in 8 bits: their key, with that behind it
_LEVELS, _LEAST = 127, 1e-12  # of these weights to each side; and what is no 0 to divide by
_BUNDLED = "{kind}-{channels}x{blocks}.safetensors"

State = dict[str, Tensor]


@dataclass(frozen=True)
class Prior:
    """Weights to start from.

    Attributes:
        network: settings of the networks.
        variants: weights by variant, such as "any/full-1": the expert, the exposure, and the pixels
            a side that the network folds.
        made: how it was made, for people.
        digest: of the file; "" where it is not in one.
    """

    network: NetworkSettings
    variants: dict[str, State]
    made: dict[str, str]
    digest: str = ""

    @classmethod
    def load(cls, path: str | Path) -> Prior:
        """Read a prior.

        Raises:
            OptionError: when the file is not there, or is no prior.
        """
        try:
            if not Path(path).exists():
                raise ValueError("there is no such file")
            if not Path(path).is_file() or Path(path).stat().st_size > _MOST:
                raise ValueError("it is no file of that kind")
            content = Path(path).read_bytes()
            # Who asks for shapes alone may be the first to ask: numbers are read all the same.
            with torch.device("cpu"), safe_open(path, "pt") as file:
                told = file.metadata() or {}
                network = NetworkSettings(**json.loads(told[_NETWORK]))
                origin = json.loads(told[_MADE])
                if not isinstance(origin, dict):
                    raise ValueError("it does not say how it was made")
                variants: dict[str, State] = {}
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
                for key, kept in tensors.items():
                    if key.endswith(_SCALE):
                        continue
                    variant, name = key.rsplit("/", 1)
                    tensor = kept.float() * tensors.get(key + _SCALE, 1)
                    if not tensor.isfinite().all():
                        raise ValueError(f"{key} is not finite")
                    variants.setdefault(variant, {})[name] = tensor
        except (
            OSError,
            SafetensorError,
            LookupError,
            TypeError,
            ValueError,
            RuntimeError,
        ) as error:
            raise OptionError(
                f"prior is {str(path)!r}, which cannot be read as one ({error}); expected 'auto', "
                "'none', or a file that `deeptsr pretrain` made"
            ) from error
        return cls(network, variants, origin, hashlib.sha256(content).hexdigest())

    def serves(self, exposure: str, fold: int) -> bool:
        """Whether it has a network for a step of a climb, "full" or "delta", that folds so."""
        return any(name.partition("/")[2] == f"{exposure}-{fold}" for name in self.variants)

    def bytes(self) -> bytes:
        """The content of its file.

        Weights are kept in half precision, as is enough; those of the classifier, who makes no
        pictures, in 8 bits and a scale a channel: its log odds change by a hundredth of theirs.
        """
        told = {_NETWORK: json.dumps(asdict(self.network)), _MADE: json.dumps(self.made)}
        tensors = dict[str, Tensor]()
        for variant, state in self.variants.items():
            for name, tensor in state.items():
                key = f"{variant}/{name}"
                if variant.startswith(CLASSIFIER) and tensor.ndim > 1:
                    most = tensor.abs().amax(tuple(range(1, tensor.ndim)), keepdim=True)
                    scale = most.clamp(min=_LEAST) / _LEVELS
                    tensors[key + _SCALE] = scale
                    tensors[key] = (tensor / scale).round().to(torch.int8)
                else:
                    tensors[key] = tensor.half()
        return save({key: tensor.contiguous() for key, tensor in tensors.items()}, told)


@cache
def _bundled(network: NetworkSettings) -> Prior | None:
    name = _BUNDLED.format(**asdict(network))
    place = resources.files("deeptsr.learning") / "priors" / name
    if not place.is_file():
        return None
    with resources.as_file(place) as path:
        return Prior.load(path)


def _stamp(path: str) -> int | None:
    """When a file was last changed; None where it is not there, which its reading tells."""
    try:
        return os.stat(path).st_mtime_ns
    except (OSError, ValueError):
        return None


@cache
def _read(path: str, stamp: int | None) -> Prior:
    """Read a file once, as many settings of a run ask for it, and again when it changed."""
    return Prior.load(path)


def prior_of(options: Options) -> Prior | None:
    """The prior that a run starts from; None: from nothing.

    Raises:
        OptionError: when it cannot be read, or is of other networks than those of the run.
    """
    if options.prior == NONE:
        return None
    if options.prior == AUTO:
        known = _bundled(options.network)
        # The shutter that is yet to be told is taken for one that is open all the time.
        exposure = "full" if options.exposure == "auto" else of_step(options.exposure, 1)
        return known if known and known.serves(exposure, 1) else None
    prior = _read(options.prior, _stamp(options.prior))
    if prior.network != options.network:
        raise OptionError(
            f"prior is {options.prior!r}, of {_told(prior.network)}, and preset "
            f"{options.preset} has {_told(options.network)}; expected the same; choose another "
            f"preset, `network` {prior.network.kind}, or `prior` auto"
        )
    return prior


def _told(network: NetworkSettings) -> str:
    return f"{network.kind} networks of {network.channels} channels and {network.blocks} blocks"


def starts(prior: Prior | None, network: StepNetwork) -> dict[str, State]:
    """All weights of a prior that a network can start from, by the expert that they are of.

    Beside a judge those of the classifier, which is a network of its own kind, for any shutter.
    """
    if prior is None:
        return {}
    own, states = shapes_of(network.state_dict()), {}
    for variant, state in prior.variants.items():
        expert, _, kind = variant.partition("/")
        if kind == f"{network.exposure}-{network.multiple}" and own == shapes_of(state):
            states[expert] = state
    if JUDGE in states:
        with torch.device("meta"):  # only its shapes are asked for
            classifier = shapes_of(Classifier().state_dict())
        for variant, state in prior.variants.items():
            if variant.startswith(CLASSIFIER) and classifier == shapes_of(state):
                states[CLASSIFIER] = state
    return dict(sorted(states.items()))  # "any", who was taught things of all kinds, comes first


def shapes_of(state: State) -> dict[str, tuple[int, ...]]:
    """Of the weights of a network, by their names."""
    return {name: tuple(weights.shape) for name, weights in state.items()}


def same_shapes(one: StepNetwork, other: StepNetwork) -> bool:
    """Whether a network can go on with what another one knows."""
    shapes = [shapes_of(network.state_dict()) for network in (one, other)]
    return shapes[0] == shapes[1] and one.exposure == other.exposure
