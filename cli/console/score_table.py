"""The figures of ``deeptsr evaluate`` as a table of plain text."""

from __future__ import annotations

from collections.abc import Callable

from deeptsr.events import Evaluated, Scores
from deeptsr.system.humanize import rate

__all__ = ["table"]

_COLUMNS: tuple[tuple[str, str, Callable[[Scores], float | None]], ...] = (
    ("PSNR dB", ".2f", lambda row: row.psnr_db),
    ("SSIM", ".4f", lambda row: row.ssim),
    ("x-t dB", ".2f", lambda row: row.profile_psnr_db),
    ("flicker", ".3f", lambda row: row.flicker),
    ("luma dB", ".2f", lambda row: row.luma_psnr_db),
    ("VMAF", ".2f", lambda row: row.vmaf),
    ("LPIPS", ".4f", lambda row: row.lpips),
    ("gain dB", "+.2f", lambda row: row.gain_db),
)


def table(event: Evaluated, verbose: bool) -> str:
    """Lay the figures out; columns that nothing was measured for are left out.

    Args:
        event: what was measured.
        verbose: also the figures of each frame of the result, and what the columns mean.
    """
    rows = event.scores
    columns = [c for c in _COLUMNS if any(c[2](row) is not None for row in rows)]
    width = max(len(row.method) for row in rows)
    lines = [
        f"{event.result} against {event.truth}",
        f"{event.frames} frames, {event.width} x {event.height}, {rate(event.rate)} fps",
        "",
        " " * width + "".join(f"{title:>9}" for title, _, _ in columns),
    ]
    for row in rows:
        scores = ((value(row), form) for _, form, value in columns)
        cells = ("" if v is None else format(v, form) for v, form in scores)
        lines.append((f"{row.method:<{width}}" + "".join(f"{c:>9}" for c in cells)).rstrip())
    psnr = rows[0].frames_psnr_db
    worst = min(range(len(psnr)), key=psnr.__getitem__)
    lines += ["", f"worst frame of the result: {worst + 1}, {psnr[worst]:.2f} dB"]
    if len(rows) > 1:
        lines.append("gain: how much higher the result's PSNR is")
    if verbose:
        lines += [
            "x-t: PSNR of the slices that each row of pixels draws over time",
            "flicker: error of the change of brightness from frame to frame, in 8-bit levels",
            "",
            "   frame  PSNR dB     SSIM",
        ]
        figures = zip(psnr, rows[0].frames_ssim, strict=True)
        lines += [f"{i:>8}{p:>9.2f}{s:>9.4f}" for i, (p, s) in enumerate(figures, start=1)]
    return "\n".join(lines)
