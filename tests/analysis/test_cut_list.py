"""Scene cuts that a user lists."""

import os
import threading
from fractions import Fraction
from pathlib import Path

import pytest

from deeptsr.analysis.cut_list import read_cuts
from deeptsr.errors import OptionError
from deeptsr.imaging.timeline import Timeline

TIMES = Timeline.constant(Fraction(25), 5000).first_from


def listed(tmp_path, text, first_from=TIMES):
    path = tmp_path / "cuts.txt"
    path.write_text(text)
    return read_cuts(path, first_from)


def test_numbers_and_times(tmp_path):
    text = "# scenes\n240\n30  # the second\n\n4.0\n0:10\n1:00.5\n00:02:00\n"
    assert listed(tmp_path, text) == (30, 100, 240, 250, 1513, 3000)


def test_a_byte_order_mark_is_no_part_of_a_number(tmp_path):
    assert listed(tmp_path, "\ufeff3\r\n7\r\n") == (3, 7)


def test_an_empty_list_is_one_scene(tmp_path):
    assert listed(tmp_path, "\n# none\n") == ()


@pytest.mark.parametrize(
    "line",
    ["ten", "-3", "1e3", "1 2", "3,5", "1:2:3:4", "\u0663", "1:", "9" * 5000, "1:" + "9" * 5000],
)
def test_what_is_no_cut_is_refused_with_its_line(tmp_path, line):
    with pytest.raises(OptionError, match=r"line 2 of .*expected a frame's number"):
        listed(tmp_path, f"1\n{line}\n")


def test_times_without_a_rate(tmp_path):
    assert listed(tmp_path, "3\n", None) == (3,)
    with pytest.raises(OptionError, match="no times"):
        listed(tmp_path, "3.0\n", None)


def test_a_list_that_cannot_be_read(tmp_path):
    with pytest.raises(OptionError, match=r"cannot be read.*auto or off"):
        read_cuts(tmp_path / "none.txt", TIMES)
    with pytest.raises(OptionError, match="too long"):
        read_cuts(Path("/dev/zero"), TIMES)
    (tmp_path / "raw").write_bytes(b"\xff\xfe\x80")
    with pytest.raises(OptionError, match="not text"):
        read_cuts(tmp_path / "raw", TIMES)


def test_a_pipe_that_nobody_writes_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "cuts.txt")
    reader = threading.Thread(target=refused, args=(tmp_path / "cuts.txt",), daemon=True)
    reader.start()
    reader.join(5)
    assert not reader.is_alive()


def refused(path):
    with pytest.raises(OptionError, match="nobody writes into it"):
        read_cuts(path, TIMES)
