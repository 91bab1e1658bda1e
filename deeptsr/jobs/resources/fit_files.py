"""The files that a run takes its fit from, and keeps it in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from deeptsr.config import Options, Settings
from deeptsr.errors import OptionError
from deeptsr.events import FitKept, Listener, Warned
from deeptsr.learning.saved_fit import SavedFit, is_fit_with, saved_fit_of
from deeptsr.pyramid.plan import Stage
from deeptsr.pyramid.stage import FittedStage
from deeptsr.system.files import check_file, write_whole
from deeptsr.system.lock import alone

__all__ = ["as_it_was_fitted", "check_fit_files", "keep_fit"]


def as_it_was_fitted(options: Settings) -> Settings:
    """Begin a climb at the size at which a fit that is given begins."""
    given = saved_fit_of(options) if options.factor > 1 else None
    if given is None:
        return options
    return replace(options, pyramid=given.pyramid_of(options.pyramid))


def check_fit_files(options: Options, stages: tuple[Stage, ...], size: tuple[int, int]) -> None:
    """Refuse a fit that does not suit, and a place where none can be kept, before any work.

    Args:
        options: of the run, the factor and the exposure as they come out.
        stages: the plan.
        size: height and width of the video, pixels.

    Raises:
        OptionError: for a fit that does not suit, and where nothing is fitted.
        OutputError: for the place.
    """
    for name in ("fit_file", "save_fit"):
        if getattr(options, name) is not None and not stages:
            raise OptionError(
                f"{name} is {getattr(options, name)} and the factor is 1, with which nothing is "
                "fitted; expected a factor of at least 2; leave it out"
            )
    given = saved_fit_of(options)
    if given is not None:
        given.check(options, stages, size)
    if options.save_fit is not None:
        place = Path(options.save_fit)
        check_file(place, overwrite=True)  # that it is a name which a file can have
        # An interrupted run may have kept its fit: if it is another's, it stays, and that is told.
        begun = place.is_file() and is_fit_with(place, options)
        check_file(place, options.encode.overwrite or begun)


def keep_fit(
    fitted: tuple[FittedStage, ...], options: Options, size: tuple[int, int], on_event: Listener
) -> None:
    """Write what was fitted into the file that the user gave for it, if there is one.

    Args:
        fitted: coarse to fine.
        options: of the run, the factor and the exposure as they come out.
        size: height and width of the video, pixels.
        on_event: told that it is kept, or why not.

    Raises:
        OutputError: when it cannot be written, or another run is about to.
        ResourceError: when the disk is full.
    """
    if options.save_fit is None:
        return
    path, overwrite = Path(options.save_fit), options.encode.overwrite
    content = SavedFit.of(fitted, options, size).bytes()
    with alone([path], on_event):  # another run may keep its own there
        if path.is_file() and not overwrite:
            if path.read_bytes() != content:
                on_event(
                    Warned(f"{path} holds another fit, and is left as it is: this one is not kept")
                )
                return
        else:
            write_whole(path, lambda place: place.write_bytes(content), replace=overwrite)
    on_event(FitKept(str(path), len(content)))
