import socket
from fractions import Fraction

import numpy as np
import pytest

from deeptsr.errors import InputError
from deeptsr.video import probe, read
from tests.helpers.clips import clip, decode, ffmpeg

NTSC = Fraction(24000, 1001)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", ()),
        ("a.mkv", ()),
        ("a.mov", ("-c:v", "libx264")),
        ("a.avi", ("-c:v", "mpeg4")),
        ("a.avi", ("-c:v", "libx264")),
        ("a.ts", ("-c:v", "libx264")),
        ("a.mpg", ("-c:v", "mpeg2video")),
        ("a.flv", ("-c:v", "libx264")),
        ("a.h264", ("-c:v", "libx264")),
        ("a.webm", ("-c:v", "libvpx")),
        ("a.webm", ("-c:v", "libvpx-vp9")),
        ("a.mkv", ("-c:v", "ffv1")),
        ("a.mkv", ("-c:v", "libx265")),
    ],
)
def test_rate_and_frames_are_exact_in_every_container(tmp_path, name, codec):
    info = probe(clip(tmp_path / name, *codec, frames=30))
    assert (info.kind, info.rate, info.frames) == ("video", NTSC, 30)
    assert (info.width, info.height, info.sample_aspect_ratio) == (64, 48, 1)
    assert info.duration == 30 / NTSC
    assert not info.has_audio
    frames = list(read(info))
    assert len(frames) == 30
    truth = decode(info.path, "gray", (64, 48)).mean((1, 2))
    # Presentation order: each frame's brightness follows ffmpeg's.
    ours = np.array([255 * (f @ [0.299, 0.587, 0.114]).mean() for f in frames])
    assert np.corrcoef(ours, truth)[0, 1] > 0.99


def test_sound_start_and_pixel_aspect_are_seen(tmp_path):
    path = clip(tmp_path / "a.ts", "-c:v", "libx264", "-vf", "setsar=4/3", sound=0.5)
    info = probe(path)
    assert info.has_audio
    assert info.start > 1  # MPEG-TS begins at 1.4 s
    assert info.sample_aspect_ratio == Fraction(4, 3)


def test_paths_with_colons_spaces_and_other_alphabets(tmp_path):
    path = clip(tmp_path / "a.mp4", frames=3)
    odd = path.rename(tmp_path / "a b:ç 日本 %d.mp4")
    assert probe(str(odd)).frames == 3


def variable(path):
    """Frames at 0, 40, 80, 200, 360, 400, ... ms."""
    return clip(
        path,
        *("-vf", "settb=1/1000,setpts='N*40+80*floor(N/3)+120*floor(N/4)'", "-fps_mode", "vfr"),
        *("-enc_time_base", "1/1000"),
        rate="25",
        frames=16,
    )


def test_variable_rate_is_said(tmp_path):
    info = probe(variable(tmp_path / "a.mkv"))
    assert info.frames == 16
    assert info.rate == Fraction(16 * 1000, 16 * 40 + 80 * 5 + 120 * 3)
    assert any(note.startswith("variable frame rate") for note in info.notes)


def test_interlacing_is_said(tmp_path):
    path = clip(tmp_path / "a.mpg", "-c:v", "mpeg2video", "-vf", "setfield=tff", "-flags", "+ildct")
    info = probe(path)
    assert info.frames == 12
    assert any("interlaced" in note for note in info.notes)


def test_alpha_and_depth_are_found(tmp_path):
    opaque = probe(clip(tmp_path / "a.mkv", "-c:v", "ffv1", "-pix_fmt", "yuva420p", frames=2))
    assert not opaque.alpha
    assert opaque.notes[1:] == ()  # there is nothing to lose, and nothing said of it
    deep = probe(clip(tmp_path / "b.mkv", "-c:v", "ffv1", "-pix_fmt", "yuv420p10le", frames=2))
    assert deep.depth == 10
    assert len(np.unique(next(iter(read(deep)))[..., 0])) > 256


def test_what_is_no_video_is_refused(tmp_path):
    cases = {"missing.mp4": None, "empty.mp4": b"", "text.mp4": b"Dear diary,\n" * 500}
    cases |= {"text.txt": b"Dear diary,\n" * 500, "zero.mp4": bytes(5000)}
    cases["random.mkv"] = np.random.default_rng(0).bytes(20_000)
    for name, data in cases.items():
        if data is not None:
            (tmp_path / name).write_bytes(data)
        with pytest.raises(InputError, match=name) as caught:
            probe(tmp_path / name)
        assert any(word in str(caught.value) for word in ("expected", "get the file anew"))


def test_a_playlist_does_not_reach_for_the_network(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/a.ts"
        playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{address}\n#EXT-X-ENDLIST\n"
        (tmp_path / "a.m3u8").write_text(playlist)
        with pytest.raises(InputError):
            probe(tmp_path / "a.m3u8")
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_matroska_file_that_lacks_its_last_frames_says_so(tmp_path):
    path = clip(tmp_path / "a.mkv", "-c:v", "ffv1", frames=60)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * 0.93)])
    info = probe(path)
    assert 50 < info.frames < 60
    assert any("cut off" in note for note in info.notes)


@pytest.mark.parametrize("lost", [0, 1, 1000])
def test_a_y4m_that_breaks_off_within_a_frame_says_so(tmp_path, lost):
    path = clip(tmp_path / "a.y4m", "-pix_fmt", "yuv420p", frames=5)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) - lost])
    info = probe(path)
    assert (info.frames, info.rate) == (4 if lost else 5, NTSC)
    told = [note for note in info.notes if "cut off or damaged: the 4 frames are used" in note]
    assert len(told) == bool(lost)


def test_sound_alone_and_a_cover_picture_are_refused(tmp_path):
    tone = ("-f", "lavfi", "-i", "sine=440:d=0.5")
    ffmpeg(*tone, tmp_path / "a.m4a")
    ffmpeg(*tone, "-c:a", "pcm_s16le", tmp_path / "a.wav")
    cover = ("-f", "lavfi", "-i", "color=red:s=32x32", "-frames:v", 1)
    ffmpeg(*tone, *cover, "-c:v", "mjpeg", "-disposition:v", "attached_pic", tmp_path / "b.m4a")
    for name in ("a.m4a", "a.wav", "b.m4a"):
        with pytest.raises(InputError, match="sound only; expected a video"):
            probe(tmp_path / name)


def test_a_single_picture_is_refused(tmp_path):
    ffmpeg("-f", "lavfi", "-i", "color=red:s=32x32", "-frames:v", 1, tmp_path / "a.png")
    with pytest.raises(InputError, match="single picture"):
        probe(tmp_path / "a.png")


def test_one_frame_is_fine(tmp_path):
    info = probe(clip(tmp_path / "a.mp4", frames=1))
    assert (info.frames, info.rate) == (1, NTSC)
    assert len(list(read(info))) == 1


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp4", ("-movflags", "+faststart")),
        ("a.mkv", ()),
        ("a.ts", ("-c:v", "libx264")),
        ("a.avi", ("-c:v", "mpeg4")),
        ("a.mpg", ("-c:v", "mpeg2video")),
        ("a.webm", ("-c:v", "libvpx-vp9", "-cpu-used", "8")),
    ],
)
def test_a_truncated_file_gives_what_is_there(tmp_path, name, options):
    whole = clip(tmp_path / name, *options, frames=60, sound=2).read_bytes()
    cut = tmp_path / f"cut{tmp_path.joinpath(name).suffix}"
    for share in (0.55, 0.8, 0.97):
        cut.write_bytes(whole[: int(len(whole) * share)])
        info = probe(cut)
        assert 0 < info.frames <= 60
        assert info.frames == len(list(read(info)))
        assert info.rate == NTSC, (share, info.notes)
        if share < 0.8 and name not in ("a.ts", "a.mpg"):  # broadcast streams name no length
            assert any("cut off" in note for note in info.notes), share


@pytest.mark.parametrize("size", [1, 40, 300, 900])
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi"])
def test_a_file_cut_within_its_header_is_refused(tmp_path, name, size):
    path = clip(tmp_path / name, "-c:v", "libx264", "-movflags", "+faststart")
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(InputError):
        probe(path)


def test_an_mp4_without_its_index_is_refused(tmp_path):
    path = clip(tmp_path / "a.mp4", frames=30)  # the index stands at the end
    path.write_bytes(path.read_bytes()[:-600])
    with pytest.raises(InputError, match="cannot be opened"):
        probe(path)


@pytest.mark.parametrize(
    ("name", "codec", "note"),
    [
        ("a.mkv", "ffv1", "frames are missing"),
        ("a.avi", "mjpeg", "29 of the 30 frames are used"),
        ("a.ts", "libx264", "cut off or damaged"),
    ],
)
def test_damage_in_the_middle_is_never_silent(tmp_path, name, codec, note):
    path = clip(tmp_path / name, "-c:v", codec, frames=30)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = bytes(3000)
    path.write_bytes(data)
    info = probe(path)
    assert info.frames < 30
    assert len(list(read(info))) == info.frames
    assert any(note in said for said in info.notes)
