"""Names that would write lines of their own, or turn words around."""

import pytest
from click.testing import CliRunner

from cli.escapes import clean, one_line
from cli.main import cli

EVIL = "x\nwrote evil.mp4\u202egnp"
COMMANDS = (
    ("upscale", EVIL, "-o", "o.mp4"),
    ("upscale", "a.mp4", "-o", f"{EVIL}/o.mp4"),
    ("probe", EVIL),
    ("probe", "a.mp4", EVIL),
    ("upscale", "a.mp4", f"--{EVIL}"),
    ("upscale", "a.mp4", "-o", "o.mp4", "--preset", EVIL),
    ("upscale", "a.mp4", "-o", "o.mp4", "--start", EVIL),
)


@pytest.mark.parametrize("words", COMMANDS)
def test_no_name_writes_a_line_of_its_own(words, tmp_path):
    log = tmp_path / "log"
    done = CliRunner().invoke(cli, [*words, "-v", "--log-file", str(log)])
    assert done.exit_code in (2, 3)
    said = done.output + (log.read_text(encoding="utf-8") if log.exists() else "")
    assert said
    assert not [line for line in said.splitlines() if line.strip().startswith("wrote")]
    assert "\u202e" not in said


def test_what_is_not_seen_is_written_out():
    text = "a\u202eb\u200fc\u2066\ufeff\u2029\n"
    assert clean(text) == "a\\u202eb\\u200fc\\u2066\\ufeff\\u2029\n"
    assert one_line("a\r\nb") == r"a\r\nb"
    assert clean("n\u00e9 \u200d \u6620") == "n\u00e9 \u200d \u6620"  # joiners, as emoji have
