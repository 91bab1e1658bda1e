"""Lays out the results of the ablation, as tables in Markdown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.results import Record

__all__ = ["BASE", "CONTEXT", "gains", "tables"]

Cells = dict[str, dict[str, Record]]  # clip -> configuration -> means over the seeds

CONTEXT = ("preset", "factor", "frames", "size", "level", "effort", "crf")  # what a table shares
BASE = ("linear", "minterpolate")  # configurations that have no preset, effort or seed
RIVALS = ("within", "across", "both")  # of which the paper takes the best for each video
BEST = "best of each"
_FIGURES = ("psnr_db", "ssim", "profile_db", "seconds", "right_direction")


def tables(records: Iterable[Record]) -> str:
    """All tables of some results: for each context the gains, then the means."""
    records = list(records)
    parts = []
    contexts = dict.fromkeys(_context(r) for r in records if r["config"] not in BASE)
    for context in contexts:
        own = [
            r
            for r in records
            if _context(r) == context
            # A baseline belongs to every preset and effort.
            or (r["config"] in BASE and _clip_context(r) == _clip_context_of(context))
        ]
        cells = _cells(own)
        told = ", ".join(
            f"{name} {value}"
            for name, value in zip(CONTEXT, context, strict=True)
            if value is not None
        )
        parts += [f"{told}:", _gains(cells), _means(cells)]
    return "\n\n".join(parts)


def gains(records: Iterable[Record]) -> dict[str, Any]:
    """Gains over linear interpolation, seed by seed: what :func:`benchmarks.published.save` takes.

    Args:
        records: of one context, each configuration with the same seeds for every clip.

    Raises:
        ValueError: when there are several contexts, or a clip lacks a configuration or a seed.
    """
    records = list(records)
    own = [r for r in records if r["config"] not in BASE]
    if len({_context(r) for r in own}) != 1:
        raise ValueError("the results have several contexts, or none; expected a file of one")
    seeds = sorted({r["seed"] for r in own})
    names = [name for name in dict.fromkeys(r["config"] for r in records) if name != "linear"]
    columns = {"linear, dB": ".2f", **{f"{name}, dB": "+.2f" for name in names}}
    turned = [name for name in names if name not in BASE and _turned(own, name)]
    columns |= {f"{name}, turns right": ".0%" for name in turned}
    found = {(r["clip"], r["config"], r["seed"]): r for r in records}
    rows: dict[str, dict[str, Any]] = {}
    for clip in dict.fromkeys(r["clip"] for r in records):
        base = found[clip, "linear", 0]["psnr_db"]
        row: dict[str, Any] = {"linear, dB": base}
        for name in names:
            given = [0] if name in BASE else seeds
            if lacking := [s for s in given if (clip, name, s) not in found]:
                raise ValueError(f"{clip} has no result of {name} with seed {lacking[0]}")
            cells = [found[clip, name, seed] for seed in given]
            gained = [cell["psnr_db"] - base for cell in cells]
            row[f"{name}, dB"] = gained[0] if name in BASE else gained
            if name in turned:
                right = [cell["right_direction"] for cell in cells]
                row[f"{name}, turns right"] = None if None in right else right
        rows[Path(clip.partition(":")[0]).stem] = row
    return {"columns": columns, "rows": rows, "seeds": seeds}


def _turned(records: list[Record], config: str) -> bool:
    return any(r["right_direction"] is not None for r in records if r["config"] == config)


def _context(record: Record) -> tuple[Any, ...]:
    return tuple(record[name] for name in CONTEXT)


def _clip_context(record: Record) -> tuple[Any, ...]:
    return tuple(record[n] for n in CONTEXT if n not in ("preset", "effort"))


def _clip_context_of(context: tuple[Any, ...]) -> tuple[Any, ...]:
    return _clip_context(dict(zip(CONTEXT, context, strict=True)))


def _cells(records: list[Record]) -> Cells:
    groups: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        groups[record["clip"], record["config"]].append(record)
    cells: Cells = defaultdict(dict)
    for (clip, config), group in groups.items():
        cells[clip][config] = {
            name: None if group[0][name] is None else mean(r[name] for r in group)
            for name in _FIGURES
        }
    return cells


def _gains(cells: Cells) -> str:
    """Gain over linear interpolation of each clip and configuration, dB."""
    configs = _configs(cells)
    rows = []
    for clip, found in cells.items():
        base = found["linear"]["psnr_db"]
        row = [Path(clip.partition(":")[0]).stem, f"{base:.2f}"]
        for config in configs:
            cell = found.get(config)
            text = "" if cell is None else f"{cell['psnr_db'] - base:+.2f}"
            if cell and cell["right_direction"] is not None:
                text += f" ({cell['right_direction']:.0%})"
            row.append(text)
        rows.append(row)
    gains = {
        config: [
            found[config]["psnr_db"] - found["linear"]["psnr_db"]
            for found in cells.values()
            if config in found
        ]
        for config in configs
    }
    for name, pick in (("mean", mean), ("least", min)):
        # Of clips that a configuration lacks, its figure would say nothing.
        whole = (f"{pick(g):+.2f}" if len(g) == len(cells) else "" for g in gains.values())
        rows.append([name, "", *whole])
    return _markdown(["clip", "linear, dB", *configs], rows)


def _means(cells: Cells) -> str:
    """Means over the clips that every configuration has, as the paper's Table 2."""
    configs = ["linear", *_configs(cells)]
    shared = [found for found in cells.values() if all(c in found for c in configs)]
    if not shared:
        return "No clip has every configuration yet."
    columns = {config: [found[config] for found in shared] for config in configs}
    rivals = [config for config in RIVALS if config in configs]
    if len(rivals) > 1:
        columns[BEST] = [
            max((found[r] for r in rivals), key=lambda cell: float(cell["psnr_db"]))
            for found in shared
        ]
    rows = []
    for title, name, digits in (
        ("PSNR, dB", "psnr_db", 2),
        ("SSIM", "ssim", 4),
        ("x-t slices, dB", "profile_db", 2),
        ("seconds", "seconds", 0),
    ):
        rows.append(
            [title, *(f"{mean(c[name] for c in found):.{digits}f}" for found in columns.values())]
        )
    return _markdown([f"mean of {len(shared)} clips", *columns], rows)


def _configs(cells: Cells) -> list[str]:
    return [
        config
        for config in dict.fromkeys(c for found in cells.values() for c in found)
        if config != "linear"
    ]


def _markdown(head: list[str], rows: list[list[str]]) -> str:
    ruler = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ruler, *rows])
