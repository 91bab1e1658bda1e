"""Which of FFmpeg's demuxers may open a file: none that reads a second one.

FFmpeg chooses by what is in a file, whatever its name: a text can pass for a video, and name files
of its reader's that its writer could not see.
"""

from __future__ import annotations

from pathlib import Path

from deeptsr.video.ffmpeg.decoders import KNOWN, STILLS, option

__all__ = ["PICTURES", "VIDEOS", "is_list"]

_FILMS = (
    *("apng", "asf", "avi", "cine", "dv", "flv", "gif", "gxf", "matroska", "mov", "mpeg", "mpegts"),
    *("mxf", "nsv", "nut", "nuv", "ogg", "r3d", "rm", "ser", "swf", "wtv", "yuv4mpegpipe"),
)
_STREAMS = (
    *("apv", "av1", "dirac", "dnxhd", "h261", "h263", "h264", "hevc", "ivf", "m4v", "mjpeg"),
    *("mjpeg_2000", "mpegvideo", "obu", "vc1", "vvc"),
)
_STILLS = ("bmp_pipe", "jpeg_pipe", "pgm_pipe", "png_pipe", "ppm_pipe", "tiff_pipe", "webp_pipe")
_SOUNDS = ("aac", "ac3", "aiff", "flac", "mp3", "wav")  # to say that they are no video

VIDEOS = {
    "protocol_whitelist": "file",
    "format_whitelist": ",".join((*_FILMS, *_STREAMS, *_STILLS, *_SOUNDS)),
    **option(KNOWN),
}
PICTURES = {
    "protocol_whitelist": "",
    "format_whitelist": ",".join(_STILLS),
    **option(STILLS),
}

_HEAD = 4096  # bytes in which a list shows what it is
_LISTS = (b"ffconcat", b"#extm3u", b"[playlist]", b"<mpd", b"<smil", b"<playlist", b"v=0")


def is_list(path: Path) -> bool:
    """Tell whether a file names other files, as playlists and scripts of FFmpeg do."""
    with path.open("rb") as file:
        head = file.read(_HEAD).removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return head.startswith(_LISTS) or (head.startswith(b"<") and any(k in head for k in _LISTS))
