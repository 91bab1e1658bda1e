"""The ablation: what it measures, keeps and lays out."""

import json
from dataclasses import asdict, replace
from fractions import Fraction

import click
import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks import ablation, tables
from benchmarks.configs import BUILT_IN, parse
from deeptsr import config
from deeptsr.config import preset
from tests.helpers.synth import tiny

# --- configurations ---


def test_changes_are_made():
    changed = parse(
        "x:pairs.within=0.25,pairs.scales=0.5+1,pyramid.coarsest=1/8,pairs.auto=false,fit.steps=7,"
        "network.kind=paper,fit.margin=2+3"
    ).options(config.preset("fast"))
    plain = config.preset("fast")
    assert changed == replace(
        plain,
        pairs=replace(plain.pairs, within=0.25, scales=(0.5, 1.0), auto=False),
        pyramid=replace(plain.pyramid, coarsest=Fraction(1, 8)),
        fit=replace(plain.fit, steps=7, margin=(2, 3)),
        network=replace(plain.network, kind="paper"),
    )
    assert parse("x:pyramid.coarsest=none").options(plain).pyramid.coarsest is None
    assert parse("x:prior=none").options(plain).prior == "none"


@pytest.mark.parametrize("name", BUILT_IN)
def test_what_is_built_in_can_be_taken(name):
    changed = parse(name).options(config.preset("fast"))
    assert (changed == config.preset("fast")) == (name == "auto")


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("sharper", "one of within, across"),
        ("x:pairs.withn=1", "got the field 'withn'; expected one of within, across"),
        ("x:pairs=1", "such as pairs.FIELD"),
        ("x:factor.y=1", "factor is no section"),
        ("x:pairs.within", "expected field=value"),
        ("x:pairs.within=much", "could not convert"),
        ("x:pairs.auto=2", "one of its kind"),
        ("x:pairs.within=-1", "shares of 0 or more"),
    ],
)
def test_refuses_what_is_no_configuration(written, words):
    with pytest.raises(click.UsageError, match=words):
        parse(written).options(config.preset("fast"))


# --- the whole ---


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setitem(config.PRESETS, "fast", tiny())


def call(path, *flags):
    done = CliRunner().invoke(ablation.main, [*map(str, flags), "--results", str(path)])
    assert done.exit_code == 0, done.output
    return done


def test_results_come_once_and_are_laid_out(tmp_path, small):
    path = tmp_path / "results.jsonl"
    flags = ["wheel", "--config", "within", "--config", "mine:pairs.crop=16", "--frames", 6]
    flags += ["--size", 64, "--level", "1/2", "--effort", "1"]
    first = call(path, *flags)
    records = [json.loads(line) for line in path.read_text().splitlines()]
    assert [r["config"] for r in records] == ["linear", "minterpolate", "within", "mine"]
    for record in records:
        assert record["clip"] == "wheel"
        assert 0 <= record["right_direction"] <= 1
        assert min(record["psnr_db"], record["profile_db"]) > 10
    assert records[2]["fits"][0]["mix"] == [1.0, 0.0, 0.0]
    assert records[2]["fits"][0]["stage"] == "S1 T1 -> T2"
    assert "4 of 4: wheel, mine" in first.stderr
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]) + '{"clip": "wh')
    again = call(path, "--table")
    assert "mine" not in again.stdout
    last = call(path, *flags)
    assert last.stderr.count("wheel") == 1  # only what was missing
    assert last.stdout == call(path, "--table").stdout
    gain = records[2]["psnr_db"] - records[0]["psnr_db"]
    assert f"| {gain:+.2f} ({records[2]['right_direction']:.0%}) |" in last.stdout


def test_an_input_that_was_encoded_has_its_own_linear_row(tmp_path, small):
    path = tmp_path / "results.jsonl"
    flags = ["slow", "--config", "within", "--frames", 5, "--size", 64, "--level", "1"]
    call(path, *flags, "--effort", 1, "--crf", 18, "--crf", 40)
    records = [json.loads(text) for text in path.read_text().splitlines()]
    base = {r["crf"]: r["psnr_db"] for r in records if r["config"] == "linear"}
    assert base[18] > base[40] + 3


def test_a_level_is_the_clip_resized():
    whole = ablation.clip("pan", 2, 4, 64, "1", None)
    half = ablation.clip("pan", 2, 4, 64, "1/2", None)
    assert half.ltr.shape == (4, 32, 32, 3)
    assert half.htr.shape == (8, 32, 32, 3)
    np.testing.assert_allclose(half.ltr, half.htr.reshape(4, 2, 32, 32, 3).mean(1), atol=0.01)
    assert half.htr.mean() == pytest.approx(whole.htr.mean() / 255, abs=0.01)


def test_effort_is_a_share_of_the_steps():
    task = ablation.Task("pan", "auto", "", "fast", 2, None, 256, "1/4", None, 0.5, 3)
    options = task.options(2)
    usual = preset("fast").fit
    assert (options.fit.steps, options.seed) == (usual.steps // 2, 3)
    assert options.fit.adapt_steps == usual.adapt_steps // 2
    assert options.fit.finetune_steps == usual.finetune_steps == 0  # none stays none
    assert replace(task, effort=1e-9).options(2).fit.adapt_steps == 1
    assert options.pyramid.coarsest == 1
    assert replace(task, level="1", changes="pyramid.rounds=3").options(2).pyramid.rounds == 3
    assert replace(task, level="1").options(2).pyramid.coarsest == Fraction(1, 4)


def test_a_mistake_is_told_before_the_work(tmp_path):
    flags = ["pan", "--config", "x:pairs.crop=big", "--results", str(tmp_path / "none.jsonl")]
    done = CliRunner().invoke(ablation.main, flags)
    assert done.exit_code == 2
    assert not (tmp_path / "none.jsonl").exists()


# --- tables ---


def line(clip, name, psnr, seed=0, **more):
    task = ablation.Task(clip, name, "", "fast", 2, None, 256, "1/4", None, 0.5, seed)
    figures = {"psnr_db": psnr, "ssim": psnr / 100, "profile_db": psnr, "seconds": 1.0}
    base = {"preset": "", "effort": 1.0} if name in tables.BASE else {}
    return asdict(task) | figures | {"right_direction": None} | base | more


def test_tables_by_hand():
    text = tables.tables(
        [
            line("a", "linear", 30),
            line("a", "within", 31),
            line("a", "within", 33, seed=1),
            line("a", "across", 33),
            line("b", "linear", 20, right_direction=0.0),
            line("b", "within", 24, right_direction=0.96),
            line("b", "across", 19, right_direction=0.1),
            line("c", "linear", 10),
            line("c", "within", 10),
        ]
    )
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in text.splitlines()]
    assert "preset fast, factor 2, size 256, level 1/4, effort 0.5:" in text
    assert ["a", "30.00", "+2.00", "+3.00"] in rows
    assert ["b", "20.00", "+4.00 (96%)", "-1.00 (10%)"] in rows
    assert ["mean", "", "+2.00", ""] in rows  # across is not whole
    assert ["least", "", "+0.00", ""] in rows
    assert ["mean of 2 clips", "linear", "within", "across", "best of each"] in rows
    assert ["PSNR, dB", "25.00", "28.00", "26.00", "28.50"] in rows


def test_contexts_have_tables_of_their_own():
    records = [
        line("a", "linear", 30),
        line("a", "auto", 31),
        line("a", "linear", 25, crf=28),
        line("a", "auto", 25.5, crf=28),
    ]
    text = tables.tables(records)
    assert "| a | 30.00 | +1.00 |" in text
    assert "effort 0.5, crf 28:" in text
    assert "| a | 25.00 | +0.50 |" in text
    assert tables.tables([]) == ""


def test_gains_are_kept_seed_by_seed():
    records = [
        line("a", "linear", 30),
        line("a", "auto", 31),
        line("a", "auto", 33, seed=1),
        line("b.mkv:c.mkv", "linear", 20, right_direction=0.0),
        line("b.mkv:c.mkv", "auto", 24, right_direction=0.5),
        line("b.mkv:c.mkv", "auto", 26, right_direction=0.75, seed=1),
    ]
    kept = tables.gains(records)
    assert kept["seeds"] == [0, 1]
    assert kept["columns"] == {"linear, dB": ".2f", "auto, dB": "+.2f", "auto, turns right": ".0%"}
    assert kept["rows"] == {
        "a": {"linear, dB": 30, "auto, dB": [1, 3], "auto, turns right": None},
        "b": {"linear, dB": 20, "auto, dB": [4, 6], "auto, turns right": [0.5, 0.75]},
    }
    with pytest.raises(ValueError, match="a has no result of auto with seed 1"):
        tables.gains([r for r in records if (r["clip"], r["seed"]) != ("a", 1)])
    with pytest.raises(ValueError, match="several contexts"):
        tables.gains([*records, line("a", "auto", 31, effort=1.0)])


def test_what_is_laid_out_can_be_kept(tmp_path):
    results = tmp_path / "r.jsonl"
    told = [line("a", "linear", 30), line("a", "auto", 31.5)]
    results.write_text("".join(json.dumps(record) + "\n" for record in told))
    words = ["--table", "--results", str(results), "--save", str(tmp_path / "kept.json")]
    done = CliRunner().invoke(ablation.main, words)
    assert done.exit_code == 0, done.output
    kept = json.loads((tmp_path / "kept.json").read_text())
    assert kept["rows"] == {"a": {"linear, dB": 30, "auto, dB": [1.5]}}
