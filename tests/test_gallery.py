"""The gallery: what is drawn, and that the page stands by itself."""

import re

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from benchmarks import gallery
from deeptsr import config
from examples.render_clips import CLIPS
from tests.synth import tiny


def test_every_rendered_clip_is_told_of():
    assert set(gallery.TOLD) == set(CLIPS)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("docs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(config.PRESETS, "fast", tiny())
        flags = ["--clip", "wheel", "--clip", "pan", "--size", "48", "--frames", "8"]
        done = CliRunner().invoke(gallery.main, [*flags, "--out", str(out)])
    assert done.exit_code == 0, done.output
    return out


def test_the_page_has_a_row_and_a_picture_for_each_clip(made):
    text = (made / "gallery.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| [")]
    assert [row.count("|") for row in rows] == [11, 11]
    assert "%" in rows[0]
    assert "–" in rows[1]  # noqa: RUF001, the pan turns nowhere
    for place in re.findall(r"\]\((gallery/[^)]*)\)", text):
        with Image.open(made / place) as picture:
            assert picture.size == (4 * gallery.SIDE + 3 * gallery.GAP, 2 * gallery.SIDE + 6)
    assert len(re.findall(r"^!\[", text, re.M)) == 2


def test_the_squares_are_the_clips_in_order():
    ltr = np.zeros((8, 64, 64, 3), np.uint8)
    ltr[:, 20:40, 20:40] = np.random.default_rng(0).integers(0, 256, (8, 20, 20, 3))
    htr = ltr.repeat(2, axis=0)
    made = {"linear": np.full((16, 64, 64, 3), 0.25, np.float32)}
    made[gallery.OURS] = np.full((16, 64, 64, 3), 0.75, np.float32)
    sheet = np.asarray(gallery.draw(gallery.Pair(ltr, htr, None), made).convert("RGBA"))
    step = gallery.SIDE + gallery.GAP
    for top in (0, step):
        squares = [sheet[top : top + 40, i * step : i * step + 40, :3] for i in range(4)]
        assert squares[1].mean() == pytest.approx(64, abs=6)
        assert squares[2].mean() == pytest.approx(191, abs=6)
        assert np.abs(squares[0].astype(int) - squares[3]).max() == 0
    assert sheet[gallery.SIDE + 1, :, 3].max() == 0  # nothing between the rows
