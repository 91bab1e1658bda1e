"""What stands around the code agrees with it, and with itself."""

import configparser
import re
from pathlib import Path

import deeptsr
from cli.main import cli

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


def said_in_readme():
    """Each command of deeptsr that README's table names, and all flags in it."""
    table = text_of("README.md").partition("## What you have")[2].partition("\n## ")[0]
    spans = re.findall(r"`([^`]+)`", table)
    commands = {found[1] for span in spans if (found := re.match(r"deeptsr ([\w-]+)", span))}
    return commands, {flag for span in spans for flag in re.findall(r"--[a-z][\w-]*", span)}


def test_the_readme_says_what_there_is_for_every_command():
    commands, flags = said_in_readme()
    assert commands == set(cli.commands) - {"report"}  # which --report does at once
    there = {
        flag
        for command in cli.commands.values()
        for param in command.params
        for flag in (*param.opts, *param.secondary_opts)
    }
    assert len(flags) > 15
    assert flags <= there | {"--help"}


def test_the_floors_are_those_that_are_allowed():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    asked = setup["options"]["install_requires"] + setup["options.extras_require"]["ray"]
    bounds = re.findall(r"^([\w-]+)>=([\d.]+)$", asked.strip(), re.MULTILINE)
    assert len(bounds) == len(asked.split())
    pinned = dict(re.findall(r"^([\w-]+)==(.+)$", text_of("floors.txt"), re.MULTILINE))
    for name, least in bounds:
        assert f"{pinned[name]}.".startswith(f"{least}."), name


def test_each_test_that_the_audit_names_is_there():
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text_of("docs/audit.md"))
    assert len(named) > 50
    for path, name in named:
        assert f"\ndef {name}(" in text_of(path), name
