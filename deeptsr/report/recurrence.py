"""Where the video repeats itself: the heatmap of a report (paper section 2, figure 6)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deeptsr.config import RecurrenceSettings
from deeptsr.errors import InputError, OptionError
from deeptsr.pyramid.plan import plan

__all__ = ["Repeats", "repeats"]

_SETTINGS = RecurrenceSettings(slices="xy", max_patches=40_000)  # seconds, not minutes
_SIDE = 480  # pixels of the long side of the picture, at least


@dataclass(frozen=True)
class Repeats:
    """The heatmap of a frame."""

    picture: npt.NDArray[np.uint8]  # (H, W, 3)
    across: float | None  # percent of the nearest neighbours that are found across dimensions


def repeats(frames: Iterable[npt.NDArray[np.float32]], frame: int) -> Repeats | str:
    """Search the nearest neighbours of a frame's patches, within the dimensions and across.

    Args:
        frames: of the input, (H, W, 3), in which is searched.
        frame: which of them the heatmap is for.

    Returns:
        What keeps it from being drawn, as a sentence, where something does.
    """
    # Imported here, as torch takes seconds to load.
    import torch  # noqa: PLC0415

    from deeptsr.analysis.heatmap import blend  # noqa: PLC0415
    from deeptsr.analysis.recurrence import inspect, statistics  # noqa: PLC0415
    from deeptsr.imaging.resample import resize  # noqa: PLC0415

    stage, clip = None, []
    for picture in frames:
        height, width = picture.shape[:2]
        stage = stage or plan(8, height, width)[0]
        small = min(1.0, _SIDE / max(height, width))
        size = max(1, round(height * small)), max(1, round(width * small))
        clip.append(resize(torch.from_numpy(picture.copy())[None], size)[0].clamp(0, 1))
        level = stage.size(height, width)
    try:
        recurrence = inspect(torch.stack(clip), level, range(frame, frame + 1), _SETTINGS)
    except (InputError, OptionError):
        return "Around its greatest motion the video is too short, or too small, to be searched."
    painted = blend(recurrence.slices[0], _SIDE)
    return Repeats(np.rint(painted * 255).astype(np.uint8), statistics(recurrence)["across"])
