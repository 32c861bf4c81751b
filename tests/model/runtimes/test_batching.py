import copy
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from backend.decoding import DecodedImage
from backend.prediction import PredictionService
from model import Click, Predictor, load_predictor
from model.checkpoints import load_checkpoint
from model.heads import pack_head
from model.networks.adapter import Adapter
from model.runtimes.base import Kept
from model.runtimes.batching import BatchingRuntime
from model.runtimes.pytorch import TorchRuntime

AT_ONCE = 4
CLICKS = [Click(60, 40, "select"), Click(50, 60, "boundary")]


class Gated(TorchRuntime):
    """Takes note of how many images each batch has; the first waits until it is let go on."""

    def __init__(self, weights: Path) -> None:
        super().__init__(load_checkpoint(weights), torch.device("cpu"))
        self.batches: list[int] = []
        self.began, self.free = threading.Event(), threading.Event()

    def select_batch(
        self, images: NDArray[np.float32], guidance: NDArray[np.float32]
    ) -> list[tuple[NDArray[np.float32], Kept]]:
        self.batches.append(len(images))
        self.began.set()
        assert self.free.wait(60)
        return super().select_batch(images, guidance)


@pytest.fixture
def gated(tiny_weights: Path) -> Gated:
    return Gated(tiny_weights)


def photo(number: int) -> DecodedImage:
    """Every third one upright: the whole photo is then of another shape than the others."""
    shape = (121, 90) if number % 3 == 2 else (90, 121)
    pixels = np.random.default_rng(number).integers(0, 255, (*shape, 3), dtype=np.uint8)
    return DecodedImage(pixels, str(number))


def test_clicks_that_meet_share_passes_and_get_what_each_gets_alone(
    gated: Gated, tiny_predictor: Predictor
) -> None:
    service = PredictionService(Predictor(BatchingRuntime(gated, AT_ONCE), "tiny", {}), 1 << 24)
    with ThreadPoolExecutor(9) as annotators:
        first = annotators.submit(service.predict, photo(0), CLICKS)
        assert gated.began.wait(60)
        others = [annotators.submit(service.predict, photo(number), CLICKS) for number in range(1, 9)]
        while service.turns.waiting < 9:
            pass
        gated.free.set()
        answers = [each.result() for each in (first, *others)]
    assert gated.batches[0] == 1
    assert 1 < max(gated.batches) <= AT_ONCE
    for number, answer in enumerate(answers):
        alone = tiny_predictor.predict(photo(number).pixels, CLICKS)
        assert answer.crop == alone.crop
        np.testing.assert_allclose(answer.probability, alone.probability, atol=1e-3)


def test_heads_share_the_passes_of_the_selection_network(gated: Gated, tiny_weights: Path) -> None:
    base = load_checkpoint(tiny_weights)
    predictor = Predictor(BatchingRuntime(gated, AT_ONCE), base.version, {})
    other = predictor.with_head(pack_head(base.network, base, {}), "team-v1")
    gated.free.set()
    other.predict(photo(0).pixels, CLICKS)
    assert gated.batches, "another head's selections are computed where all are"


def test_each_heads_adapter_corrects_its_own_selections_alone(gated: Gated, tiny_weights: Path) -> None:
    base = load_checkpoint(tiny_weights)
    shipped = Predictor(BatchingRuntime(gated, AT_ONCE), base.version, {})
    network = copy.deepcopy(base.network)
    network.adapter = Adapter(network.config.feature_channels)
    torch.nn.init.constant_(network.adapter.correct.bias, -20.0)
    torch.nn.init.constant_(network.adapter.gate.decide.bias, 5.0)
    torch.nn.init.zeros_(network.adapter.gate.decide.weight)
    team = shipped.with_head(pack_head(network, base, {}), "team-v1")
    gated.free.set()
    with ThreadPoolExecutor(2) as annotators:
        theirs, ours = annotators.map(
            lambda each: each.predict(photo(0).pixels, CLICKS[:1]).mask, (team, shipped)
        )
    assert not theirs.any(), "this adapter turns everything off"
    assert ours.any()


def test_more_than_fit_are_computed_in_parts(gated: Gated) -> None:
    gated.free.set()
    runtime = BatchingRuntime(gated, AT_ONCE)
    random = np.random.default_rng(0)
    image, guidance = (random.random((1, channels, 64, 64), np.float32) for channels in (3, 1))
    expected, features = TorchRuntime(gated.checkpoint, gated.device).select(image, guidance)
    with ThreadPoolExecutor(11) as threads:
        for logits, kept in threads.map(lambda _: runtime.select(image, guidance), range(11)):
            np.testing.assert_allclose(logits, expected, atol=1e-4)
            assert kept.nbytes == features.nbytes, "no more is kept than this image's part"
    assert sum(gated.batches) == 11
    assert max(gated.batches) <= AT_ONCE


def test_it_is_taken_where_several_threads_may_use_the_predictor(tiny_weights: Path) -> None:
    assert load_predictor(tiny_weights, at_once=3).runtime.at_once == 3
    assert load_predictor(tiny_weights).runtime.at_once == 1


def test_where_a_batch_does_not_fit_each_is_computed_alone_and_fails_alone(gated: Gated) -> None:
    class Small(TorchRuntime):
        """Of little memory, and without mercy for black images."""

        def select_batch(
            self, images: NDArray[np.float32], guidance: NDArray[np.float32]
        ) -> list[tuple[NDArray[np.float32], Kept]]:
            if len(images) > 1 or not images.any():
                raise RuntimeError("out of memory")
            return super().select_batch(images, guidance)

    runtime = BatchingRuntime(Small(gated.checkpoint, gated.device), AT_ONCE)
    image, guidance = np.ones((1, 3, 64, 64), np.float32), np.zeros((1, 1, 64, 64), np.float32)
    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(runtime.select, image * (number % 2), guidance) for number in range(8)]
        for number, each in enumerate(asked):
            if number % 2:
                assert np.isfinite(each.result()[0]).all()
            else:
                with pytest.raises(RuntimeError, match="out of memory"):
                    each.result()
