"""What stands around the code agrees with it, and with itself."""

import re
from pathlib import Path

import deeptsr

ROOT = Path(__file__).parents[1]


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_a_commit_is_asked_what_the_tests_ask():
    asked = re.findall(r"^ +entry: \.venv/bin/(.*)$", text_of(".pre-commit-config.yaml"), re.M)
    assert asked == re.findall(r"^(?:ruff|mypy).*$", text_of("scripts/test"), re.MULTILINE)


def test_the_reference_has_all_that_is_offered():
    shown = set(re.findall(r"heading: deeptsr\.(\w+)", text_of("docs/reference.md")))
    errors = {
        name for name in deeptsr.__all__ if getattr(deeptsr, name).__module__.endswith("errors")
    }
    assert "::: deeptsr.errors\n" in text_of("docs/reference.md")
    assert shown == set(deeptsr.__all__) - errors


def test_the_version_is_the_same_everywhere():
    versions = re.findall(r"^## (\d\S*) - \d{4}-\d\d-\d\d$", text_of("CHANGELOG.md"), re.MULTILINE)
    assert versions[0] == deeptsr.__version__
    assert re.search(r"^version: (.*)$", text_of("CITATION.cff"), re.M)[1] == deeptsr.__version__


def test_what_is_to_come_stands_first():
    headings = re.findall(r"^## (.*)$", text_of("CHANGELOG.md"), re.MULTILINE)
    assert headings[0] == "Unreleased"
