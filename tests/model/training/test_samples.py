"""Objects, their split and cache, and the samples that are made of them; all on real files."""

from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from model.errors import DatasetError
from model.networks.two_stage import normalise_image
from model.training.data import TrainingData
from model.training.distributed import Ranks
from model.training.image_cache import ImageCache
from model.training.objects import ObjectPool, is_held_out, open_pools
from model.training.samples import Drafts, Sample, fixed_samples, random_selection_click, rendered
from model.training.selection import network_input
from model.training.settings import ClickSampling, DataSet, TrainingSettings
from tests.model.scenes import write_coco

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_coco(tmp_path_factory.mktemp("data") / "set", 6)


def settings(*folders: Path, **changes: object) -> TrainingSettings:
    values = {"stage": "selection", "data": [{"folder": f} for f in folders], "size": 64, "workers": 0}
    return TrainingSettings.model_validate(values | changes)


def no_cache() -> ImageCache:
    return ImageCache(Path("unused"), 0, 640)


def pool(folder: Path, held_out: float = 0.0, **weights: object) -> ObjectPool:
    return open_pools([DataSet(folder=folder, **weights)], held_out, no_cache())[0]


def drafts(folder: Path, **changes: object) -> Drafts:
    chosen = settings(folder, **changes)
    return Drafts(pool(folder), chosen, chosen.crop_policy)


def test_the_split_is_by_image_and_stable():
    names = [f"photo{n}.jpg" for n in range(4000)]
    assert 0.02 < np.mean([is_held_out(name, 0.03) for name in names]) < 0.04
    assert [name for name in names[:60] if is_held_out(name, 0.03)] == [
        "photo10.jpg",
        "photo22.jpg",
        "photo53.jpg",
        "photo55.jpg",
    ]
    assert {n for n in names if is_held_out(n, 0.03)} < {n for n in names if is_held_out(n, 0.1)}
    assert not any(is_held_out(name, 0.0) for name in names)


def test_no_image_is_in_both_parts(folder: Path):
    training, held_out = open_pools([DataSet(folder=folder)], 0.4, no_cache())
    parts = [{p.file_name(n) for n in range(len(p))} for p in (training, held_out)]
    assert not parts[0] & parts[1]
    assert len(parts[0] | parts[1]) == 6
    assert parts[0]
    assert parts[1]


def test_objects_are_drawn_by_the_weights_of_set_and_source(folder: Path, tmp_path: Path):
    second = write_coco(tmp_path / "second", 6)
    sets = [
        DataSet(folder=folder, sources={"set0": 0.0}),
        DataSet(folder=second, weight=3.0, sources={"set1": 2.0}),
    ]
    both, _ = open_pools(sets, 0.0, no_cache())
    assert len(both) == 3 + 6
    generator = np.random.default_rng(0)
    drawn = Counter(both.draw(generator) for _ in range(6000))
    # three objects of weight 1, then by turns 6 and 3: 30 in all
    shares = [drawn[n] / 6000 * 30 for n in range(9)]
    assert shares[:3] == pytest.approx([1, 1, 1], abs=0.3)
    assert sorted(shares[3:]) == pytest.approx([3, 3, 3, 6, 6, 6], abs=0.7)


def test_nothing_to_train_on_is_an_error(folder: Path):
    with pytest.raises(DatasetError, match="found none in"):
        pool(folder, weight=0.0)


def test_an_image_is_decoded_once_and_reduced(tmp_path: Path):
    pixels = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)
    path = tmp_path / "photo.png"
    path.write_bytes(b"first")
    decoded = []

    def decode() -> np.ndarray:
        decoded.append(path)
        return pixels

    cache = ImageCache(tmp_path / "cache", 10**6, 40)
    cache.reserve(path, 80, 60)
    first, second = cache.load(path, decode), cache.load(path, decode)
    assert first.shape == (30, 40, 3)
    assert np.array_equal(first, second)
    assert len(decoded) == 1
    assert len(list((tmp_path / "cache").iterdir())) == 1
    path.write_bytes(b"another photo")
    cache.load(path, decode)
    assert len(decoded) == 2, "a file that has changed is decoded again"


def test_the_cache_keeps_within_its_bound(tmp_path: Path):
    cache = ImageCache(tmp_path / "cache", 20_000, 640)
    for name in "abc":
        path = tmp_path / name
        path.write_bytes(b"")
        cache.reserve(path, 60, 50)
        cache.load(path, lambda: np.zeros((50, 60, 3), np.uint8))
    kept = [file.stat().st_size for file in (tmp_path / "cache").iterdir()]
    assert len(kept) == 1
    assert sum(kept) <= 20_000


def test_a_damaged_file_of_the_cache_is_made_again(tmp_path: Path):
    path = tmp_path / "photo"
    path.write_bytes(b"")
    pixels = np.ones((5, 6, 3), np.uint8)
    cache = ImageCache(tmp_path / "cache", 10**6, 640)
    cache.reserve(path, 6, 5)
    cache.load(path, lambda: pixels)
    (kept,) = (tmp_path / "cache").iterdir()
    for damage in (b"", kept.read_bytes()[:100], b"something else"):
        kept.write_bytes(damage)
        assert np.array_equal(cache.load(path, lambda: pixels), pixels)
        assert np.array_equal(np.load(kept), pixels)


def test_masks_follow_images_that_are_reduced(folder: Path):
    training, _ = open_pools([DataSet(folder=folder)], 0.0, ImageCache(Path("unused"), 0, 80))
    image, mask = training.load(0)
    assert image.shape == (60, 80, 3)
    assert mask.shape == (60, 80)
    assert image[mask].mean() > image[~mask].mean() + 50


def test_a_sample_depends_on_seed_and_number_alone(folder: Path):
    first, again = drafts(folder, seed=1)[7], drafts(folder, seed=1)[7]
    assert torch.equal(first["target"], again["target"])
    assert torch.equal(rendered([first])["image"], rendered([again])["image"])
    assert first["click"].tolist() == again["click"].tolist()
    assert first["click"].tolist() != drafts(folder, seed=1)[8]["click"].tolist()
    assert first["click"].tolist() != drafts(folder, seed=2)[7]["click"].tolist()


def test_selection_clicks_of_samples_lie_in_the_object(folder: Path):
    samples = drafts(folder, paste=1.0)
    for number in range(20):
        sample = samples[number]
        x, y = sample["click"].tolist()
        assert sample["target"][round(y), round(x)]
        assert (sample["distance"] == 0).equal(sample["target"])


def test_paper_style_clicks_without_jitter_are_the_centre():
    truth = np.zeros((64, 64), bool)
    truth[10:31, 20:51] = True
    generator = np.random.default_rng(0)
    paper = ClickSampling(paper_share=1.0, selection_jitter=0.0)
    assert random_selection_click(truth, paper, generator) == (35.0, 20.0)
    spread = {random_selection_click(truth, ClickSampling(paper_share=0.0), generator) for _ in range(20)}
    assert len(spread) > 10


def test_workers_and_processes_share_the_samples_out(folder: Path):
    """Whatever the number of workers, the same batches; each process its own; after a resume the next ones."""

    def clicks(ranks: Ranks, step: int, workers: int, count: int) -> list[list[list[float]]]:
        data = TrainingData(settings(folder, workers=workers, held_out=0.0), folder.parent / "run")
        batches = data.batches(ranks, CPU, step, 2)
        return [next(batches)["click"].tolist() for _ in range(count)]

    alone = clicks(Ranks(), 0, 0, 4)
    assert clicks(Ranks(), 0, 2, 4) == alone
    assert clicks(Ranks(), 2, 0, 2) == alone[2:]
    pair = [clicks(Ranks(rank, 2, rank), 0, 0, 2) for rank in (0, 1)]
    assert [pair[0][0], pair[1][0], pair[0][1], pair[1][1]] == alone


def test_rendering_on_the_device_gives_the_same_samples(folder: Path):
    def batch(augment_on: str) -> Sample:
        chosen = settings(folder, held_out=0.0, pipeline={"augment_on": augment_on})
        return next(TrainingData(chosen, folder.parent / "run").batches(Ranks(), CPU, 0, 4))

    on_cpu, on_device = batch("cpu"), batch("device")
    assert torch.equal(on_cpu["target"], on_device["target"])
    assert torch.equal(on_cpu["click"], on_device["click"])
    assert on_device["image"].dtype == torch.uint8
    # the scenes are noise, which interpolation in other steps changes: compare what is left when it is averaged
    means = [cv2.blur(b["image"][0].numpy(), (9, 9))[8:-8, 8:-8].astype(int) for b in (on_cpu, on_device)]
    assert np.abs(means[0] - means[1]).mean() < 3


def test_validation_samples_are_held_out_plain_and_the_same_in_every_run(folder: Path):
    def fixed(seed: int) -> Sample | None:
        chosen = settings(folder, seed=seed)
        _, held_out = open_pools(chosen.data, 0.4, no_cache())
        return fixed_samples(held_out, chosen, chosen.crop_policy, 5)

    one, other = fixed(1), fixed(2)
    assert one is not None
    assert other is not None
    assert torch.equal(one["image"], other["image"])
    assert one["image"].shape == (5, 64, 64, 3)
    nothing = open_pools([DataSet(folder=folder)], 0.0, no_cache())[1]
    assert fixed_samples(nothing, settings(folder), settings(folder).crop_policy, 5) is None


def test_images_enter_the_network_as_at_inference():
    pixels = np.random.default_rng(0).integers(0, 255, (2, 8, 8, 3), dtype=np.uint8)
    given = network_input(torch.from_numpy(pixels), CPU)
    assert torch.equal(given, normalise_image(pixels))
    assert given.is_contiguous(memory_format=torch.channels_last)
