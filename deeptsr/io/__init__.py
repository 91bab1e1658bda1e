"""Video in, video out: the only place that knows codecs, containers and timestamps.

Frames cross this border as numpy arrays of R'G'B' in [0, 1]; torch is not known here.
"""

from __future__ import annotations

from deeptsr.io.bulk import bits_a_pixel
from deeptsr.io.color import ColorTags
from deeptsr.io.contents import Contents, contents
from deeptsr.io.destination import CONTAINERS
from deeptsr.io.info import VideoInfo, selected
from deeptsr.io.minterpolate import minterpolate
from deeptsr.io.packetfile import versions
from deeptsr.io.parts import frames_kept
from deeptsr.io.prepare import check_output
from deeptsr.io.probe import probe
from deeptsr.io.reader import read
from deeptsr.io.vmaf import Vmaf, vmaf_missing
from deeptsr.io.weight import weight
from deeptsr.io.writer import VideoWriter

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
