"""Video in, video out: the only place that knows codecs, containers and timestamps.

Frames cross this border as numpy arrays of R'G'B' in [0, 1]; torch is not known here.
"""

from __future__ import annotations

from deeptsr.video.destination import CONTAINERS
from deeptsr.video.encoding.expected_size import bits_a_pixel
from deeptsr.video.ffmpeg.minterpolate import minterpolate
from deeptsr.video.ffmpeg.vmaf import Vmaf, vmaf_missing
from deeptsr.video.info import VideoInfo, selected
from deeptsr.video.picture.color import ColorTags
from deeptsr.video.reading.contents import Contents, contents
from deeptsr.video.reading.probe import probe
from deeptsr.video.reading.reader import read
from deeptsr.video.reading.rough_size import weight
from deeptsr.video.writing.packet_file import versions
from deeptsr.video.writing.parts import frames_kept
from deeptsr.video.writing.prepare import check_output
from deeptsr.video.writing.writer import VideoWriter

__all__ = [
    "CONTAINERS",
    "ColorTags",
    "Contents",
    "VideoInfo",
    "VideoWriter",
    "Vmaf",
    "bits_a_pixel",
    "check_output",
    "contents",
    "frames_kept",
    "minterpolate",
    "probe",
    "read",
    "selected",
    "versions",
    "vmaf_missing",
    "weight",
]
