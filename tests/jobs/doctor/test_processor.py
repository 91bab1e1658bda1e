"""What is told of the processor."""

import os
from pathlib import Path

from deeptsr.jobs.doctor import processor

INTEL = (
    "processor\t: 0\nmodel name\t: A Xeon\nflags\t\t: fpu avx2 avx512f avx512_bf16\n\nflags\t\t:\n"
)
ARM = "processor\t: 0\nFeatures\t: fp asimd bf16\n"


def told(monkeypatch, text):
    def read(self, **settings):
        if text is None:
            raise FileNotFoundError
        return text

    monkeypatch.setattr(Path, "read_text", read)
    return processor.name(), processor.features()


def test_names_and_features(monkeypatch):
    assert told(monkeypatch, INTEL) == ("A Xeon", ("AVX2", "AVX-512", "AVX-512 BF16"))
    assert told(monkeypatch, ARM)[1] == ("NEON", "BF16")


def test_where_nothing_is_told(monkeypatch):
    name, features = told(monkeypatch, None)
    assert name
    assert features == ()


def test_the_cores_that_may_be_used(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 5}, raising=False)
    assert processor.cores() == 2
    monkeypatch.delattr(os, "sched_getaffinity")
    assert processor.cores() == os.cpu_count()


def test_the_load(monkeypatch):
    monkeypatch.setattr(os, "getloadavg", lambda: (1.5, 0.0, 0.0), raising=False)
    assert processor.load() == 1.5
    monkeypatch.delattr(os, "getloadavg")
    assert processor.load() == 0.0
