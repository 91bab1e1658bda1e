"""Disks that are too small, that fill up, or that cannot be written."""

from __future__ import annotations

import os
import resource
import shutil
from dataclasses import replace
from fractions import Fraction

import pytest

from deeptsr.config import EncodeSettings, PyramidSettings
from deeptsr.errors import OutputError, ResourceError
from deeptsr.events import Progress, Warned
from deeptsr.jobs.probe import plan_file
from deeptsr.jobs.resources import memory
from deeptsr.jobs.upscale import upscale_file
from deeptsr.system.disk import DiskSpace
from deeptsr.video import bits_a_pixel, probe
from tests.helpers.clips import clip, noise, raw_clip
from tests.helpers.synth import tiny

OPTIONS = tiny(
    2,
    pyramid=PyramidSettings(coarsest=Fraction(1), voxels=48 * 34 * 2 * 3, excerpt=16),
    encode=EncodeSettings(codec="ffv1"),
)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("source") / "in.mkv"
    return raw_clip(path, noise(18, 34, 48), "rgb24", (48, 34))


@pytest.fixture(autouse=True)
def short_parts(monkeypatch):
    monkeypatch.setattr(memory, "_PART", 6)


def rendered(told):
    return sum(isinstance(e, Progress) and e.phase == "render" for e in told)


def test_a_disk_that_fills_up_costs_nothing_that_is_finished(disk, source, tmp_path):
    upscale_file(source, tmp_path / "whole.mkv", OPTIONS)
    failures, frames, kilobytes = [], [], 16
    while True:
        place, told = disk(f"size={kilobytes}k"), []
        try:
            upscale_file(source, place / "out.mkv", OPTIONS, told.append)
            break
        except ResourceError as error:
            assert error.exit_code == 4  # noqa: PT017
            failures.append(str(error))
            frames.append(rendered(told))
        assert not (place / "out.mkv").exists()
        assert not list(place.glob(".*.part*"))
        kilobytes += 24
        assert kilobytes < 2000
    assert (place / "out.mkv").read_bytes() == (tmp_path / "whole.mkv").read_bytes()
    assert [p.name for p in place.iterdir()] == ["out.mkv"]
    assert any("expected more" in text for text in failures[:1])  # before any work
    assert any("what is finished is kept" in text or "is full" in text for text in failures)
    assert sum(frames) + rendered(told) <= 6 + 2 * len(failures)  # six chunks, and those cut off


def test_a_limit_on_files_is_as_a_full_disk(source, tmp_path):
    # No root is needed for this one: files may be of so many bytes only.
    place, limits = tmp_path / "out.mkv", resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (90_000, limits[1]))
    try:
        with pytest.raises(ResourceError, match=r"out\.mkv is full after 36 frames"):
            upscale_file(source, place, OPTIONS)  # parts are short enough, the output is not
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not place.exists()
    told = []
    upscale_file(source, place, OPTIONS, told.append)
    assert rendered(told) == 0
    assert os.listdir(tmp_path) == ["out.mkv"]


def test_a_folder_that_cannot_be_written_is_refused_before_any_work(disk, source):
    place = disk("size=1m")
    disk("ro")
    with pytest.raises(OutputError, match="cannot be written") as caught:
        upscale_file(source, place / "out.mkv", OPTIONS)
    assert caught.value.exit_code == 2
    assert not list(place.iterdir())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_refused_before_any_work(source, tmp_path):
    tmp_path.chmod(0o555)
    with pytest.raises(OutputError, match="cannot be written"):
        upscale_file(source, tmp_path / "out.mkv", OPTIONS)


# How much is needed


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        *(("a.mp4", None), ("a.mkv", "ffv1"), ("a.mov", "prores_ks"), ("a.mov", "png")),
        ("a.gif", None),
    ],
)
def test_an_estimate_is_right_within_a_factor_of_four(tmp_path, name, codec):
    source = clip(tmp_path / "in.mkv", size="96x64", frames=12, rate="12")
    info = probe(source)
    options = replace(tiny(2), encode=EncodeSettings(codec=codec))
    planned = plan_file(source, tmp_path / name, options)
    upscale_file(source, tmp_path / name, options)
    assert info.frames == 12
    assert 1 / 4 < planned.disk_bytes / 2 / (tmp_path / name).stat().st_size < 4


def test_better_quality_more_bits_and_alpha_need_more():
    def needed(name="a.mp4", **settings):
        return bits_a_pixel(name, EncodeSettings(**settings))[0]

    assert needed(crf=10) > needed() > needed(crf=30)
    assert needed(codec="libx265", pix_fmt="yuv420p10le") > needed(codec="libx265")
    assert needed("a.mkv", codec="ffv1") > 10 * needed("a.mkv")
    assert bits_a_pixel("frames/", EncodeSettings())[1] == 0  # images have no parts
    assert bits_a_pixel("frames/", EncodeSettings(), alpha=True) > bits_a_pixel(
        "frames/", EncodeSettings()
    )


def test_images_are_watched_by_their_estimate(tmp_path, monkeypatch):
    told, free = [], 10_000
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage._replace(free=free))
    disk = DiskSpace(tmp_path, tmp_path, (8000, 0), told.append)
    disk.check(5, 10, 0, 0)
    assert not told
    free = 3000
    disk.check(5, 10, 0, 0)
    assert isinstance(told[0], Warned)
    with pytest.raises(ResourceError, match="the output needs about 20 kB; "):
        DiskSpace(tmp_path, tmp_path, (20_000, 0), told.append)
