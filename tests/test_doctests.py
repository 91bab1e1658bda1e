"""The examples in docstrings do what they say."""

import doctest
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Most modules have no example: they are not imported for the sake of finding that out.
WRITTEN = {
    path: len(re.findall(r"^ *>>> ", path.read_text(encoding="utf-8"), re.MULTILINE))
    for folder in ("deeptsr", "cli")
    for path in sorted((ROOT / folder).rglob("*.py"))
}


@pytest.mark.parametrize(
    "path", [p for p, count in WRITTEN.items() if count], ids=lambda p: str(p.relative_to(ROOT))
)
def test_an_example_gives_what_stands_under_it(path):
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    module = importlib.import_module(name)
    assert doctest.testmod(module).failed == 0
    seen = sum(len(test.examples) for test in doctest.DocTestFinder().find(module))
    assert seen == WRITTEN[path]  # none stands where nobody looks
