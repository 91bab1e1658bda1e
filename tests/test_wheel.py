"""The wheel, installed where nothing of the checkout is in reach."""

import ast
import configparser
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import deeptsr

ROOT = Path(__file__).parents[1]
SOURCES = ("deeptsr", "cli", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")
ON_REQUEST = {
    "lpips",
    "ray",
    "torchvision",
    "jaxtyping",
}  # what an extra brings; they say so where it lacks
NAMED = {"imageio"}  # what the program was ordered with, and only its tests use
BROUGHT = {"pillow": "PIL"}  # a distribution's module, where the names differ
IMPORT_ALL = """
import importlib, json, sys
for name in json.load(sys.stdin):
    module = importlib.import_module(name)
    assert module.__file__.startswith(sys.prefix), module.__file__
"""


def modules():
    """Every module of the tree, under the name that it is installed under."""
    for folder, package in (("deeptsr", "deeptsr"), ("cli", "deeptsr_cli")):
        for path in sorted((ROOT / folder).rglob("*.py")):
            inside = path.relative_to(ROOT / folder).with_suffix("").parts
            yield ".".join((package, *inside)).removesuffix(".__init__")


def data():
    """Every file of the tree that is no module, and no leftover of running it."""
    for path in sorted((ROOT / "deeptsr").rglob("*")):
        if path.is_file() and path.suffix not in (".py", ".pyc"):
            yield str(path.relative_to(ROOT))


def run(*command, **more):
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PIP_"))}
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        **more,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy: what an earlier build left in the checkout would get into it."""
    copy = tmp_path_factory.mktemp("sources")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, copy)
    pip = (sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index")
    run(*pip, "--wheel-dir", copy / "made", ".", cwd=copy)
    (made,) = (copy / "made").iterdir()
    return made


@pytest.fixture(scope="module")
def home(wheel, tmp_path_factory):
    """An environment that has the wheel, and all that it stands on from the one of the tests."""
    home = tmp_path_factory.mktemp("clean") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", home)
    pip = (sys.executable, "-m", "pip", "--python", home / "bin" / "python")
    run(*pip, "install", "--no-deps", "--no-index", "--no-compile", wheel)
    # A path file's own path files are not followed: an editable install of the checkout, which is
    # one of these, stays out of reach.
    (site,) = home.glob("lib/python*/site-packages")
    others = [path for path in sys.path if Path(path).name == "site-packages"]
    (site / "others.pth").write_text("\n".join(others), encoding="utf-8")
    return home


def test_the_wheel_holds_every_file(wheel):
    held = set(zipfile.ZipFile(wheel).namelist())
    files = {name.replace(".", "/") for name in modules()}
    missing = {f for f in files if not {f"{f}.py", f"{f}/__init__.py"} & held}
    assert not missing | (set(data()) - held)


def test_the_wheel_says_that_it_has_types(wheel):
    assert "deeptsr/py.typed" in zipfile.ZipFile(wheel).namelist()


def test_every_module_can_be_imported(home, tmp_path):
    names = [name for name in modules() if not name.endswith("__main__")]
    run(home / "bin/python", "-c", IMPORT_ALL, input=json.dumps(names), cwd=tmp_path)


def test_the_command_is_there(home, tmp_path):
    assert f"deeptsr {deeptsr.__version__}" in run(home / "bin/deeptsr", "--version", cwd=tmp_path)
    told = run(home / "bin/deeptsr", "--help", cwd=tmp_path)
    files = {path.stem for path in (ROOT / "cli" / "commands").glob("*.py")} - {"__init__"}
    shown = set(re.findall(r"^  ([a-z]+)", told, re.MULTILINE))
    assert files <= shown


def test_all_that_the_program_imports_is_installed_with_it():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    asked = re.findall(r"^[\w-]+", setup["options"]["install_requires"], re.MULTILINE)
    installed = {BROUGHT.get(name, name.replace("-", "_")) for name in asked}
    imported = set()
    for path in [*(ROOT / "deeptsr").rglob("*.py"), *(ROOT / "cli").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(node.module.split(".")[0])
    assert imported - sys.stdlib_module_names - {"deeptsr"} - ON_REQUEST == installed - NAMED
