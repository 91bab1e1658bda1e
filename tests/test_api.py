"""What the package offers, and what importing it costs."""

import importlib
import pkgutil
import subprocess
import sys

import pytest

import deeptsr

MODULES = sorted(m.name for m in pkgutil.walk_packages(deeptsr.__path__, "deeptsr."))


def test_the_offer():
    assert deeptsr.__all__ == [
        "DeeptsrError",
        "DeviceError",
        "InputError",
        "Model",
        "OptionError",
        "Options",
        "OutputError",
        "ResourceError",
        "degrade_file",
        "evaluate_file",
        "fit",
        "load",
        "preset",
        "probe_file",
        "upscale_array",
        "upscale_file",
    ]


@pytest.mark.parametrize("name", deeptsr.__all__)
def test_every_name_is_there(name):
    assert getattr(deeptsr, name).__name__ == name
    assert getattr(deeptsr, name).__doc__


def test_another_name_is_not():
    with pytest.raises(AttributeError, match="module 'deeptsr' has no attribute 'upscale'"):
        _ = deeptsr.upscale


@pytest.mark.parametrize("name", MODULES)
def test_a_module_offers_only_what_it_has(name):
    module = importlib.import_module(name)
    assert module.__doc__
    # A package may offer nothing but the rooms in it.
    offered = getattr(module, "__all__", []) if hasattr(module, "__path__") else module.__all__
    assert list(offered) == list(dict.fromkeys(offered))
    assert all(hasattr(module, each) for each in offered)


@pytest.mark.parametrize("error", ["OptionError", "InputError", "ResourceError", "OutputError"])
def test_one_class_catches_every_error(error):
    assert issubclass(getattr(deeptsr, error), deeptsr.DeeptsrError)


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("deeptsr", ("torch", "numpy", "av")),
        ("deeptsr.jobs.upscale", ("av", "imageio")),
        ("deeptsr.jobs.model.model", ("av", "imageio")),
        ("deeptsr.video", ("torch", "numpy", "av")),
        ("deeptsr.report", ("torch", "numpy", "av")),
    ],
)
def test_an_import_does_not_wait_for_what_it_may_not_need(module, absent):
    code = f"import sys, {module}; print(*sorted(set({absent!r}) & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=deeptsr_home()
    )
    assert done.stdout.strip() == ""


def deeptsr_home():
    return str(next(iter(deeptsr.__path__)).rsplit("/", 1)[0])
