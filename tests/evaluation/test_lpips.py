"""LPIPS: what it needs, and what it does with it."""

import sys
import types

import pytest
import torch

from deeptsr.errors import InputError, OptionError
from deeptsr.evaluation.lpips import Lpips
from tests.helpers.synth import noise

WEIGHTS = "alexnet-of-a-test.pth"


@pytest.fixture
def packages(monkeypatch, tmp_path):
    """Stand-ins for lpips and torchvision: the difference of means, on the scale -1 .. 1."""

    class Network(torch.nn.Module):
        def __init__(self, **how):
            super().__init__()
            assert how["net"] == "alex"

        def forward(self, one, other, normalize):
            assert one.shape == other.shape == (1, 3, 32, 40)
            assert normalize
            return 2 * (one - other).mean().abs().view(1, 1, 1, 1)

    lpips = types.ModuleType("lpips")
    lpips.LPIPS = Network
    models = types.ModuleType("torchvision.models")
    models.AlexNet_Weights = types.SimpleNamespace(
        IMAGENET1K_V1=types.SimpleNamespace(url=f"https://example.org/models/{WEIGHTS}")
    )
    torchvision = types.ModuleType("torchvision")
    torchvision.models = models
    for module in (lpips, torchvision, models):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    return tmp_path / "checkpoints"


def test_without_the_package_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "lpips", None)
    with pytest.raises(OptionError, match=r"pip install deeptsr\[lpips\]"):
        Lpips()


def test_without_the_weights_it_says_so_and_downloads_nothing(packages):
    with pytest.raises(OptionError, match=f"expected as .*{WEIGHTS}; fetch them"):
        Lpips()
    assert not packages.exists()


def test_pictures_are_compared_and_not_too_small_ones(packages):
    packages.mkdir()
    (packages / WEIGHTS).touch()
    measure = Lpips()
    truth = noise(32, 40, 3) / 2
    assert measure(truth, truth) == 0
    assert measure(truth + 0.25, truth) == pytest.approx(0.5, abs=1e-6)
    with pytest.raises(InputError, match="without `lpips`"):
        measure(truth[:31], truth[:31])
