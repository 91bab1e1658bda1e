"""Files in, files out: the only place that knows codecs, containers and timestamps.

Frames cross this border as numpy arrays of R'G'B' in [0, 1]; torch is not known here.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deeptsr.video.destination import CONTAINERS, Destination, destination_of
    from deeptsr.video.encoding.available import encoders
    from deeptsr.video.encoding.choose import needs_even
    from deeptsr.video.encoding.damage import compressed, crf_like
    from deeptsr.video.encoding.expected_size import bits_a_pixel
    from deeptsr.video.ffmpeg.minterpolate import minterpolate
    from deeptsr.video.ffmpeg.preview import PREVIEW_RATE, encode_preview
    from deeptsr.video.ffmpeg.vmaf import Vmaf, vmaf_missing
    from deeptsr.video.glance import motion_in, small_frames
    from deeptsr.video.info import VideoInfo, selected
    from deeptsr.video.picture.color import ColorTags, is_hdr
    from deeptsr.video.picture.convert import Frame
    from deeptsr.video.pipes.form import PipeForm, pipe_form
    from deeptsr.video.pipes.spool import spooled
    from deeptsr.video.pipes.writer import ByteSink, PipeWriter
    from deeptsr.video.reading.contents import Contents, contents, picture_bytes, rough_size
    from deeptsr.video.reading.image_folder import files_of
    from deeptsr.video.reading.probe import probe
    from deeptsr.video.reading.reader import read
    from deeptsr.video.writing.image_folder import remove_replaced
    from deeptsr.video.writing.packet_file import versions
    from deeptsr.video.writing.parts import frames_kept, remove_parts
    from deeptsr.video.writing.prepare import check_output
    from deeptsr.video.writing.writer import VideoWriter

__all__ = [
    "CONTAINERS",
    "PREVIEW_RATE",
    "ByteSink",
    "ColorTags",
    "Contents",
    "Destination",
    "Frame",
    "PipeForm",
    "PipeWriter",
    "VideoInfo",
    "VideoWriter",
    "Vmaf",
    "bits_a_pixel",
    "check_output",
    "compressed",
    "contents",
    "crf_like",
    "destination_of",
    "encode_preview",
    "encoders",
    "files_of",
    "frames_kept",
    "is_hdr",
    "minterpolate",
    "motion_in",
    "needs_even",
    "picture_bytes",
    "pipe_form",
    "probe",
    "read",
    "remove_parts",
    "remove_replaced",
    "rough_size",
    "selected",
    "small_frames",
    "spooled",
    "versions",
    "vmaf_missing",
]

# Loaded on first use, so that what opens no file does not wait for codecs.
_HOME = {
    "ByteSink": "pipes.writer",
    "CONTAINERS": "destination",
    "ColorTags": "picture.color",
    "Contents": "reading.contents",
    "Destination": "destination",
    "Frame": "picture.convert",
    "PREVIEW_RATE": "ffmpeg.preview",
    "PipeForm": "pipes.form",
    "PipeWriter": "pipes.writer",
    "VideoInfo": "info",
    "VideoWriter": "writing.writer",
    "Vmaf": "ffmpeg.vmaf",
    "bits_a_pixel": "encoding.expected_size",
    "check_output": "writing.prepare",
    "compressed": "encoding.damage",
    "contents": "reading.contents",
    "crf_like": "encoding.damage",
    "destination_of": "destination",
    "encode_preview": "ffmpeg.preview",
    "encoders": "encoding.available",
    "files_of": "reading.image_folder",
    "frames_kept": "writing.parts",
    "remove_parts": "writing.parts",
    "remove_replaced": "writing.image_folder",
    "is_hdr": "picture.color",
    "minterpolate": "ffmpeg.minterpolate",
    "motion_in": "glance",
    "needs_even": "encoding.choose",
    "picture_bytes": "reading.contents",
    "pipe_form": "pipes.form",
    "probe": "reading.probe",
    "read": "reading.reader",
    "rough_size": "reading.contents",
    "selected": "info",
    "small_frames": "glance",
    "spooled": "pipes.spool",
    "versions": "writing.packet_file",
    "vmaf_missing": "ffmpeg.vmaf",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'deeptsr.video' has no attribute {name!r}")
    return getattr(importlib.import_module(f"deeptsr.video.{_HOME[name]}"), name)
