"""Files that name other files are no videos, whatever they are called."""

import shutil
import time

import pytest

from deeptsr.errors import InputError
from deeptsr.video import probe, read
from deeptsr.video.ffmpeg.demuxers import is_list
from tests.helpers.clips import clip

HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:1,\n{file}\n#EXT-X-ENDLIST\n"
DASH = (
    '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'mediaPresentationDuration="PT1S"><Period><AdaptationSet mimeType="video/mp4">'
    '<Representation id="0"><BaseURL>{file}</BaseURL></Representation></AdaptationSet></Period>'
    "</MPD>\n"
)
LISTS = {
    "x.mp4": "ffconcat version 1.0\nfile {name}\n",
    "y.mp4": "\ufeffffconcat version 1.0\nfile {name}\n",
    "x.m3u8": HLS,
    "x.mpd": DASH,
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_gets_nobody_elses_video(tmp_path, name):
    secret = clip(tmp_path / "secret.ts", "-c:v", "mpeg2video")
    path = tmp_path / name
    path.write_text(LISTS[name].format(file=secret, name=secret.name), encoding="utf-8")
    assert is_list(path)
    with pytest.raises(InputError, match=r"names other files.*expected a video; join them"):
        probe(path)


def test_nested_lists_of_billions_of_frames_are_refused_at_once(tmp_path):
    clip(tmp_path / "0.mp4")
    for level in range(1, 9):
        text = "ffconcat version 1.0\n" + f"file {level - 1}.mp4\n" * 20
        (tmp_path / f"{level}.mp4").write_text(text)
    began = time.monotonic()
    with pytest.raises(InputError, match="names other files"):
        probe(tmp_path / "8.mp4")
    assert time.monotonic() - began < 5


def test_a_kind_that_is_not_listed_is_named_as_such(tmp_path):
    path = tmp_path / "a.svg"
    path.write_text('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"></svg>')
    with pytest.raises(InputError, match=r"kind that is not opened|cannot be opened as a video"):
        probe(path)


@pytest.mark.parametrize("ending", [".mp4", ".mkv", ".ts", ".avi", ".mpg", ".y4m", ".flv", ".ogv"])
def test_usual_containers_stay_open(tmp_path, ending):
    codec = {".mpg": "mpeg2video", ".ts": "mpeg2video", ".y4m": "wrapped_avframe", ".ogv": "vp8"}
    codec |= {".flv": "flv"}
    ours = clip(tmp_path / f"a{ending}", "-c:v", codec.get(ending, "mpeg4"), rate="25")
    path = shutil.move(ours, tmp_path / "without-an-ending")
    assert len(list(read(probe(path)))) == probe(path).frames > 0
