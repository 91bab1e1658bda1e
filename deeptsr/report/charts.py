"""The drawings of a report, as numbers: where lines, bands and marks stand."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

from deeptsr.events import Budgeted, Done, Progress, SelfChecked, StageFitted
from deeptsr.report.record import Record
from deeptsr.system.humanize import counted

__all__ = ["Curve", "Part", "Piece", "curves", "parts"]

WIDTH, HEIGHT = 360, 200  # of a chart, units
LEFT, RIGHT, TOP, BOTTOM = 38, 10, 22, 26  # margins
_KINDS = {"fit": "fit", "ren": "render"}
_LEAST_SPAN = 1.0  # dB that an axis spans at least


@dataclass(frozen=True)
class Piece:
    """One fit of a stage: a line of the chart, in a band of its own."""

    name: str
    points: str  # of the line, as SVG has them
    left: float
    width: float


@dataclass(frozen=True)
class Curve:
    """The chart of a stage."""

    event: dict[str, Any]  # the StageFitted
    pieces: list[Piece]
    kept: tuple[float, float] | None  # where the weights that were kept stand
    zero: float  # height of linear interpolation
    marks: list[tuple[float, str]]  # heights and labels of the axis, dB
    steps: list[tuple[float, str]]  # the same across


@dataclass(frozen=True)
class Part:
    """A part of the run and the time that it took."""

    name: str
    seconds: float
    share: float  # of the whole, percent
    note: str
    kind: str  # "fit", "render" or "other"


def curves(record: Record) -> list[Curve]:
    """Draw the fitting curve of every stage, all to one scale of decibels."""
    events = record.of(StageFitted)
    gains = [gain for event in events for _, _, gain in event["curve"]] + [0.0]
    gains += [event["gain_db"] for event in events]
    low, high = min(gains), max(gains)
    grain = _grain(max(_LEAST_SPAN, high - low))
    low, high = math.floor(low / grain) * grain, math.ceil((high + grain / 9) / grain) * grain
    return [_curve(event, low, high, grain) for event in events]


def _curve(event: dict[str, Any], low: float, high: float, grain: float) -> Curve:
    rows = event["curve"]
    last = max([step for _, step, _ in rows] or [1]) or 1

    def x(step: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * step / last, 1)

    def y(gain: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (high - gain) / (high - low), 1)

    pieces = []
    for name, curve in itertools.groupby(rows, key=lambda row: row[0]):
        points = [(x(step), y(gain)) for _, step, gain in curve]
        pieces.append(
            Piece(
                name,
                " ".join(f"{a},{b}" for a, b in points),
                points[0][0],
                round(points[-1][0] - points[0][0], 1),
            )
        )
    at = [step for _, step, gain in rows if gain == event["gain_db"]]
    count = round((high - low) / grain)
    return Curve(
        event=event,
        pieces=pieces,
        kept=(x(at[-1]), y(event["gain_db"])) if at else None,
        zero=y(0),
        marks=[(y(low + i * grain), _signed(low + i * grain)) for i in range(count + 1)],
        steps=[(x(step), str(step)) for step in (0, last // 2, last)] if rows else [],
    )


def _signed(decibels: float) -> str:
    return f"{round(decibels, 3):+g}" if round(decibels, 3) else "0"


def _grain(span: float) -> float:
    """A round distance of marks, so that three to six of them fill the span."""
    power = float(10 ** math.floor(math.log10(span)))
    return next(step * power for step in (0.2, 0.5, 1.0, 2.0) if span / (step * power) <= 5)


def parts(record: Record) -> list[Part]:
    """How long each part of the run took, in order."""
    spans: list[tuple[str, float, str]] = []
    before = 0.0
    for event in record.events:
        at, kind = event["at"], event["event"]
        if kind == Budgeted.__name__:
            spans.append(("measuring the machine", at - before, ""))
        elif kind == StageFitted.__name__:
            own = min(event["seconds"], at - before)
            if not any(name.startswith("fitting") for name, _, _ in spans):
                spans.append(("reading", at - before - own, ""))
                before = at - own
            # What was fitted in an earlier run took its time there.
            earlier = event["seconds"] > 2 * (at - before) + 1
            note = "from an earlier run" if earlier else counted(event["steps"], "step")
            spans.append((f"fitting stage {event['stage']}", at - before, note))
        elif kind == SelfChecked.__name__:
            spans.append(("self-check", at - before, f"{event['frames']} frames"))
        elif kind == Progress.__name__ and event["phase"] == "finish":
            spans.append(("rendering", at - before, ""))
        elif kind == Done.__name__:
            spans.append(("finishing the file", at - before, ""))
        else:
            continue
        before = at
    total = sum(seconds for _, seconds, _ in spans) or 1.0
    return [
        Part(name, seconds, round(100 * seconds / total, 2), note, _KINDS.get(name[:3], "other"))
        for name, seconds, note in spans
    ]
