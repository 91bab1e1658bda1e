"""Decisions hang on few thresholds."""

from deeptsr.learning.strategy import bounds


def test_there_are_fewer_than_five():
    assert len(bounds.__all__) < 5
    assert all(isinstance(getattr(bounds, name), float) for name in bounds.__all__)
