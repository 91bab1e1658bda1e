"""The record of a work folder: whose work lies there, and whether it is of use to a run."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

import deeptsr
from deeptsr import video
from deeptsr.config import Options
from deeptsr.errors import DeeptsrError
from deeptsr.learning.prior import prior_of
from deeptsr.learning.saved_fit import saved_fit_of
from deeptsr.system.fingerprint import fingerprint, last_change

__all__ = ["differences", "identity", "is_record", "is_unchanged", "record_of"]

_MARK = {"deeptsr": "work folder 1"}  # by which a record is known
_BEFORE = {"pyramid even": False}  # what was done before there were such settings


def identity(
    source: Path, options: Options, device: torch.device, cuts: tuple[int, ...] | None = None
) -> dict[str, Any]:
    """What must agree for a run to go on from an earlier one's work.

    Args:
        source: the input file, or a folder of images.
        options: all settings; how the output is encoded and where work is kept do not matter.
        device: that does the work.
        cuts: that a list or a survey told; None: they are to be found.
    """
    settings = asdict(options)
    if cuts is not None:  # another list is another run, under whatever name
        settings["scenes"] = repr(cuts)
    space = ("scale", "size", "camera", "space_prior")  # of the output only: the fit is the same
    fits = ("fit_file", "save_fit")
    for place in ("encode", "work_dir", "resume", "device", "memory", *space, *fits):
        del settings[place]
    del settings["pyramid"]["voxels"]  # the memory's bound: all chunks give the same
    del settings["pyramid"]["doubling"]  # it is settled: the factor is the one that is climbed
    prior, given = prior_of(options), saved_fit_of(options)
    files = video.files_of(source)
    return {
        "prior": prior.digest if prior else None,
        "fit file": given.digest if given else None,
        "version": f"{deeptsr.__version__}, torch {torch.__version__}",
        "input": fingerprint(files),
        "input's ends": fingerprint(files, places=2),  # for records that have no more
        "input's time": last_change(files),
        "device": device.type,
        "options": settings,
    }


def is_unchanged(source: Path, who: dict[str, Any]) -> bool:
    """Whether an input still is what an identity was taken of."""
    try:
        files = video.files_of(source)
        return (fingerprint(files), last_change(files)) == (who["input"], who["input's time"])
    except (OSError, DeeptsrError):
        return False


def record_of(who: dict[str, Any]) -> str:
    """Write an identity down."""
    return json.dumps(_MARK | who, indent=1, sort_keys=True, default=str)


def is_record(text: str) -> bool:
    """Whether a text is the record of a run, of this version or an earlier one."""
    return bool(_settings(text))


def differences(before: str, now: str) -> list[str]:
    """Name what two records do not agree in, as users know it: "fit steps is 9, was 5".

    A setting that an earlier version did not know, and that is as it is by default, is no change,
    unless that version did otherwise.
    """
    old, new = _settings(before), _settings(now)
    if old:
        old = {name: value for name, value in _BEFORE.items() if name in new} | old
        usual = _settings(record_of({"options": asdict(Options())}))
        unknown = [name for name in new.keys() - old.keys() if name in usual]
        new = {n: value for n, value in new.items() if n not in unknown or value != usual[n]}
    if old and "input's ends" in new.keys() - old.keys():  # from before there were marks
        new["input"] = new.get("input's ends")
        new = {name: value for name, value in new.items() if not name.startswith("input's")}
    return [
        f"{name} is {new.get(name)}, was {old.get(name)}"
        for name in dict.fromkeys((*new, *old))
        if new.get(name) != old.get(name)
    ]


def _settings(text: str) -> dict[str, Any]:
    """Lay out a record flat, by the names that users know: "fit steps"; {} when it is none."""
    try:
        record = json.loads(text)
        if not _is_ours(record):
            return {}
        options = record.pop("options")
        # What is in a file that a setting names counts as well.
        nested = {f"{n}'s contents" if n in options else n: v for n, v in record.items()} | options
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}
    flat: dict[str, Any] = {}
    for name, value in nested.items():
        if isinstance(value, dict):
            flat |= {f"{name} {key}": content for key, content in value.items()}
        elif name not in _MARK:
            flat[name] = value
    return flat


def _is_ours(record: dict[str, Any]) -> bool:
    """Whether a record has our mark, or is one from before there were marks."""
    mark = record.get("deeptsr")
    if mark is not None:
        return isinstance(mark, str) and mark.startswith("work folder ")
    return {"version", "input", "device", "options"} <= record.keys() and (
        ", torch " in record["version"]
    )
