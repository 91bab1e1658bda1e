"""What is shown while a prior is taught: pictures, and damage."""

import os
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from deeptsr.errors import InputError
from deeptsr.jobs.pretrain import shown
from deeptsr.jobs.pretrain.shown import Damage, pictures_of


def test_of_large_pictures_what_finds_detail_is_shown_tiles(tmp_path):
    """Half as large, where a pixel is the mean of four: as sharp as pixels can be."""
    pixels = np.random.default_rng(0).integers(0, 256, (480, 300, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    tiles = pictures_of(tmp_path, tiled=True)
    half = np.asarray(pixels.reshape(240, 2, 150, 2, 3).mean((1, 3)) / 255, np.float32)
    assert len(tiles) == 4 * 2
    assert all(tile.shape == (3, 96, 96) for tile in tiles)
    blurred = [np.asarray(tile.movedim(0, 2)) for tile in tiles]
    for number, place in enumerate([(y, x) for y in (0, 48, 96, 144) for x in (0, 48)]):
        area = half[place[0] : place[0] + 96, place[1] : place[1] + 96]
        assert np.corrcoef(blurred[number].ravel(), area.ravel())[0, 1] > 0.85
    small = Image.fromarray(pixels[:100, :100])
    small.save(tmp_path / "a.png")
    assert len(pictures_of(tmp_path, tiled=True)) == 1


@pytest.mark.parametrize(("room", "kept"), [(100, 24), (24, 24), (23, 12), (9, 6), (1, 1)])
def test_no_more_surfaces_are_held_than_memory_has_room_for(tmp_path, monkeypatch, room, kept):
    for name in "abc":
        Image.fromarray(np.full((480, 300, 3), ord(name), np.uint8)).save(tmp_path / f"{name}.png")
    monkeypatch.setattr(shown.ram, "total", lambda: 4 * room * 96 * 96 * 3 * 4)
    tiles = pictures_of(tmp_path, tiled=True)
    assert len(tiles) == kept
    assert all(tile.untyped_storage().nbytes() == 96 * 96 * 3 * 4 for tile in tiles)
    assert room < 3 or len({float(tile.mean()) for tile in tiles}) == 3  # of all pictures


def test_crops_are_spoilt_in_place():
    damage, kinds = Damage(0), set()
    still = torch.linspace(0.2, 0.8, 24).view(1, 1, 1, 24, 1).expand(3, 3, 4, 24, 20)
    for _ in range(12):
        spoilt = damage(still)
        assert spoilt.shape == still.shape
        error = (spoilt - still).abs()
        assert 0 < error.mean() < 0.05
        kinds.add(bool((spoilt * 255 - (spoilt * 255).round()).abs().max() < 1e-3))
    assert kinds == {True, False}  # 8 bits where a codec was at work


def test_among_pictures_pipes_are_not_waited_for_and_huge_ones_are_left_out(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    Image.new("L", (16, 16)).save(tmp_path / "bomb.png")
    data = bytearray((tmp_path / "bomb.png").read_bytes())
    data[16:24] = struct.pack(">II", 40_000, 40_000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    (tmp_path / "bomb.png").write_bytes(data)
    with pytest.raises(InputError, match="has no pictures"):
        pictures_of(tmp_path, tiled=False)
