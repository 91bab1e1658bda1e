"""`fit`, `load`, and the `Model` that they make."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from deeptsr.analysis.cut_list import read_cuts
from deeptsr.analysis.scenes import with_cuts
from deeptsr.config import Options, changed, given
from deeptsr.errors import InputError, OptionError, OutputError
from deeptsr.events import Listener, Warned, ignore
from deeptsr.imaging.volume import as_array, as_volume
from deeptsr.jobs.job import Job
from deeptsr.jobs.model.array_job import array_job
from deeptsr.jobs.pipeline import fit_job, out_of_memory, read_for_fitting
from deeptsr.jobs.resources.memory import Clip, bounded, chunk_length
from deeptsr.learning.recipe import climbs
from deeptsr.learning.saved_fit import SavedFit
from deeptsr.pyramid.stage import FittedStage
from deeptsr.pyramid.stream import stream_scene
from deeptsr.system import devices
from deeptsr.system.files import check_file, write_whole
from deeptsr.video.destination import name_of

__all__ = ["Model", "fit", "load"]

_LONG = 1_000_000  # frames: nobody knows how many will come


class Model:
    """Networks that were fitted to a clip, ready for its frames and for those of others like it.

    >>> import deeptsr
    >>> model = deeptsr.fit(frames, deeptsr.preset("fast", factor=4))  # doctest: +SKIP
    >>> for frame in model.upscale(more_frames):  # doctest: +SKIP
    ...     show(frame)
    >>> model.save("camera.safetensors")  # doctest: +SKIP

    Attributes:
        options: it was fitted with. Of ``device``, ``memory`` and ``scenes`` others may be taken:
            see :meth:`with_options`.
    """

    def __init__(self, saved: SavedFit, options: Options) -> None:
        """Take what was fitted; :func:`fit` and :func:`load` do.

        Args:
            saved: the networks.
            options: all settings, the factor and the exposure as they came out.

        Raises:
            OptionError: when they ask for another size.
        """
        _check_size(options)
        self._saved, self.options = saved, options

    def with_options(self, **changes: Any) -> Model:
        """The same networks under other settings: a smaller ``factor``, another ``device``.

        Args:
            changes: fields of :class:`deeptsr.Options`, and their new values.

        Raises:
            OptionError: for a value out of range.
        """
        return Model(self._saved, changed(self.options, **changes))

    def upscale(
        self, frames: Iterable[Any], on_event: Listener = ignore
    ) -> Iterator[npt.NDArray[np.float32]]:
        """Raise the frame rate of a clip, frame by frame.

        Scenes are found on the way (``scenes`` auto), and nothing crosses a cut. A chunk of frames
        is held in memory, however long the clip; a frame comes out when those after it that it
        depends on were read.

        Args:
            frames: pictures (H, W, C) of one size, C = 1 or 3, unsigned integers of 8 or 16 bits or
                floats in [0, 1]; arrays or tensors. A generator will do: each is asked for once.
            on_event: listener, for what the user should know.

        Yields:
            ``factor`` pictures (H, W, C) for each, float32 in [0, 1], in order.

        Raises:
            InputError: when a frame cannot be used.
            OptionError: when the networks do not suit the frames' size.
            ResourceError: when memory runs out.
        """
        pictures = _volumes(frames)
        first = next(pictures, None)
        if first is None:
            return
        height, width, channels = first.shape
        options, stages = self._for_size(height, width)
        chunk = chunk_length(height, width, options)

        def warn(left: int) -> None:
            on_event(
                Warned(f"memory ran out: chunks of {left} frames are taken, to the same result")
            )

        for scene in self._scenes(itertools.chain([first], pictures)):
            with out_of_memory():
                for volume in stream_scene(
                    stages,
                    scene,
                    chunk,
                    exposure=options.exposure,
                    rounds=options.pyramid.rounds,
                    precision=devices.precision(devices.choose(options.device)),
                    on_halved=warn,
                ):
                    frames_out: npt.NDArray[np.float32] = volume.clamp_(0, 1).cpu().numpy()
                    del volume  # it is gone before the next one is made
                    for frame in frames_out:
                        gray = channels == 1
                        yield frame.mean(2, keepdims=True, dtype=np.float32) if gray else frame
                    del frames_out
                    devices.release()

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Keep it in a file (safetensors, nothing in it is ever run), for :func:`load`.

        Args:
            path: of the file, such as "camera.safetensors".
            overwrite: whether to replace one that exists.

        Raises:
            OutputError: when it exists, or cannot be written.
            ResourceError: when the disk is full.
        """
        place = Path(name_of(path, OutputError, "the file"))
        check_file(place, overwrite)
        write_whole(place, lambda place: place.write_bytes(self._saved.bytes()), replace=overwrite)

    def _for_size(self, height: int, width: int) -> tuple[Options, tuple[FittedStage, ...]]:
        """The settings that the memory has room for, and the stages."""
        size, pyramid = (height, width), self._saved.pyramid_of(self.options.pyramid)
        options = replace(self.options, pyramid=pyramid)
        device = devices.choose(options.device)
        stages = climbs(options, height, width)[0]
        self._saved.check(options, stages, size)
        options = bounded(Clip(_LONG, height, width), options, stages, device)
        return options, self._saved.fitted(options, stages, size, device)

    def _scenes(self, pictures: Iterator[Tensor]) -> Iterator[Iterator[Tensor]]:
        """Yield each scene's frames, (H, W, 3) on the device; they are taken in order."""
        options = self.options
        device = devices.choose(options.device)
        colours = (picture.expand(-1, -1, 3).numpy() for picture in pictures)
        if options.scenes == "auto":
            marked = with_cuts(colours)
        else:
            listed = () if options.scenes == "off" else read_cuts(Path(options.scenes), None)
            marked = ((frame, number in listed) for number, frame in enumerate(colours))
        for _, scene in itertools.groupby(_numbered(marked), lambda each: each[0]):
            yield (torch.from_numpy(np.ascontiguousarray(frame)).to(device) for _, frame in scene)


@out_of_memory()
def fit(frames: Any, options: Options | None = None, on_event: Listener = ignore) -> Model:
    """Fit the networks to a clip, for its own frames and for those of others like it.

    Args:
        frames: (T, H, W, C), C = 1 or 3, unsigned integers of 8 or 16 bits or floats in [0, 1]; a
            numpy array or a tensor. At least 4 frames of 16 x 16 pixels.
        options: all settings; by default the preset that suits the device.
        on_event: listener for progress.

    Returns:
        The model.

    Raises:
        InputError: when the frames cannot be used.
        OptionError: when a setting cannot be met.
        DeviceError: when the device is not there.
        ResourceError: when memory runs out.
    """
    options = given(options)
    if options is not None:
        _check_size(options)
    job, clip, _ = array_job(frames, options, on_event, doubling=False)
    with out_of_memory():
        excerpt, _ = read_for_fitting(job, lambda: (frame.numpy() for frame in clip), on_event)
        job, fitted = fit_job(job, excerpt, on_event, None)
    return Model(SavedFit.of(fitted, job.options, job.size), _for_others(job))


def load(path: str | Path) -> Model:
    """Read a model that :meth:`Model.save` or ``deeptsr upscale --save-fit`` kept.

    Args:
        path: of the file.

    Raises:
        OptionError: when the file is not there, or is no fit.
    """
    saved = SavedFit.load(path)
    return Model(saved, saved.options)


def _check_size(options: Options) -> None:
    """Refuse a larger size, before any work: what is kept of a fit is its networks in time."""
    if not options.keeps_size:
        raise OptionError(
            f"scale is {options.scale} and size is {options.size}; expected 1 and None: a model "
            "raises the frame rate; deeptsr.upscale_array makes the frames larger, too"
        )


def _for_others(job: Job) -> Options:
    """The settings of a fit, without what one clip's size and this moment's memory made of them."""
    bounds = job.asked.pyramid
    pyramid = replace(job.options.pyramid, voxels=bounds.voxels, excerpt=bounds.excerpt)
    return replace(job.options.as_options(), pyramid=pyramid, fit_file=None, save_fit=None)


def _numbered(
    marked: Iterable[tuple[npt.NDArray[np.float32], bool]],
) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
    """Yield the number of each frame's scene, and the frame."""
    scene = 0
    for frame, begins in marked:
        scene += begins
        yield scene, frame


def _volumes(frames: Iterable[Any]) -> Iterator[Tensor]:
    """Yield pictures (H, W, C) in [0, 1], checked."""
    shape: tuple[int, ...] | None = None
    try:
        pictures = iter(frames)
    except TypeError:
        raise InputError(
            f"frames are a {type(frames).__name__}; expected pictures (H, W, C), one after another"
        ) from None
    for number, frame in enumerate(pictures):
        array = as_array(frame)
        if array.ndim != 3 or (shape is not None and tuple(array.shape) != shape):
            expected = "(H, W, C) with 1 or 3 channels" if shape is None else f"{shape}"
            raise InputError(
                f"frame {number} has the shape {tuple(array.shape)}; expected {expected}, as all "
                "frames of a clip have"
            )
        shape = tuple(array.shape)
        yield as_volume(array[None])[0]
