"""The figures of docs/method.md."""

import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from benchmarks import ablation, figures
from deeptsr import config
from deeptsr.pyramid import trust
from tests.helpers.synth import tiny

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_shows_each_figure_and_each_is_there():
    shown = re.findall(r"\]\(method/(\w+)\.png\)", (DOCS / "method.md").read_text("utf-8"))
    assert sorted(shown) == sorted(figures.FIGURES)
    for name in shown:
        assert (DOCS / "method" / f"{name}.png").stat().st_size < 100_000


@pytest.mark.parametrize("name", ["pyramid", "pairs", "fan"])
def test_a_figure_is_drawn(name, tmp_path):
    done = CliRunner().invoke(figures.main, ["--figure", name, "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    with Image.open(tmp_path / f"{name}.png") as picture:
        assert 700 < picture.width < 1000
        assert np.asarray(picture.convert("L")).std() > 10


def test_errors_are_those_of_each_neighbourhood(monkeypatch):
    monkeypatch.setitem(config.PRESETS, "fast", tiny())
    monkeypatch.setattr(figures, "clip", lambda *_: ablation.clip("pan", 2, 12, 128, "1/2", None))
    estimate, change, error, linear = figures._errors("pan", 1)
    assert len(estimate) == len(change) == len(error) == len(linear) == 12 // 3 * 3 * 3
    # After so few steps the network is interpolation, nearly: it changes little, and errs as that.
    assert change.max() < linear.mean()
    np.testing.assert_allclose(error, linear, rtol=0.5)


def test_the_limits_drawn_are_those_of_trust():
    assert (figures.NOISE, figures.LIKELY, figures.DOUBTFUL) == (
        trust._NOISE,
        trust._LIKELY,
        trust._DOUBTFUL,
    )
