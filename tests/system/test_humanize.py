"""Figures as people read them."""

import pytest

from deeptsr.system.humanize import duration, rate, size


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (4.04, "4.0 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (130, "2 min 10 s"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
        (100_000, "27 h 47 min"),
    ],
)
def test_duration(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (512, "512 bytes"),
        (999.9, "1.0 kB"),
        (35_400_000, "35 MB"),
        (999_700_000, "1.0 GB"),
        (1_250_000_000, "1.2 GB"),
        (3e15, "3000 TB"),
    ],
)
def test_size(count, text):
    assert size(count) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [("240", "240"), ("240/1", "240"), ("30000/1001", "29.97"), ("25/2", "12.5")],
)
def test_rate(text, shown):
    assert rate(text) == shown
