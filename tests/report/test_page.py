"""The page of a run, as a text: whole, valid, of one piece, and true."""

import base64
import io
import itertools
import os
import re
from html.parser import HTMLParser

import av
import numpy as np
import pytest
from PIL import Image

from deeptsr.errors import InputError, OptionError, OutputError, ResourceError
from deeptsr.events import SelfChecked
from deeptsr.report import check_page, write_report
from deeptsr.report import pictures as taken
from tests.helpers.finished import FACTOR, FRAMES, HEIGHT, WIDTH, finished
from tests.helpers.full_disk import full

VOID = {"meta", "link", "img", "input", "br"}
TIMES = "\N{MULTIPLICATION SIGN}"
DRAWN = {"path", "line", "rect", "circle", "polyline"}


class Page(HTMLParser):
    """Reads a page and notes its elements; refuses one that is not well nested."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.words = [], [], {}
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        names = [name for name, _ in attributes]
        assert len(names) == len(set(names)), (tag, names)
        self.elements.append((tag, dict(attributes), len(self.open)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        assert tag in DRAWN, f"<{tag}/>"
        self.elements.append((tag, dict(attributes), len(self.open)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, (tag, self.open, self.getpos())

    def handle_data(self, data):
        tag = self.open[-1] if self.open else ""
        self.words.setdefault(tag, []).append(data)

    def all(self, tag):
        return [attributes for name, attributes, _ in self.elements if name == tag]


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    record = finished(folder, name="<b>&'.mkv").record()
    reported = write_report(record, folder / "page.html")
    return folder, record, (folder / "page.html").read_text(encoding="utf-8"), reported


def test_the_page_is_well_nested_and_its_references_hold(shown):
    page = Page(shown[2])
    assert shown[2].lstrip().startswith("<!doctype html>")
    names = [a["id"] for _, a, _ in page.elements if "id" in a]
    assert len(names) == len(set(names))
    for _, attributes, _ in page.elements:
        for key in ("aria-labelledby", "for"):
            assert attributes.get(key, names[0]) in names
        if attributes.get("href", "").startswith("#"):
            assert attributes["href"][1:] in names
    levels = [int(tag[1]) for tag, _, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))


def test_the_page_needs_nothing_from_elsewhere(shown):
    text = re.sub(r"data:[\w/]+;base64,[\w+/=]+", "data:", shown[2])
    assert not re.findall(r"(?:https?:)?//[\w.-]+\.\w", text)
    page = Page(shown[2])
    for tag, attributes, _ in page.elements:
        for key in ("src", "href", "poster", "srcset", "action"):
            assert attributes.get(key, "#").startswith(("data:", "#")), (tag, attributes)
    assert "@import" not in text
    assert "url(" not in text
    (policy,) = [a["content"] for a in page.all("meta") if a.get("http-equiv")]
    assert policy.startswith("default-src 'none';")


def test_every_picture_says_what_it_shows_and_has_its_size(shown):
    pictures = Page(shown[2]).all("img")
    assert len(pictures) >= 1 + 2 + 4
    alts = [picture["alt"] for picture in pictures]
    assert all(len(alt) > 20 for alt in alts)
    assert len(set(alts)) == len(alts)
    for picture in pictures:
        data = base64.b64decode(picture["src"].split(",", 1)[1])
        with Image.open(io.BytesIO(data)) as held:
            assert held.size == (int(picture["width"]), int(picture["height"]))


@pytest.mark.parametrize(("prior", "alone"), [("auto", False), ("none", True)])
def test_what_was_made_from_a_prior_is_not_said_to_be_from_the_video_alone(tmp_path, prior, alone):
    write_report(finished(tmp_path, prior=prior).record(), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert ("from that video alone: 8 frames in, 16 out" in page) == alone


def test_every_control_has_a_name(shown):
    page = Page(shown[2])
    for control in page.all("button"):
        assert (
            control.get("aria-label")
            or control.get("id") in ("theme", "copy")
            or ("data-view" in control)
        )
    for control in page.all("input"):
        assert control.get("aria-label") or control["type"] == "radio"


def test_what_has_a_label_has_a_role_that_can_bear_one(shown):
    page = Page(shown[2])
    labelled = [(tag, found) for tag, found, _ in page.elements if "aria-label" in found]
    assert labelled
    for tag, found in labelled:
        assert "role" in found or tag in ("button", "input", "nav"), (tag, found)


def test_the_film_has_every_frame_of_both(shown):
    page = Page(shown[2])
    data = base64.b64decode(next(w for w in page.words["script"] if len(w) > 1000 and " " not in w))
    with av.open(io.BytesIO(data)) as container:
        frames = list(container.decode(video=0))
    assert len(frames) == FRAMES * FACTOR
    assert (frames[0].width, frames[0].height) == (2 * WIDTH, 2 * HEIGHT)


def test_the_page_tells_the_run(shown):
    _, record, text, _ = shown
    words = " ".join(re.sub(r"<[^>]*>", " ", text).split())
    for told in (
        "8 frames in, 16 out", "+3.2 dB", "31.5 dB", "28.2 dB", "within 60 %", "across 30 %",
        "shift 10 %", "+3.0 dB fitted", "mind &lt;this&gt;: --slow-audio", "seed 7",
        "S1 T1 → T2", "given mix",
        "deeptsr upscale &#39;a b.mkv&#39; -o out.mkv", record.prints["input"][:16], "9.0 s",
        "All frames of the result in that time, averaged", "Place 1 at frame ",
    ):  # fmt: skip
        assert told in words, told
    assert "<b>&'.mkv" not in text
    assert "&lt;b&gt;&amp;&#39;.mkv" in text


def test_it_is_said_how_large_the_page_is_and_nothing_else_is_left(shown):
    folder, _, _, reported = shown
    assert reported.size_bytes == (folder / "page.html").stat().st_size < 1_000_000
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def stills(text, place):
    """The pictures of a section, as they are."""
    section = text[text.index(f'<section id="{place}"') :]
    section = section[: section.index("</section>")]
    coded = re.findall(r'src="data:image/webp;base64,([^"]+)"', section)
    return section, [np.asarray(Image.open(io.BytesIO(base64.b64decode(c)))) for c in coded]


@pytest.fixture(scope="module")
def larger(tmp_path_factory):
    folder = tmp_path_factory.mktemp("larger")
    write_report(finished(folder, scale=3).record(), folder / "page.html")
    return (folder / "page.html").read_text(encoding="utf-8")


def test_a_larger_result_is_shown_pixel_by_pixel_beside_the_enlarged_input(shown, larger):
    page = Page(larger)
    section, (plain, fine) = stills(larger, "larger")
    assert plain.shape == fine.shape == (3 * HEIGHT, 3 * WIDTH, 3)
    # Hard edges are hard in the result, and soft where they are interpolated.
    steepest = [np.abs(np.diff(p[90:200].astype(int), axis=1)).max() for p in (plain, fine)]
    assert steepest[1] > 1.5 * steepest[0] > 30
    assert f"{WIDTH} {TIMES} {HEIGHT} became {3 * WIDTH} {TIMES} {3 * HEIGHT} pixels." in section
    assert {"compare", "edge", "loupe"} <= {a.get("id") for _, a, _ in page.elements}
    assert 'href="#larger"' in larger
    for absent in ('id="larger"', 'href="#larger"', 'id="loupe"'):
        assert absent not in shown[2]


def test_of_a_very_large_result_the_page_shows_what_moves(tmp_path, monkeypatch):
    monkeypatch.setattr(taken, "_WHOLE", (120, 80))
    write_report(finished(tmp_path, scale=2).record(), tmp_path / "page.html")
    section, (plain, fine) = stills((tmp_path / "page.html").read_text("utf-8"), "larger")
    assert plain.shape == fine.shape == (80, 120, 3)
    assert f"of which 120 {TIMES} 80 around what moves most are shown" in section


def test_a_run_without_gain_is_not_praised(tmp_path):
    record = finished(tmp_path, check=SelfChecked(28.0, 28.5, -0.5, 4), exposure="delta").record()
    (stage,) = (e for e in record.events if e["event"] == "StageFitted")
    stage.update(steps=0, curve=())
    write_report(record, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "found no gain" in text
    assert "No steps were made here" in text
    assert "curve was not kept" not in text
    assert "<dd>none</dd>" in text
    assert (
        "All frames of the result in that time, averaged" not in text
    )  # not so, with a shutter that opens for an instant


@pytest.mark.parametrize(
    ("learned", "gain", "told"),
    [
        (1.0, 3.0, "the ring is what was kept"),
        (0.25, 3.6, "Kept is a mean: 25 % of that, the rest as known before."),
        (0.0, 3.6, "None of that was kept"),
    ],
)
def test_a_chart_says_how_much_was_kept_of_what_it_shows(tmp_path, learned, gain, told):
    record = finished(tmp_path).record()
    (stage,) = (e for e in record.events if e["event"] == "StageFitted")
    stage.update(learned=learned, gain_db=gain)
    write_report(record, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert told in text
    assert ("the ring" in text) == ("<circle" in text) == (learned == 1)
    assert f"what was kept gains +{gain} decibels" in text


def test_a_run_with_nothing_to_tell_can_be_shown(tmp_path):
    recorder = finished(tmp_path, check=None)
    record = recorder.record()
    events = [e for e in record.events if e["event"] in ("Planned", "Done")]
    record = type(record)(**{**vars(record), "events": tuple(events), "command": ""})
    write_report(record, tmp_path / "page.html")
    assert "The library was called" in (tmp_path / "page.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("page.mp4", OptionError, r"ends in \.html"),
        ("there/page.html", OutputError, "does not exist"),
        ("old.html", OutputError, "exists"),
    ],
)
def test_a_page_that_cannot_be_written_is_refused(tmp_path, name, error, message):
    (tmp_path / "old.html").touch()
    with pytest.raises(error, match=message):
        check_page(tmp_path / name)
    check_page(tmp_path / "old.html", overwrite=True)


def test_a_page_on_a_full_disk_is_told_and_the_old_one_stays(tmp_path, monkeypatch):
    page = tmp_path / "page.html"
    page.write_text("old")
    record = finished(tmp_path).record()
    before = sorted(os.listdir(tmp_path))
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ResourceError, match="is full"):
        write_report(record, page, overwrite=True)
    assert page.read_text() == "old"
    assert sorted(os.listdir(tmp_path)) == before


def test_files_that_changed_are_not_shown(tmp_path):
    record = finished(tmp_path).record()
    (tmp_path / "out.mkv").write_bytes(b"other")
    with pytest.raises(InputError, match="changed"):
        write_report(record, tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_two_pages_at_once_respect_each_other(tmp_path, monkeypatch):
    record, refused = finished(tmp_path).record(), []

    def another(self):
        with pytest.raises(OutputError, match="is in the hands of another run") as caught:
            write_report(record, tmp_path / "page.html")
        refused.append(caught)

    monkeypatch.setattr(type(record), "check", another)
    write_report(record, tmp_path / "page.html")
    assert refused
    assert sorted(os.listdir(tmp_path)) == ["in.mkv", "out.mkv", "page.html"]
