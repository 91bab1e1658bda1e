"""No file that is written may be one that is read, or another that is written."""

import pytest

from deeptsr.errors import OutputError
from deeptsr.system.distinct import check_distinct


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.mp4").write_bytes(b"a")
    (tmp_path / "link.mp4").symlink_to("in.mp4")
    (tmp_path / "hard.mp4").hardlink_to("in.mp4")
    return tmp_path


@pytest.mark.parametrize("name", ["in.mp4", "./in.mp4", "link.mp4", "hard.mp4", "../{}/in.mp4"])
def test_the_input_is_never_written(here, name):
    name = name.format(here.name)
    with pytest.raises(OutputError, match=r"the log file is .* and so is the input; expected two"):
        check_distinct({"the input": "in.mp4"}, {"the output": "o.mp4", "the log file": name})


def test_two_outputs_are_two_files(here):
    with pytest.raises(OutputError, match="the page is x, and so is the output"):
        check_distinct({}, {"the output": "x", "the page": "x"})
    check_distinct({"the input": "in.mp4", "a list": None}, {"the output": "x", "the page": None})
    check_distinct({}, {"the output": "/dev/null", "the log file": "/dev/null"})
