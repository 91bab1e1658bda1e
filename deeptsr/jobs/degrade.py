"""A high-framerate video in, what a slow camera, of fewer pixels, would have recorded of it out."""

from __future__ import annotations

import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch

from deeptsr import video
from deeptsr.config import Options, given
from deeptsr.errors import InputError, OptionError
from deeptsr.events import Done, Listener, Progress, Warned, ignore
from deeptsr.imaging.exposure import expose
from deeptsr.imaging.frame_size import shrunk_size
from deeptsr.imaging.lens import shrink
from deeptsr.system.lock import alone

__all__ = ["degrade_file"]


def degrade_file(
    source: str | Path,
    output: str | Path,
    options: Options | None = None,
    on_event: Listener = ignore,
) -> Done:
    """Make a low-framerate video from a high-framerate one, to test on one's own footage.

    ``factor`` frames become one, by the model that everything else assumes (:func:`expose`), and
    its sides ``scale`` times shorter (:func:`deeptsr.imaging.lens.shrink`). Only one frame's worth
    of them is held at a time. Last frames that do not make a whole one are left
    out, and that is said.

    Args:
        source: a video, a GIF, or a folder of images.
        output: a video file, or a folder for PNGs. It appears under its name only when whole.
        options: of which factor, exposure, scale, camera, start, end and encode are used.
        on_event: listener for progress.

    Returns:
        What was made.

    Raises:
        InputError: when the input cannot be used, or has fewer frames than the factor.
        OptionError: when a setting or the output cannot be met.
        ResourceError: when the disk runs out.
    """
    began = time.monotonic()
    options = given(options) or Options()
    factor = options.factor
    if options.exposure == "auto":
        raise OptionError("exposure is 'auto'; expected 'full', 'delta' or an open share")
    video.check_output(output, options.encode)  # before the input, which may take long to count
    info = video.probe(source)
    chosen = video.selected(info, options.start, options.end)
    count, left_over = divmod(len(chosen), factor)
    if not count:
        raise InputError(
            f"{info.path} has {len(chosen)} frames there, and factor {factor} makes one of "
            f"{factor}; expected at least as many; choose a smaller factor"
        )
    for note in info.notes:
        on_event(Warned(note))
    used = count * factor
    if left_over:
        on_event(
            Warned(
                f"the last {left_over} of {len(chosen)} frames are left out: {factor} make one; to "
                f"compare with the original, cut it to {used} frames first: "
                f"ffmpeg -i INPUT -frames:v {used} -c:v ffv1 OUTPUT.mkv"
            )
        )
    part = info.timeline.part(range(chosen.start, chosen.start + used))
    begin = part.start - info.start
    whole = used == info.frames
    lead = info.start - info.origin if whole else Fraction(0)
    rate = info.rate / factor
    alpha = info.keeps_alpha
    even = options.scale != 1 and video.needs_even(output, options.encode, source=info, alpha=alpha)
    shape = shrunk_size((info.height, info.width), options.scale, even=even)
    if shape.note:
        on_event(Warned(shape.note))
    written: Any = {
        "size": (shape.width, shape.height),
        "timeline": part.merged(factor).starting_at(lead),
        "source": info,
        "audio_range": None if whole else (begin, begin + part.duration),
        "alpha": alpha,
    }
    with alone([video.destination_of(output).path], on_event):
        told = video.check_output(output, options.encode, **written)
        for note in told:
            on_event(Warned(note))
        group = np.empty((factor, info.height, info.width, 3 + alpha), np.float32)
        with video.VideoWriter(output, settings=options.encode, **written) as writer:
            # It is read to its end: only there it is found out whether the input broke off.
            damage: list[str] = []
            frames = video.read(info, options.start, options.end, alpha=alpha, notes=damage)
            for index, frame in enumerate(frames):
                finished, place = divmod(index, factor)
                group[place] = frame
                if place == factor - 1:
                    slow = expose(torch.from_numpy(group), factor, options.exposure)
                    small = shrink(slow, (shape.height, shape.width), options.camera)
                    writer.write(small.numpy())
                    detail = f"averaging, frame {finished + 1} of {count}"
                    on_event(Progress((finished + 1) / count, "render", detail))
            on_event(Progress(1.0, "finish", "finishing the file"))
            writer.finish()
            for note in (*damage, *(note for note in writer.notes if note not in told)):
                on_event(Warned(note))
    done = Done(str(output), count, str(rate), time.monotonic() - began)
    on_event(done)
    return done
