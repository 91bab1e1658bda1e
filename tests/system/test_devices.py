"""The choice of a device."""

import pytest
import torch

from deeptsr.config import PRESETS
from deeptsr.errors import DeviceError, OptionError
from deeptsr.system import devices


def without_cuda(monkeypatch, cards=0):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cards > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cards)


def test_the_cpu_is_always_there():
    assert devices.choose("cpu") == torch.device("cpu")


@pytest.mark.parametrize(("cards", "kind"), [(0, "cpu"), (1, "cuda")])
def test_auto_takes_a_card_when_there_is_one(monkeypatch, cards, kind):
    without_cuda(monkeypatch, cards)
    assert devices.choose("auto").type == kind
    assert devices.choose().type == kind


@pytest.mark.parametrize("name", ["", "gpu", "CPU", "meta", "mps", "cuda:x", "cuda:-1", "cpu cuda"])
def test_another_name_is_refused(name):
    with pytest.raises(DeviceError, match=f"'{name}'; expected auto, cpu, cuda or cuda:N"):
        devices.choose(name)


@pytest.mark.parametrize(("name", "cards"), [("cuda", 0), ("cuda:0", 0), ("cuda:1", 1)])
def test_a_card_that_is_not_there_is_refused(monkeypatch, name, cards):
    without_cuda(monkeypatch, cards)
    with pytest.raises(DeviceError, match=f"{name}.*shows {cards} CUDA cards.*use `device` cpu"):
        devices.choose(name)


def test_a_card_that_is_there_is_taken(monkeypatch):
    without_cuda(monkeypatch, 2)
    assert devices.choose("cuda:1") == torch.device("cuda", 1)


def test_the_refusal_ends_with_the_exit_code_of_an_option():
    assert issubclass(DeviceError, OptionError)
    assert DeviceError.exit_code == 2


@pytest.mark.parametrize("kind", ["cpu", "cuda"])
def test_the_default_preset_exists(kind):
    assert devices.default_preset(torch.device(kind)) in PRESETS


def test_convolutions_run_in_a_type_that_the_cpu_has():
    precision = devices.precision(torch.device("cpu"))
    assert precision in (torch.float32, torch.bfloat16)
    with torch.autocast("cpu", precision, enabled=precision != torch.float32):
        assert torch.nn.Conv3d(1, 1, 3)(torch.zeros(1, 1, 3, 3, 3)).dtype == precision


@pytest.mark.parametrize("emulated", [True, False])
def test_bfloat16_is_not_emulated_on_a_card(monkeypatch, emulated):
    monkeypatch.setattr(
        torch.cuda,
        "is_bf16_supported",
        lambda including_emulation=True: including_emulation or not emulated,
    )
    wanted = torch.float32 if emulated else torch.bfloat16
    assert devices.precision(torch.device("cuda")) == wanted
