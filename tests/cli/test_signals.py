"""Ctrl-C and SIGTERM, once and twice."""

import os
import signal

import pytest

from cli.signals import TerminatedError, gentle
from deeptsr.events import Progress, Warned

STEP = Progress(0.5, "fit", "")


@pytest.mark.parametrize(
    ("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, TerminatedError)]
)
def test_the_first_lets_the_step_be_finished(number, error, capfd):
    told = []
    before = signal.getsignal(number)
    with gentle(told.append) as listener:
        listener(STEP)
        os.kill(os.getpid(), number)
        listener(Warned("the step goes on"))
        with pytest.raises(error):
            listener(STEP)
    assert told == [STEP, Warned("the step goes on"), STEP]
    assert "once more to stop at once" in capfd.readouterr().err
    assert signal.getsignal(number) == before


def test_the_second_stops_at_once():
    def twice():
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)

    with gentle(lambda event: None), pytest.raises(KeyboardInterrupt):
        twice()
