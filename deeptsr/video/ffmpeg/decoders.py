"""Which of FFmpeg's decoders may read a file: those of what cameras, editors and archives write.

FFmpeg has five hundred, many for the films of a single game. A file chooses among them, and so does
whoever wrote it: a hole in any of them would be a hole here. FFmpeg looks at the names of decoders,
not of codecs, so that none of a graphics card's takes the place of its own.
"""

from __future__ import annotations

from av.container import InputContainer
from av.stream import Stream

__all__ = ["KNOWN", "STILLS", "guard", "is_known", "option"]

_CAMERAS = (
    *("apv", "cfhd", "dvvideo", "h261", "h263", "h263i", "h263p", "h264", "hevc", "jpeg2000"),
    *("libaom-av1", "libdav1d", "libopenjpeg", "mjpeg", "mjpegb", "mpeg1video", "mpeg2video"),
    *("mpeg4", "mpegvideo", "prores", "prores_raw", "sp5x", "vvc"),
)
_FILMS = (
    *("cinepak", "dirac", "flashsv", "flv", "indeo3", "indeo4", "indeo5", "libtheora", "libvpx"),
    *("libvpx-vp9", "msmpeg4", "msmpeg4v1", "msmpeg4v2", "msvideo1", "rpza", "rv10", "rv20"),
    *("rv30", "rv40", "smc", "svq1", "svq3", "theora", "vc1", "vp3", "vp5", "vp6", "vp6a"),
    *("vp6f", "vp8", "vp9", "wmv1", "wmv2", "wmv3"),
)
_EDITORS = (
    *("8bps", "aic", "apng", "avui", "bitpacked", "bmp", "cllc", "dnxhd", "dpx", "dxv", "exr"),
    *("ffv1", "ffvhuff", "fraps", "gif", "hap", "hq_hqa", "hqx", "huffyuv", "jpegls", "lagarith"),
    *("magicyuv", "msrle", "png", "qtrle", "r10k", "r210", "rawvideo", "sgi", "speedhq", "targa"),
    *("tiff", "utvideo", "v210", "v210x", "v308", "v408", "v410", "y41p", "yuv4", "zmbv"),
)
_SOUNDS = (
    *("aac", "aac_fixed", "aac_latm", "ac3", "ac3_fixed", "adpcm_ima_qt", "adpcm_ima_wav"),
    *("adpcm_ms", "adpcm_yamaha", "alac", "amrnb", "amrwb", "cook", "dca", "dvaudio", "eac3"),
    *("flac", "libopencore_amrnb", "libopencore_amrwb", "libopus", "libvorbis", "mace3", "mace6"),
    *("mlp", "mp1", "mp1float", "mp2", "mp2float", "mp3", "mp3float", "nellymoser", "opus"),
    *("pcm_alaw", "pcm_bluray", "pcm_dvd", "pcm_f32be", "pcm_f32le", "pcm_f64be", "pcm_f64le"),
    *("pcm_mulaw", "pcm_s16be", "pcm_s16le", "pcm_s24be", "pcm_s24le", "pcm_s32be", "pcm_s32le"),
    *("pcm_s8", "pcm_u8", "qdm2", "real_144", "real_288", "s302m", "speex", "truehd", "tta"),
    *("vorbis", "wavpack", "wmalossless", "wmapro", "wmav1", "wmav2", "wmavoice"),
)
# They are never decoded here, but FFmpeg does so where a header does not say how large they are.
_SUBTITLES = (
    *("ass", "cc_dec", "dvbsub", "dvdsub", "mov_text", "pgssub", "srt", "ssa", "subrip", "text"),
    *("webvtt", "xsub"),
)

KNOWN = frozenset((*_CAMERAS, *_FILMS, *_EDITORS, *_SOUNDS, *_SUBTITLES))
STILLS = frozenset(("bmp", "mjpeg", "pgm", "png", "ppm", "tiff", "webp"))  # in folders of images


def option(names: frozenset[str]) -> dict[str, str]:
    """Return FFmpeg's option that keeps it, and each of its decoders, to some of them."""
    return {"codec_whitelist": ",".join(sorted(names))}


def guard(container: InputContainer, names: frozenset[str] = KNOWN) -> None:
    """Keep to some decoders whatever is decoded of a file that is open.

    What it is opened with holds for FFmpeg's own look at it alone: PyAV's decoders are others.
    """
    for stream in container.streams:
        context = stream.codec_context
        if context is not None:
            context.options = option(names)


def is_known(stream: Stream) -> bool:
    """Tell whether a stream is of a codec that is decoded here."""
    context = stream.codec_context
    return context is not None and context.codec.name in KNOWN
