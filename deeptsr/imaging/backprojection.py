"""Back-projection: make the fine video agree with the coarse one, in space and in time.

Paper section 4.2 and its footnote 1; Irani and Peleg 1991.
"""

from __future__ import annotations

from deeptsr.imaging.exposure import Exposure, correct_in_place, expose
from deeptsr.imaging.resample import add_interpolated, resize
from deeptsr.imaging.shapes import AnyVolume, Fine, Volume

__all__ = ["backproject"]


def backproject(
    coarse: AnyVolume, ltr: Volume, factor: int, exposure: Exposure = "full", rounds: int = 1
) -> Fine:
    """Raise a temporally fine, spatially coarse video to the size of the LTR video.

    Args:
        coarse: (T * factor, h, w, C), what the network made at the coarser level.
        ltr: (T, H, W, C), the LTR video at the finer level.
        factor: HTR frames an LTR frame.
        exposure: of the LTR video.
        rounds: alternations of temporal and spatial correction.

    Returns:
        (T * factor, H, W, C): it exposes to ``ltr`` exactly, and scales down to ``coarse`` nearly.
        Where that has this size already, it is corrected where it lies.

    Differs from the paper, which starts from the scaled coarse video: detail that only the LTR
    video has would stand still for ``factor`` frames. It is interpolated in time, so that a frame
    depends on one LTR frame to each side, too.
    """
    small = (coarse.shape[1], coarse.shape[2])
    large = (ltr.shape[1], ltr.shape[2])
    fine = resize(coarse, large)
    if fine is coarse:
        correct_in_place(fine, ltr, factor, exposure)
        return fine
    detail = ltr - expose(fine, factor, exposure)
    add_interpolated(fine, detail, factor, exposure)
    del detail
    for _ in range(rounds):
        correct_in_place(fine, ltr, factor, exposure)
        for number in range(len(fine)):  # one by one, for the memory
            frame, seen = fine[number : number + 1], coarse[number : number + 1]
            frame.sub_(resize(resize(frame, small) - seen, large))
    correct_in_place(fine, ltr, factor, exposure)
    return fine
