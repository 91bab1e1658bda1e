"""Who imports whom, and what stands where: the code against docs/architecture.md."""

import ast
import configparser
import re
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from deeptsr import jobs

ROOT = Path(__file__).parents[1]
PACKAGE, COMMANDS = ROOT / "deeptsr", ROOT / "cli" / "commands"
SOURCES = sorted(p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py")
EVERYTHING = [PACKAGE / "__init__.py", *SOURCES, *sorted((ROOT / "cli").rglob("*.py"))]
CODECS = {"av", "imageio", "imageio_ffmpeg"}
NOTHING, ANY, OTHERS = "\N{EN DASH}", "any", "all others"
WITHOUT_TORCH = (
    *("config", "errors", "events", "video"),
    *("analysis.cut_list", "analysis.excerpt", "analysis.scenes", "imaging.timeline"),
    *("pyramid.plan", "system.files", "system.humanize", "system.ours"),
)
WITHOUT_CODECS = ("analysis", "imaging", "learning", "networks", "pyramid")


def by_name(path):
    return str(path.relative_to(ROOT))


def name_of(path):
    """The dotted name of a file; of an ``__init__.py``, its package's."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in EVERYTHING}


@cache
def imported(path):
    """Everything that a file imports, in full, wherever in it the import stands."""
    package = path.relative_to(ROOT).parent.parts
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            found += [f"{module}.{alias.name}" for alias in node.names]
    return found


def used(path):
    """The modules of this project that a file imports: of ``a.b.name`` the longest there is."""
    for name in imported(path):
        parts = name.split(".")
        starts = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
        yield from [start for start in starts if start in MODULES][:1]


def tops(path):
    return {name.split(".")[0] for name in imported(path)}


def room(path):
    """The row of the first table that a file belongs to."""
    return name_of(path).split(".")[1]


# The tables


def sections():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    return dict(part.split("\n", 1) for part in text.split("\n## ")[1:])


def names_in(cell):
    assert re.fullmatch(rf"{NOTHING}|`[\w.]+`(, `[\w.]+`)*", cell), cell
    return re.findall(r"`([\w.]+)`", cell)


def cells(lines):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def packages():
    """Rows of the first table: package -> its layer, and what it may import, or ``ANY``."""
    rows = [line for line in sections()["Who may import whom"].splitlines() if line[:1] == "|"]
    head, _, *rest = cells(rows)
    assert head == ["layer", "package", "one job", "may import"]
    found = {}
    for layer, named, job, imports in rest:
        assert job
        for name in names_in(named):
            assert name not in found
            found[name] = (int(layer), ANY if imports == ANY else set(names_in(imports)))
    return found


def rooms():
    """The further tables: room -> file or folder in it -> what of the room it may import."""
    found, text = {}, sections()["Inside the larger rooms"]
    for block in text.strip().split("\n\n"):
        (first, head), _, *rest = cells(block.splitlines())
        if first == "in":
            assert head == "each file may import those before it"
            for (named, *_), order in ((names_in(row[0]), row[1]) for row in rest):
                before, found[named] = set(), {}
                for step in order.split(", "):
                    beside = [name for each in step.split(" beside ") for name in names_in(each)]
                    found[named] |= dict.fromkeys(beside, frozenset(before))
                    before |= set(beside)
            continue
        (inside,) = names_in(first.removeprefix("in "))
        assert head == f"may import, of `{inside}`"
        every = {name for row in rest for name in names_in(row[0])}
        found[inside] = {
            name: every - {name} if row[1] == OTHERS else set(names_in(row[1]))
            for row in rest
            for name in names_in(row[0])
        }
    return found


def test_every_package_has_its_row_and_every_row_its_package():
    assert set(packages()) == {room(path) for path in SOURCES} | {"cli"}


@pytest.mark.parametrize("package", sorted(packages().keys() - {"cli"}))
def test_a_package_imports_what_its_row_allows_and_no_less(package):
    _, allowed = packages()[package]
    needed = {
        name.removeprefix("deeptsr.")
        for path in SOURCES
        if room(path) == package
        for name in used(path)
        if name.startswith("deeptsr.") and name.split(".")[1] != package
    }
    # A name is allowed in full, or as a part of its package.
    met = {name: {part for part in allowed if f"{name}.".startswith(f"{part}.")} for name in needed}
    assert [name for name, parts in met.items() if not parts] == []
    assert set().union(*met.values()) == allowed


def test_imports_lead_to_lower_layers():
    table = packages()
    assert sorted({layer for layer, _ in table.values()}) == list(range(1, 9))
    for layer, allowed in table.values():
        if allowed != ANY:
            assert all(table[name.split(".")[0]][0] < layer for name in allowed)


@pytest.mark.parametrize("inside", rooms())
def test_a_room_is_laid_out_as_its_table_says(inside):
    table = rooms()[inside]
    package = inside if inside == "cli" else f"deeptsr.{inside}"
    needed = {}
    for name, path in MODULES.items():
        own = name.removeprefix(f"{package}.").split(".")[0]
        if name.startswith(f"{package}.") and own != "__main__":
            within = {n.removeprefix(f"{package}.") for n in used(path) if f"{package}." in n}
            needed.setdefault(own, set()).update(n.split(".")[0] for n in within)
    assert set(needed) == set(table)
    for own, names in needed.items():
        assert names - {own} <= table[own], own
        # But for those that stand in a row, what a cell allows is needed.
        assert names - {own} == table[own] or isinstance(table[own], frozenset), own


def test_no_import_runs_in_a_circle():
    graph = {
        name: {n for n in used(path) if n != name and not name.startswith(f"{n}.")}
        for name, path in MODULES.items()
        if path.name != "__init__.py"
    }
    TopologicalSorter(graph).prepare()  # raises when the imports form a circle


# The three rules, and who may not import what


def test_only_jobs_reports_and_baselines_open_files():
    users = {
        name_of(p) for p in SOURCES if room(p) != "video" and any("video" in n for n in used(p))
    }
    assert {n for n in users if n.split(".")[1] not in ("jobs", "report")} == {
        "deeptsr.evaluation.baselines"
    }


def loaded(*rooms):
    """What is loaded along with all modules of some rooms."""
    names = [
        name
        for name in MODULES
        if any(f"{name}.".startswith(f"deeptsr.{inside}.") for inside in rooms)
    ]
    code = f"import sys, {', '.join(names)}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(done.stdout.split())


def test_files_and_plain_records_do_without_torch():
    assert "torch" not in loaded(*WITHOUT_TORCH)


def test_the_method_does_without_codecs_and_checks_of_shapes():
    assert not loaded(*WITHOUT_CODECS) & (CODECS | {"jaxtyping", "beartype"})


def test_a_command_calls_the_job_of_its_name():
    files = {path.stem for path in COMMANDS.glob("*.py")} - {"__init__", "report"}
    homes = {path.relative_to(PACKAGE / "jobs").parts[0] for path in (PACKAGE / "jobs").rglob("*")}
    for stem in files:
        assert homes & {stem, f"{stem}.py"}, stem
        text = (COMMANDS / f"{stem}.py").read_text(encoding="utf-8")
        called = {getattr(jobs, name).__module__ for name in re.findall(r"\bjobs\.(\w+)\(", text)}
        called |= {
            name for name in used(COMMANDS / f"{stem}.py") if name.startswith("deeptsr.jobs.")
        }
        assert any(f"{name}.".startswith(f"deeptsr.jobs.{stem}.") for name in called), stem


def test_nothing_imports_the_command_line():
    others = [p for d in ("deeptsr", "examples", "benchmarks") for p in (ROOT / d).rglob("*.py")]
    assert not [p for p in others if tops(p) & {"cli", "deeptsr_cli"}]


def test_the_command_line_imports_itself_by_relative_names():
    """It is installed under another name."""
    for path in (ROOT / "cli").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and not node.level:
                assert node.module.split(".")[0] not in ("cli", "deeptsr_cli"), path


def test_only_video_knows_codecs():
    assert {room(p) for p in SOURCES if tops(p) & CODECS} == {"video"}


# What stands where


def test_the_house_stays_easy_to_look_over():
    def shown(folder):
        aside = ("__init__.py", "__pycache__", "py.typed")
        return [p for p in folder.iterdir() if p.name not in aside]

    assert len(shown(PACKAGE)) <= 13
    for folder in {path.parent for path in EVERYTHING} - {PACKAGE}:
        assert len([p for p in shown(folder) if p.suffix == ".py"]) <= 10, folder


@pytest.mark.parametrize("path", EVERYTHING, ids=by_name)
def test_a_file_has_no_more_than_300_lines(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= 300 or path == PACKAGE / "events.py"


def test_what_is_installed_is_what_there_is():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    folders = {name_of(path) for path in EVERYTHING if path.name == "__init__.py"}
    assert setup["options"]["packages"].split() == sorted(
        re.sub(r"^cli\b", "deeptsr_cli", name) for name in folders
    )


@pytest.mark.parametrize("path", [PACKAGE / "__init__.py", *SOURCES], ids=by_name)
def test_the_library_is_silent_and_never_exits(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        assert called not in ("print", "exit", "quit", "sys.exit", "os._exit"), node.lineno
        assert not (isinstance(node, ast.Name) and node.id == "SystemExit"), node.lineno
        assert not called.startswith(("sys.stdout", "sys.stderr")), node.lineno
