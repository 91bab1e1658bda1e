"""The benchmark of networks beside each other: what it tells, and that it goes on where it was."""

import json

import pytest
import torch
from click.testing import CliRunner

from benchmarks import alone, networks, published, teaching
from deeptsr.config import NetworkSettings
from deeptsr.learning.prior import Prior
from deeptsr.networks import Compact
from deeptsr.networks.recurrent import Recurrent
from tests.helpers.clips import clip
from tests.helpers.synth import noise, pan, wake


@pytest.fixture(autouse=True)
def small(monkeypatch):
    tiny = {
        "compact": lambda: Compact(2, "full", 4, 1),
        "recurrent": lambda: Recurrent(2, "full", 4, 1),
    }
    for name, value in {"NETWORKS": tiny, "SIZE": (4, 1)}.items():
        monkeypatch.setattr(alone, name, value)
        monkeypatch.setattr(teaching, name, value)
    monkeypatch.setattr(networks, "NETWORKS", tiny)
    for name, value in {"_SEEN": (3,), "_SIDE": 8}.items():
        monkeypatch.setattr(teaching, name, value)
    monkeypatch.setattr(alone, "_CLIP", 24)


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def run(*given):
    done = CliRunner().invoke(networks.main, [str(part) for part in given])
    assert done.exit_code == 0, done.output
    return done.output


def test_what_was_taught_is_told_once(tmp_path):
    clips, out = tmp_path / "clips.pt", tmp_path / "taught.jsonl"
    pool = {"taught": noise(2, 40, 12, 12, 3).half(), "judges": noise(1, 64, 8, 8, 3).half()}
    torch.save(pool, clips)
    given = ("--clips", clips, "--steps", 1, "--batch", 1, "--out", out)
    run("taught", "compact", "recurrent", *given)
    assert [row["network"] for row in rows(out)] == ["compact", "recurrent"]
    assert list(rows(out)[1]["seen"]) == ["3"]
    run("taught", "compact", "recurrent", *given)
    assert len(rows(out)) == 2
    shown = run("show", out)
    assert "| compact | rendered | 1 |" in shown


def test_all_are_taught_on_from_what_the_compact_network_knows(tmp_path):
    clips, out, table = (tmp_path / name for name in ("clips.pt", "taught.jsonl", "table.json"))
    state = wake(Compact(2, "full", 4, 1)).state_dict()
    prior = tmp_path / "known.safetensors"
    made = Prior(NetworkSettings("compact", 4, 1), {"any/full-1": state}, {})
    prior.write_bytes(made.bytes())
    pool = {"taught": noise(2, 40, 12, 12, 3).half(), "judges": noise(1, 64, 8, 8, 3).half()}
    torch.save(pool, clips)
    given = ("--clips", clips, "--steps", 1, "--batch", 1, "--rate", 1e-9, "--prior", prior)
    for seed in (0, 1):
        run("taught", "compact", "recurrent", *given, "--seed", seed, "--out", out)
    first, second, *_ = found = rows(out)
    assert first["before"] == found[2]["before"] == pytest.approx(first["gain"], abs=1e-3)
    assert first["before"] != 0 != second["before"]
    run("show", out, "--save", table)
    shown = published.load(table).rows["compact, from known, 1 steps"]
    assert shown["before, dB"] == [first["before"]] * 2


def test_a_fit_is_compared_with_the_truth(tmp_path, monkeypatch):
    truth = pan(96, 24, 24)
    monkeypatch.setattr(
        alone,
        "render",
        lambda *_, **__: (truth.view(48, 2, 24, 24, 3).mean(1).numpy(), truth.numpy()),
    )
    out = tmp_path / "fitted.jsonl"
    given = ("--clips", "pan", "--steps", 1, "--out", out)
    run("fitted", "compact", *given, "--most", 1)
    (row,) = rows(out)
    assert row["clip"] == "pan"
    assert row["gain"] > 0  # linear interpolation does not even expose to the clip


def test_a_fit_starts_from_a_prior_and_all_clips_are_kept(tmp_path):
    state = wake(Compact(2, "full", 4, 1)).state_dict()
    prior = tmp_path / "taught.safetensors"
    made = Prior(NetworkSettings("compact", 4, 1), {"any/full-1": state}, {})
    prior.write_bytes(made.bytes())
    film, out, table = tmp_path / "film.mkv", tmp_path / "fitted.jsonl", tmp_path / "table.json"
    clip(film, "-c:v", "ffv1", size="32x24", frames=12)
    given = ("--out", out, "--steps", 0, "--prior", prior, "--clips")
    run("fitted", "compact", *given, f"{film},slow")
    run("fitted", "compact", *given, film, "--seeds", "0,1")
    found = rows(out)
    assert [(row["seed"], row["clip"]) for row in found] == [
        (0, str(film)),
        (0, "slow"),
        (1, str(film)),
    ]
    assert found[0]["gain"] == found[2]["gain"]  # nothing of what it knows is left to chance
    run("show", out, "--save", table)
    shown = published.load(table)
    (row,) = shown.rows.values()
    assert [*shown.rows] == ["compact, from taught, 0 steps"]
    assert (row["clips"], row["gain, dB"]) == (1, [found[0]["gain"]] * 2)
    refused = CliRunner().invoke(
        networks.main, ["fitted", "recurrent", "--prior", "auto", "--steps", "0", "--out", str(out)]
    )
    assert refused.exit_code == 2
    assert "auto has no prior for recurrent" in refused.output


def test_a_clip_is_taken_up_in_steps_with_what_a_prior_knows(tmp_path, monkeypatch):
    monkeypatch.setattr(alone, "_CLIMBED", 8)
    prior, out = tmp_path / "taught.safetensors", tmp_path / "climbed.jsonl"
    state = wake(Recurrent(2, "full", 4, 1)).state_dict()
    made = Prior(NetworkSettings("recurrent", 4, 1), {"any/full-1": state}, {})
    prior.write_bytes(made.bytes())
    given = ("--clips", "slow", "--prior", prior, "--out", out)
    run("climbed", "recurrent", *given, "--factor", 4)
    run("climbed", "recurrent", *given, "--factor", 4)
    run("climbed", "recurrent", *given, "--factor", 2, "--preset", "balanced")
    assert [row["steps"] for row in rows(out)] == ["x4, fast", "x2, balanced"]
    assert "| recurrent, taught | slow | x4, fast |" in run("show", out)


def test_steps_that_are_numbers_and_words_are_shown_in_their_order(tmp_path):
    out = tmp_path / "both.jsonl"
    told = {"network": "compact", "clip": "slow", "seed": 0, "gain": 1.0, "seconds": 1.0}
    steps = ("x4, fast", 120, 20)
    out.write_text("".join(json.dumps(told | {"steps": n}) + "\n" for n in steps))
    shown = [line.split(" | ")[2] for line in run("show", out).splitlines()[2:]]
    assert shown == ["20", "120", "x4, fast"]
