"""A result against its truth, and the plain methods beside it, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import torch

from deeptsr import video
from deeptsr.errors import InputError, OptionError
from deeptsr.evaluation.baselines import BASELINES, baseline, enlarging_baselines, larger
from deeptsr.evaluation.lpips import Lpips
from deeptsr.evaluation.metrics import Tally
from deeptsr.events import Evaluated, Listener, Progress, Scores, Warned, ignore
from deeptsr.imaging.exposure import Exposure

__all__ = ["evaluate_file"]

# A share of the rate: 24 and 24000/1001 differ by ten times that, a rate and its estimate by less.
_SAME_RATE = Fraction(1, 10_000)


def evaluate_file(
    result: str | Path,
    truth: str | Path,
    ltr: str | Path | None = None,
    *,
    exposure: Exposure = "full",
    ignore_rate: bool = False,
    lpips: bool = False,
    enlarge: bool = False,
    on_event: Listener = ignore,
) -> Evaluated:
    """Compare a video with its truth; a few frames of each are held at a time.

    VMAF is measured where imageio-ffmpeg's program has libvmaf; where not, that is said.

    Args:
        result: a video, a GIF, or a folder of images.
        truth: the same, of equal size, rate and count of frames.
        ltr: the video that the result was made from, of fewer or smaller frames; then repeat,
            linear and minterpolate are measured too, and bicubic interpolation where it is smaller.
        exposure: of the low-framerate video: how the methods are aligned.
        ignore_rate: compare frame by frame, whatever the rates: a result in slow motion.
        lpips: whether to measure LPIPS, see :class:`deeptsr.evaluation.lpips.Lpips`.
        enlarge: whether a result that is smaller than the truth is enlarged to it, bicubic.
        on_event: listener for progress.

    Returns:
        All figures; it is also the last event.

    Raises:
        InputError: when a video cannot be used, or they do not belong together.
        OptionError: when LPIPS cannot be measured here.
    """
    if isinstance(exposure, str) and exposure not in ("full", "delta"):
        raise OptionError(f"exposure is {exposure!r}; expected 'full', 'delta' or an open share")
    network = Lpips() if lpips else None
    paths = [truth, result] if ltr is None else [truth, result, ltr]
    infos = [video.probe(path) for path in paths]
    _check(*infos, rated=not ignore_rate, sized=not enlarge)
    for info in infos:
        for note in info.notes:
            on_event(Warned(f"{info.path}: {note}"))
    base, result_info = infos[:2]
    size = (base.height, base.width)
    sources = {"result": video.read(result_info)}
    if (result_info.height, result_info.width) != size:
        sources = {"result": larger(sources["result"], size)}
    for coarse in infos[2:]:
        factor = base.frames // coarse.frames
        if (coarse.height, coarse.width) != size:
            sources |= enlarging_baselines(partial(video.read, coarse), size, factor, exposure)
        else:
            sources |= {n: baseline(n, video.read(coarse), factor, exposure) for n in BASELINES}
    with ExitStack() as stack:
        rows = [_Row(name, frames, network) for name, frames in sources.items()]
        missing = video.vmaf_missing((base.width, base.height))
        if missing:
            on_event(Warned(f"VMAF is left out: {missing}"))
        else:
            for row in rows:
                row.vmaf = stack.enter_context(video.Vmaf((base.width, base.height)))
        frames = zip(video.read(base), *(row.frames for row in rows), strict=True)
        for index, (expected, *candidates) in enumerate(frames):
            share, detail = index / base.frames, f"comparing, frame {index + 1} of {base.frames}"
            on_event(Progress(share, "compare", detail))
            for row, frame in zip(rows, candidates, strict=True):
                row.add(frame, expected)
        on_event(Progress(1.0, "finish", "adding up"))
        evaluated = Evaluated(
            result=str(result),
            truth=str(truth),
            frames=base.frames,
            width=base.width,
            height=base.height,
            rate=str(base.rate),
            scores=_scores(rows, on_event),
        )
    on_event(evaluated)
    return evaluated


class _Row:
    """One method on its way through the video."""

    def __init__(self, name: str, frames: Iterator[video.Frame], lpips: Lpips | None) -> None:
        self.name, self.frames = name, frames
        self.tally = Tally()
        self.vmaf: video.Vmaf | None = None
        self.lpips: list[float] = []
        self._lpips = lpips

    def add(self, frame: video.Frame, truth: video.Frame) -> None:
        self.tally.add(frame, truth)
        if self.vmaf is not None:
            self.vmaf.add(frame, truth)
        if self._lpips is not None:
            self.lpips.append(self._lpips(torch.tensor(frame), torch.tensor(truth)))


def _scores(rows: list[_Row], on_event: Listener) -> tuple[Scores, ...]:
    ours = np.mean(rows[0].tally.psnr)
    return tuple(
        Scores(
            method=row.name,
            psnr_db=float(np.mean(row.tally.psnr)),
            ssim=float(np.mean(row.tally.ssim)),
            profile_psnr_db=row.tally.profile,
            flicker=row.tally.flicker,
            vmaf=_vmaf(row, on_event),
            lpips=float(np.mean(row.lpips)) if row.lpips else None,
            gain_db=None if row is rows[0] else float(ours - np.mean(row.tally.psnr)),
            frames_psnr_db=tuple(row.tally.psnr),
            frames_ssim=tuple(row.tally.ssim),
            luma_psnr_db=float(np.mean(row.tally.luma)),
        )
        for row in rows
    )


def _vmaf(row: _Row, on_event: Listener) -> float | None:
    if row.vmaf is None:
        return None
    try:
        return row.vmaf.finish()
    except RuntimeError as error:
        on_event(Warned(f"VMAF of {row.name} is left out: {error}"))
        return None


def _check(
    truth: video.VideoInfo,
    result: video.VideoInfo,
    ltr: video.VideoInfo | None = None,
    *,
    rated: bool,
    sized: bool,
) -> None:
    """Refuse videos that do not belong together.

    Raises:
        InputError: with all that differs.
    """
    wrong = _differences(truth, result, 1, rated=rated, sized=sized)
    if wrong:
        cut = min(truth.frames, result.frames)
        remedy = "compare a result with its own truth"
        if wrong == ["frames"]:
            remedy = f"cut the longer one: ffmpeg -i INPUT -frames:v {cut} -c:v ffv1 OUTPUT.mkv"
        elif wrong == ["size"] and _within(result, truth):
            remedy += "; a smaller one is enlarged with `enlarge`"
        elif wrong == ["rate"]:
            remedy += "; if one is in slow motion, compare frame by frame with `ignore_rate`"
        raise InputError(
            f"{result.path} has {_shape(result)}, and the truth {truth.path} has {_shape(truth)}: "
            f"they differ in {' and '.join(wrong)}; expected the same; {remedy}"
        )
    if ltr is None:
        return
    factor = truth.frames // ltr.frames
    wrong = _differences(truth, ltr, factor, rated=rated, sized=False)
    same = (truth.width, truth.height) == (ltr.width, ltr.height)
    if factor < 1 + same or wrong:
        raise InputError(
            f"{ltr.path} has {_shape(ltr)}, and the truth {truth.path} has {_shape(truth)}; "
            "expected the same size, and a whole number of at least 2 times its rate and its "
            "frames, or a smaller size; give the video that the result was made from"
        )


def _differences(
    truth: video.VideoInfo, other: video.VideoInfo, factor: int, *, rated: bool, sized: bool
) -> list[str]:
    """Name what is not as it must be when ``factor`` frames of the truth are one of the other."""
    rated = rated and "folder" not in (truth.kind, other.kind)  # a folder of images has no rate
    same = (truth.width, truth.height) == (other.width, other.height)
    differences = {
        "size": not (same if sized else _within(other, truth)),
        "rate": rated and abs(other.rate * factor / truth.rate - 1) > _SAME_RATE,
        "frames": other.frames * factor != truth.frames,
    }
    return [name for name, differs in differences.items() if differs]


def _within(other: video.VideoInfo, truth: video.VideoInfo) -> bool:
    return other.width <= truth.width and other.height <= truth.height


def _shape(info: video.VideoInfo) -> str:
    rate = "" if info.kind == "folder" else f"{_number(info.rate)} frames a second, "
    return f"{info.width} x {info.height} pixels, {rate}{info.frames} frames"


def _number(rate: Fraction) -> str:
    return str(rate) if rate.denominator in (1, 1001) else f"{float(rate):.6g}"
