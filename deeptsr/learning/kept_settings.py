"""What the file of a fit tells of the settings it was made with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from typing import Any

from deeptsr.config import Options, fraction_of

__all__ = ["settled", "told_of"]

# What decides how a result is made of the networks, and what they were fitted with.
_PLAIN = ("preset", "factor", "exposure", "seed")
_SECTIONS = ("pairs", "network", "fit", "pyramid")
_HERE = ("voxels", "excerpt")  # of the pyramid: what one machine's memory has room for
_LATER = ("doubling", "even", "held", "largest", "optimizer")  # which older files do not tell


def told_of(options: Options) -> dict[str, Any]:
    """The settings that are kept, as JSON has them."""
    every = asdict(options)
    told = {name: every[name] for name in (*_PLAIN, *_SECTIONS)}
    told["pyramid"] = {k: v for k, v in told["pyramid"].items() if k not in _HERE}
    return told


def settled(told: Mapping[str, Any]) -> Options:
    """The options of kept settings; what is not kept has its default."""
    base = Options()
    plain = {name: told[name] for name in _PLAIN}
    sections = {name: _section(getattr(base, name), told[name]) for name in _SECTIONS}
    return replace(base, **plain, **sections)


def _section(base: Any, told: Mapping[str, Any]) -> Any:
    values: dict[str, Any] = {
        field.name: tuple(value) if isinstance(value := told[field.name], list) else value
        for field in fields(base)
        if field.name not in _HERE and (field.name in told or field.name not in _LATER)
    }
    if "coarsest" in values:
        coarsest = values["coarsest"]
        values["coarsest"] = None if coarsest is None else fraction_of(coarsest)
        values.setdefault("largest", None)  # of before there was a choice
    return replace(base, **values)
