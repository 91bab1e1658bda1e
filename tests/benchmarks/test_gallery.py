"""The gallery: what is drawn, and that the page stands by itself."""

import json
import re

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from benchmarks import gallery
from benchmarks.quality import Row
from deeptsr import config
from examples.render_clips import CLIPS
from tests.helpers.synth import tiny


def test_every_rendered_clip_is_told_of():
    assert set(gallery.TOLD) == set(CLIPS)


@pytest.fixture(scope="module")
def docs(tmp_path_factory):
    out = tmp_path_factory.mktemp("docs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(config.PRESETS, "fast", tiny())
        flags = ["--clip", "wheel", "--clip", "pan", "--size", "48", "--frames", "8"]
        done = CliRunner().invoke(gallery.main, [*flags, "--out", str(out)])
    assert done.exit_code == 0, done.output
    return out


def test_the_page_has_a_row_and_a_picture_for_each_clip(docs):
    text = (docs / "gallery.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| [")]
    assert [row.count("|") for row in rows] == [10, 10]
    assert "%" in rows[0]
    assert "–" in rows[1]  # noqa: RUF001, the pan turns nowhere
    for place in re.findall(r"\]\((gallery/[^)]*png)\)", text):
        with Image.open(docs / place) as picture:
            assert picture.size == (5 * gallery.SIDE + 4 * gallery.GAP, 2 * gallery.SIDE + 6)
        assert (docs / place).stat().st_size < 40_000
    moving = re.findall(r"\]\((gallery/[^)]*webp)\)", text)
    assert moving == ["gallery/wheel.webp", "gallery/pan.webp"]
    for place in moving:
        with Image.open(docs / place) as picture:
            assert picture.n_frames == 2 * 8
        assert (docs / place).stat().st_size <= gallery.LARGEST
    assert len(re.findall(r"^!\[", text, re.M)) == 4


def test_the_squares_are_the_clips_in_order():
    ltr = np.zeros((8, 64, 64, 3), np.uint8)
    ltr[:, 20:40, 20:40] = np.random.default_rng(0).integers(0, 256, (8, 20, 20, 3))
    htr = ltr.repeat(2, axis=0)
    levels = {"linear": 0.25, "minterpolate": 0.5, gallery.OURS: 0.75}
    made = {name: np.full((16, 64, 64, 3), level, np.float32) for name, level in levels.items()}
    sheet = np.asarray(gallery.draw(gallery.Pair(ltr, htr, None), made).convert("RGBA"))
    step = gallery.SIDE + gallery.GAP
    for top in (0, step):
        squares = [sheet[top : top + 40, i * step : i * step + 40, :3] for i in range(5)]
        assert squares[1].mean() == pytest.approx(64, abs=6)
        assert squares[2].mean() == pytest.approx(128, abs=6)
        assert squares[3].mean() == pytest.approx(191, abs=6)
        assert np.abs(squares[0].astype(int) - squares[4]).max() == 0
    assert sheet[gallery.SIDE + 1, :, 3].max() == 0  # nothing between the rows


def rows(ours, right=None):
    found = {"repeat": (20, right), "linear": (21, right), "minterpolate": (24, right)}
    found[gallery.OURS] = ours
    usual = {"ssim": 0.9, "profile_db": 20.0, "seconds": 1.0, "memory_mib": None}
    return [
        Row(method=name, psnr_db=db, right_direction=share, **usual)
        for name, (db, share) in found.items()
    ]


def test_the_words_are_those_of_the_figures():
    assert gallery.verdict(gallery.Shown("pan", rows((26.04, None)), "")) == (
        "+5.0 dB over linear interpolation, +2.0 dB over `minterpolate`, the best of the plain "
        "methods."
    )
    assert gallery.verdict(gallery.Shown("fan", rows((23, 0.25), 0.5), "")) == (
        "+2.0 dB over linear interpolation, -1.0 dB over `minterpolate`, the best of the plain "
        "methods: deeptsr does not win here. 25.0% of its frames turn as the truth does; 50.0% by "
        "linear interpolation, 50.0% by `minterpolate`."
    )


def test_one_clip_is_made_anew_and_the_others_stay(docs, monkeypatch):
    monkeypatch.setitem(config.PRESETS, "fast", tiny())
    figures = docs / "gallery" / "figures.json"
    before = json.loads(figures.read_text())["clips"]
    flags = ["--clip", "pan", "--size", "48", "--frames", "8", "--out", str(docs)]
    assert CliRunner().invoke(gallery.main, flags).exit_code == 0
    after = json.loads(figures.read_text())["clips"]
    assert list(after) == ["wheel", "pan"]
    assert after["wheel"] == before["wheel"]
    assert "## wheel" in (docs / "gallery.md").read_text()
    assert CliRunner().invoke(gallery.main, [*flags, "--factor", "4"]).exit_code == 0
    assert "## wheel" not in (docs / "gallery.md").read_text()  # other settings


def test_the_page_says_what_each_clip_started_from(tmp_path):
    place, settings = tmp_path / "figures.json", {"preset": "fast"}
    made = [gallery.Shown("fan", rows((23, 0.25), 0.5), "0123abcd")]
    made += [gallery.Shown(name, rows((26.04, None)), "") for name in ("pan", "ball")]
    gallery.keep(place, settings, made)
    shown = gallery.kept(place, settings)
    assert [shown[each.name].prior for each in made] == ["0123abcd", "", ""]
    assert gallery.origins([*shown.values()]) == (
        "By what they start from: fan of the prior whose SHA-256 begins with `0123abcd`; pan, ball "
        "of an earlier one."
    )
    before = json.loads(place.read_text(encoding="utf-8"))
    del before["priors"]  # as it was kept before
    place.write_text(json.dumps(before), encoding="utf-8")
    assert {each.prior for each in gallery.kept(place, settings).values()} == {""}
