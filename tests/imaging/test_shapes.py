"""What annotations say of shapes is checked where a run of the tests asks for it."""

import os

import pytest
from jaxtyping import TypeCheckError

from deeptsr.imaging.resample import resize
from deeptsr.networks import Compact, moments
from deeptsr.pyramid.predict import predict
from deeptsr.pyramid.trust import changes
from tests.helpers.synth import noise

pytestmark = pytest.mark.skipif(
    not os.environ.get("DEEPTSR_SHAPES"), reason="shapes are not checked in this run"
)


@pytest.mark.parametrize(
    "call",
    [
        lambda: resize(noise(3, 4, 4), (2, 2)),
        lambda: resize(noise(3, 4, 4, 3).int(), (2, 2)),
        lambda: changes(noise(4, 8, 8, 3), noise(4, 8, 9, 3), 2),
        lambda: Compact(2, "full", 4, 1)(noise(3, 2, 8, 8)),
        lambda: predict(Compact(2, "full", 4, 1).eval(), noise(3, 8, 8, 3)[0]),
    ],
)
def test_a_wrong_shape_is_refused(call):
    with pytest.raises(TypeCheckError):
        call()


def test_a_network_must_make_all_frames(monkeypatch):
    short = moments.correct
    monkeypatch.setattr(
        moments, "correct", lambda *given, **named: short(*given, **named)[:, :, 1:]
    )
    with pytest.raises(TypeCheckError):
        Compact(2, "full", 4, 1)(noise(1, 3, 2, 8, 8))
