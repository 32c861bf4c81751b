import copy
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from sqlalchemy import text

from backend.decoding import DecodedImage
from backend.learning import Learning
from backend.learning import heads as heads_module
from backend.learning.heads import Heads
from backend.prediction import PredictionService
from backend.store import NewVersion
from model import Click, Predictor, load_predictor
from model.checkpoints import Checkpoint, load_checkpoint
from model.heads import digest_of, pack_head
from model.runtimes.conversion import ConversionFailed
from model.runtimes.pytorch import checkpoint_of
from tests.backend.learning.material import learning

SELECT, FIRST, SECOND = Click(120, 90, "select"), Click(135, 90, "boundary"), Click(80, 90, "boundary")


@pytest.fixture(scope="module")
def predictor(weights: Path) -> Predictor:
    return load_predictor(weights)


@pytest.fixture
def heads(store: Learning, predictor: Predictor) -> Heads:
    return Heads(predictor, store.versions)


@pytest.fixture
def image(photo: np.ndarray) -> DecodedImage:
    return DecodedImage(photo, "digest")


def promoted(store: Learning, base: Checkpoint, project: str, factor: float) -> str:
    """A version whose head corrects more or less strongly than the base's."""
    network = copy.deepcopy(base.network)
    with torch.no_grad():
        network.refinement.correct.weight.mul_(factor)
    packed = pack_head(network, base, {})
    store.ask(project, "test")
    job = store.jobs.take("me")
    assert job is not None
    new = NewVersion(project.replace("/", "-") or "all", digest_of(packed), "", base.digest, {}, packed)
    return store.versions.conclude(job, 0, new, promote=True).name


def test_a_project_has_its_own_head_else_that_of_all_else_the_shipped_one(
    store: Learning, heads: Heads, predictor: Predictor
) -> None:
    base = checkpoint_of(predictor)
    assert heads.predictor("tool/1") is predictor
    everybody = promoted(store, base, "", 2.0)
    own = promoted(store, base, "tool/1", -3.0)
    assert (heads.predictor("tool/1").version, heads.predictor("tool/2").version) == (own, everybody)
    shared = {id(checkpoint_of(heads.predictor(name)).network.selection) for name in ("tool/1", "tool/2", "")}
    assert shared == {id(base.network.selection)}, "one selection network in memory"
    store.versions.roll_back("tool/1")
    assert heads.predictor("tool/1").version == everybody


def test_a_head_of_other_weights_or_a_database_that_is_away_stops_nobody(
    store: Learning, heads: Heads, predictor: Predictor
) -> None:
    base = checkpoint_of(predictor)
    promoted(store, Checkpoint("older", "00000000", {}, base.network), "tool/1", 2.0)
    assert heads.predictor("tool/1") is predictor, "left aside"
    name = promoted(store, base, "tool/1", 2.0)
    assert heads.predictor("tool/1").version == name
    with store.database.writing() as session:
        session.execute(text("ALTER TABLE model_versions RENAME TO gone"))
    heads.look()
    assert heads.predictor("tool/1").version == name, "who has answered goes on"


def test_work_goes_on_with_its_head_and_new_work_meets_the_new_one(
    store: Learning, heads: Heads, predictor: Predictor, image: DecodedImage
) -> None:
    service = PredictionService(predictor, 1 << 26, heads.predictor)
    begun = service.predict(image, [SELECT, FIRST], project="tool/1")
    elsewhere = service.predict(image, [SELECT, FIRST], project="tool/2")
    name = promoted(store, checkpoint_of(predictor), "tool/1", -3.0)
    onward = service.predict(image, [SELECT, FIRST, SECOND], project="tool/1")
    assert (begun.version, onward.version, onward.reused) == (predictor.version, predictor.version, 2)
    assert np.array_equal(onward.logits, predictor.predict(image.pixels, [SELECT, FIRST, SECOND]).logits)
    anew = service.predict(image, [SELECT], project="tool/1")
    assert (anew.version, anew.reused) == (name, 0)
    after = service.predict(image, [SELECT, FIRST], project="tool/1")
    assert after.version == name
    assert not np.array_equal(after.logits, elsewhere.logits)
    assert service.predict(image, [SELECT, FIRST], project="tool/2").version == predictor.version
    assert (service.version_for("tool/1"), service.version, service.shipped) == (
        name,
        predictor.version,
        predictor.version,
    )


def test_the_base_is_found_again_in_a_predictor(predictor: Predictor, weights: Path) -> None:
    assert checkpoint_of(predictor).digest == load_checkpoint(weights).digest


def test_a_head_that_cannot_be_converted_just_now_answers_as_soon_as_it_can(
    store: Learning, heads: Heads, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    with_head = predictor.with_head

    def fail(_data: bytes, version: str) -> Predictor:
        tried.append(version)
        raise ConversionFailed("networks: expected room")

    monkeypatch.setattr(predictor, "with_head", fail)
    name = promoted(store, checkpoint_of(predictor), "tool/1", 2.0)
    for _ in range(3):
        heads.look()
    assert heads.predictor("tool/1") is predictor
    assert tried == [name], "once a minute"
    monkeypatch.setattr(predictor, "with_head", with_head)
    monkeypatch.setattr(heads, "_aside", dict.fromkeys(heads._aside, 0.0))
    heads.look()
    assert heads.predictor("tool/1").version == name


def test_a_promotion_elsewhere_is_noticed_beside_the_clicks(
    tmp_path: Path, heads: Heads, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = learning(tmp_path)
    name = promoted(elsewhere, checkpoint_of(predictor), "tool/1", 2.0)
    assert heads.predictor("tool/1") is predictor, "not yet"
    monkeypatch.setattr(heads_module, "LOOK_SECONDS", -1.0)
    heads.predictor("tool/1")
    for thread in threading.enumerate():
        if thread.name == "heads":
            thread.join()
    monkeypatch.setattr(heads_module, "LOOK_SECONDS", 1e9)
    assert heads.predictor("tool/1").version == name
    elsewhere.close()
