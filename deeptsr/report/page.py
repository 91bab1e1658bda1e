"""One self-contained page that shows a run: works without a network, in light and in dark."""

from __future__ import annotations

import os
import re
from dataclasses import asdict
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import jinja2

from deeptsr.config import PRESETS
from deeptsr.errors import OptionError, OutputError
from deeptsr.events import (
    Budgeted,
    Done,
    Listener,
    Planned,
    Reported,
    SelfChecked,
    StageFitted,
    Surveyed,
    Warned,
    ignore,
)
from deeptsr.report import charts
from deeptsr.report.film import PANELS
from deeptsr.report.footage import Footage
from deeptsr.report.pictures import Pictures, look
from deeptsr.report.record import Record
from deeptsr.system import humanize
from deeptsr.system.files import check_file, write_whole
from deeptsr.system.lock import alone

__all__ = ["check_page", "environment", "write_report"]

_SPEEDS = (1, 2, 4, 8, 16, 32)  # real time, and so many times slower
_LIMITS = 1 / 16, 16  # how far browsers change the speed of a film
# What the result stands beside: the panel of the film, its button, and its name upon the film.
_RIVALS = (
    ("input", "Input", "input"),
    ("linear", "Linear", "linear interpolation"),
    ("minterpolate", "Motion-compensated", "motion-compensated"),
)
_SETTING = re.compile("`([a-z_]+)`")  # as the library names them
_PAIRS = {
    "within": "The video itself, played slower and averaged.",
    "across": "The video with time and a direction of space swapped.",
    "shift": "Frames that a still picture would make if it were pushed.",
}


def check_page(path: str | Path, *, overwrite: bool = False) -> None:
    """Refuse a page that cannot be written, before any costly work.

    Raises:
        OptionError: when its name does not end as a page's does.
        OutputError: when it exists and may not be replaced, or its folder cannot be written.
    """
    page = Path(os.path.abspath(path))
    if page.suffix.lower() not in (".html", ".htm"):
        raise OptionError(f"the report is {path}; expected a name that ends in .html")
    check_file(page, overwrite)
    if not os.access(page.parent, os.W_OK | os.X_OK):
        raise OutputError(f"the folder {page.parent} cannot be written; choose another")


def write_report(
    record: Record, path: str | Path, *, overwrite: bool = False, on_event: Listener = ignore
) -> Reported:
    """Write the page of a run.

    Args:
        record: of the run; its input and its result are read once more.
        path: the page, an HTML file.
        overwrite: replace one that exists.
        on_event: listener.

    Returns:
        What was written.

    Raises:
        InputError: when input or result are gone or have changed.
        OptionError: when the page's name is no page's.
        OutputError: when the page cannot be written.
        ResourceError: when the disk is full.
    """
    check_page(path, overwrite=overwrite)
    with alone([path], on_event):
        return _written(record, path, overwrite)


def _written(record: Record, path: str | Path, overwrite: bool) -> Reported:
    record.check()
    cuts: list[int] = next((event["cuts"] for event in record.of(Surveyed)), [])
    footage = Footage(Path(record.source), Path(record.output), record.options, cuts)
    text = _render(record, footage, look(footage), cuts).encode(errors="backslashreplace")
    page = Path(os.path.abspath(path))
    write_whole(page, lambda aside: aside.write_bytes(text), replace=overwrite)
    return Reported(str(path), len(text))


def environment() -> jinja2.Environment:
    """What fills in the templates of pages; a name that one lacks is an error."""
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("deeptsr.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # Marks of direction in a name would turn the words around it.
        finalize=lambda value: humanize.visible(value) if type(value) is str else value,
    )
    templates.filters.update(duration=humanize.duration, rate=humanize.rate, size=humanize.size)
    return templates


def _render(record: Record, footage: Footage, pictures: Pictures, cuts: list[int]) -> str:
    return (
        environment()
        .get_template("page.html")
        .render(
            record=record,
            began=datetime.fromisoformat(record.began),
            names={"input": Path(record.source).name, "result": Path(record.output).name},
            planned=record.of(Planned)[-1],
            done=record.of(Done)[-1],
            check=next(reversed(record.of(SelfChecked)), None),
            cuts=cuts,
            budget=next(reversed(record.of(Budgeted)), None),
            warnings=_warnings(record),
            mix=_mix(record),
            curves=charts.curves(record),
            chart=charts,
            parts=charts.parts(record),
            settings=_settings(record.options),
            rivals=_RIVALS,
            rates=_rates(footage),
            footage=footage,
            pictures=pictures,
            player=_player(footage, pictures),
        )
    )


def _rates(footage: Footage) -> dict[str, Any]:
    """Frames a second of what was filmed: slow motion, too, was filmed in real time."""
    laid_out = footage.schedule
    varies = not footage.shown.is_constant
    slower = humanize.rate(str(laid_out.stretch))
    return {
        "input": humanize.rate(str(laid_out.given.rate)),
        "result": humanize.rate(str(footage.shown.rate)),
        "manner": (", on average" if varies or not laid_out.given.is_constant else "")
        + (f", shown {slower} times slower" if laid_out.stretch != 1 else ""),
        "varies_in": not laid_out.given.is_constant,
        "varies": varies,
    }


def _player(footage: Footage, pictures: Pictures) -> dict[str, Any]:
    """What the script of the page must know."""
    film = pictures.film
    true_rate = footage.shown.rate
    ratio = float(true_rate) / film.rate
    fits = [s for s in _SPEEDS if _LIMITS[0] <= ratio / s <= _LIMITS[1]] or [1]
    width, height = footage.source.width, footage.source.height
    return {
        "frames": film.frames,
        "rate": film.rate,
        "perSecond": float(true_rate),
        "inputs": pictures.inputs,
        "panels": PANELS,
        "speeds": [{"slower": s, "playback": ratio / s} for s in fits],
        # The first speed at which each frame of the result is seen.
        "chosen": next((s for s in fits if true_rate / s <= 32), fits[-1]),
        "views": [
            {
                "left": c.box.left / width,
                "top": c.box.top / height,
                "width": c.box.side / width,
                "height": c.box.side / height,
                "frame": c.first,
            }
            for c in pictures.closeups
        ],
    }


def _warnings(record: Record) -> list[str]:
    """What was warned of; where a command was typed, settings are flags."""
    said = [event["message"] for event in record.of(Warned)]
    if not record.command:
        return said
    return [_SETTING.sub(lambda name: "--" + name[1].replace("_", "-"), text) for text in said]


def _mix(record: Record) -> list[dict[str, Any]]:
    """The shares of the kinds of pairs that were learnt from."""
    stages = record.of(StageFitted)
    shares = stages[0]["mix"] if stages else [1.0, 0.0, 0.0]
    total = sum(shares) or 1.0
    return [
        {"name": name, "percent": round(100 * share / total, 1), "means": means}
        for (name, means), share in zip(_PAIRS.items(), shares, strict=True)
    ]


def _settings(options: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    """All settings, a section at a time, and whether the preset has them otherwise."""
    usual = asdict(PRESETS[options["preset"]]) if options["preset"] in PRESETS else {}
    rows: dict[str, list[dict[str, Any]]] = {"run": []}
    for name, value in options.items():
        held = value if isinstance(value, dict) else {name: value}
        section = name if isinstance(value, dict) else "run"
        base = usual.get(name, {}) if isinstance(value, dict) else usual
        for key, setting in held.items():
            changed = key in base and _plain(base[key]) != _plain(setting)
            rows.setdefault(section, []).append(
                {"name": key, "value": _plain(setting), "changed": changed}
            )
    return list(rows.items())


def _plain(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, (list, tuple)):
        return ", ".join(f"{v:.3g}" if isinstance(v, float) else str(v) for v in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(Fraction(value)) if isinstance(value, Fraction) else str(value)
