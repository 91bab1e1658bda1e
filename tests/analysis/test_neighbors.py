"""The search of neighbours against a slow, plain one."""

import pytest
import torch

from deeptsr.analysis.neighbors import KINDS, Patches, cut, nearest, pools
from tests.helpers.synth import generator, noise, pan

PATCH = (3, 5, 5)


def gray(clip):
    return clip.mean(3)


def all_of(volume, patch=PATCH, step=1):
    starts = [torch.arange(0, n - p + 1, step) for n, p in zip(volume.shape, patch, strict=True)]
    return cut(volume, patch, tuple(starts))


def brute_force(queries, pool, count):
    """Every pair, one by one, in double precision."""
    distances = torch.cdist(queries.vectors.double(), pool.vectors.double()) ** 2
    for i, box in enumerate(queries.boxes):
        apart = (box[3:] <= pool.boxes[:, :3]) | (pool.boxes[:, 3:] <= box[:3])
        distances[i, ~apart.any(1)] = torch.inf
    return distances.topk(count, dim=1, largest=False)


@pytest.mark.parametrize("clip", [pan(14, 24, 26, speed=1.5), noise(14, 24, 26, 3)])
def test_it_finds_what_brute_force_finds(clip):
    queries = all_of(gray(clip), step=4)
    for pool in pools(gray(clip), PATCH, (1.0, 0.7), 8000, generator()):
        found, index = nearest(queries, pool, 10)
        expected = brute_force(queries, pool, 10)
        both = zip(index.tolist(), expected.indices.tolist(), strict=True)
        assert sum(len(set(a) & set(b)) for a, b in both) >= 0.9 * 10 * len(queries)
        torch.testing.assert_close(found.double(), expected.values, atol=1e-5, rtol=1e-4)


def test_a_patch_finds_neither_itself_nor_what_overlaps_it():
    volume = gray(noise(9, 20, 20, 3))
    everything = all_of(volume)
    middle = everything.pick(torch.tensor([len(everything) // 2]))
    found, index = nearest(middle, everything, 10)
    (box,) = middle.boxes
    for other in everything.boxes[index[0]]:
        assert ((other[3:] <= box[:3]) | (box[3:] <= other[:3])).any()
    assert found.min() > 0.1  # in noise nothing else is alike


def test_what_repeats_is_found_where_it_repeats():
    picture = noise(1, 12, 12, 3)
    volume = gray(picture.repeat(12, 1, 1, 1))
    query = cut(volume, PATCH, (torch.tensor([0]), torch.tensor([3]), torch.tensor([4])))
    found, index = nearest(query, all_of(volume), 4)
    assert found.max() < 1e-6
    places = all_of(volume).boxes[index[0], :3]
    assert (places[:, 1:] == torch.tensor([3.0, 4.0])).all()
    assert sorted(places[:, 0].tolist())[0] >= 3  # later than the query's last frame


def test_fewer_candidates_than_neighbors_leave_infinite_distances():
    volume = gray(noise(3, 5, 15, 3))
    found, _ = nearest(all_of(volume, step=10), all_of(volume, step=10), 3)
    assert found.isfinite().sum(1).tolist() == [1, 1]  # each other


def test_brightness_and_contrast_do_not_matter():
    volume = gray(noise(6, 12, 12, 3))
    darker = 0.3 + 0.4 * volume
    assert torch.allclose(all_of(volume).vectors, all_of(darker).vectors, atol=0.02)
    flat = all_of(0.5 + volume / 1e4)
    assert flat.vectors.norm(dim=1).max() < 0.01  # noise is not blown up


def test_both_sides_have_the_same_number_of_candidates():
    within, across = pools(gray(noise(20, 16, 40, 3)), PATCH, (1.0, 0.75), 3000, generator())
    assert len(within) == len(across) == 1500
    assert within.kind.unique().tolist() == [KINDS.index("within")]
    assert across.kind.bincount().tolist() == [0, 750, 750]
    assert within.scale.unique().tolist() == [0.75, 1.0]


def test_boxes_lie_in_the_clip_whatever_the_dimension():
    clip = gray(noise(20, 16, 40, 3))
    for pool in pools(clip, PATCH, (1.0, 0.6), 4000, generator()):
        assert pool.boxes[:, :3].min() >= 0
        assert (pool.boxes[:, 3:].amax(0) <= torch.tensor([20, 16, 40]) + 1e-3).all()
        assert (pool.boxes[:, 3:] > pool.boxes[:, :3]).all()


def test_a_swapped_candidate_is_the_exposed_volume():
    clip = gray(noise(12, 14, 16, 3))
    _, across = pools(clip, PATCH, (1.0,), 2000, generator())
    mine = across.pick((across.kind == KINDS.index("across-x")).nonzero()[:1, 0])
    low, high = mine.boxes[0, :3].long(), mine.boxes[0, 3:].long()
    part = clip[low[0] : high[0], low[1] : high[1], low[2] : high[2]]  # (5, 5, 3 * jump)
    jump = part.shape[2] // PATCH[0]
    exposed = part.unflatten(2, (3, jump)).mean(3).permute(2, 1, 0)  # (x, y, t)
    direct = cut(exposed.contiguous(), PATCH, (torch.tensor([0]),) * 3)
    assert torch.allclose(direct.vectors, mine.vectors, atol=1e-5)


def test_a_seed_repeats_the_draw():
    clip = gray(noise(20, 16, 40, 3))
    one, again, other = (pools(clip, PATCH, (1.0,), 500, generator(s))[0] for s in (1, 1, 2))
    assert torch.equal(one.boxes, again.boxes)
    assert not torch.equal(one.boxes, other.boxes)


def test_a_clip_that_holds_no_patch_has_empty_pools():
    within, across = pools(torch.zeros(3, 8, 8), PATCH, (1.0,), 100, generator())
    assert (len(within), len(across)) == (0, 0)
    assert isinstance(within, Patches)
