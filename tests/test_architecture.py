"""Who imports whom: the code against the table in docs/architecture.md."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "deeptsr"
SOURCES = sorted(p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py")
CODECS = {"av", "imageio", "imageio_ffmpeg"}
NOTHING, ANY = "\N{EN DASH}", "any"


def room(path):
    """The row of the table that a file belongs to."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


ROOMS = {room(p) for p in SOURCES}


def table():
    """Rows of the table: module -> the modules that it may import, or ``ANY``."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = text.split("## Who may import whom", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    assert [c.strip() for c in rows[0].strip("|").split("|")][::2] == ["module", "may import"]
    found = {}
    for row in rows[2:]:
        name, job, imports = (cell.strip() for cell in row.strip("|").split("|"))
        assert re.fullmatch(r"`\w+`", name), row
        assert job, row
        assert re.fullmatch(rf"{NOTHING}|{ANY}|`\w+`(, `\w+`)*", imports), row
        assert name.strip("`") not in found, row
        found[name.strip("`")] = ANY if imports == ANY else set(re.findall(r"`(\w+)`", imports))
    return found


def imported(path):
    """Everything that a file imports, in full, wherever in it the import stands."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            yield from (f"{module}.{alias.name}" for alias in node.names)


def rooms_used(path):
    """The other rooms of the package that a file imports from."""
    names = (name.split(".") for name in imported(path) if name.startswith("deeptsr."))
    return {parts[1] for parts in names} & ROOMS - {room(path)}


def tops(path):
    return {name.split(".")[0] for name in imported(path)}


def test_every_module_has_its_row_and_every_row_its_module():
    assert set(table()) == ROOMS | {"cli"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_imports_only_what_its_row_allows(path):
    assert rooms_used(path) <= table()[room(path)]


def test_a_row_names_modules_that_exist():
    named = set().union(*(row for row in table().values() if row != ANY))
    assert named <= ROOMS


def test_data_flows_one_way():
    graph = {name: row for name, row in table().items() if row != ANY}
    TopologicalSorter(graph).prepare()  # raises when the imports form a circle


def test_nothing_imports_the_command_line():
    others = [p for d in ("deeptsr", "examples", "benchmarks") for p in (ROOT / d).rglob("*.py")]
    assert not [p for p in others if tops(p) & {"cli", "deeptsr_cli"}]


def test_only_io_knows_codecs():
    assert {room(p) for p in SOURCES if tops(p) & CODECS} == {"io"}


def test_io_and_the_plain_records_do_without_torch():
    free = {"io", "errors", "events", "config", "plan", "excerpt", "scenes", "cutlist"}
    assert not [p for p in SOURCES if room(p) in free and "torch" in tops(p)]


@pytest.mark.parametrize(
    "path", [*SOURCES, PACKAGE / "__init__.py"], ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_the_library_is_silent_and_never_exits(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        assert called not in ("print", "exit", "quit", "sys.exit", "os._exit"), node.lineno
        assert not (isinstance(node, ast.Name) and node.id == "SystemExit"), node.lineno
        assert not called.startswith(("sys.stdout", "sys.stderr")), node.lineno
