import copy
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from model import Click, Predictor, WeightsError, load_predictor
from model.checkpoints import load_checkpoint
from model.heads import pack_head
from model.networks.adapter import Adapter
from model.runtimes import conversion
from model.runtimes.pytorch import checkpoint_of

CLICKS = [Click(60, 40, "select"), Click(50, 60, "boundary")]


@pytest.fixture(autouse=True)
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a process has converted for itself alone is not found by the next test."""
    monkeypatch.setattr(conversion, "_OWN", folders := [])
    yield
    for folder in folders:
        folder.cleanup()


@pytest.fixture(scope="module")
def openvino_predictor(tiny_weights: Path) -> Predictor:
    return load_predictor(tiny_weights, runtime="openvino", threads=1)


@pytest.fixture(scope="module")
def head(tiny_predictor: Predictor) -> bytes:
    """Another head than the weights' own."""
    base = checkpoint_of(tiny_predictor)
    network = copy.deepcopy(base.network)
    with torch.no_grad():
        for value in network.refinement.parameters():
            value.mul_(1.5)
    return pack_head(network, base, {"made": "here"})


@pytest.fixture(scope="module")
def adapted_head(tiny_predictor: Predictor) -> bytes:
    """One with an adapter, for which every picture is half of the kind that it knows."""
    base = checkpoint_of(tiny_predictor)
    network = copy.deepcopy(base.network)
    torch.manual_seed(2)
    network.adapter = Adapter(base.network.config.feature_channels)
    torch.nn.init.normal_(network.adapter.correct.weight)
    torch.nn.init.normal_(network.adapter.gate.decide.weight, std=1e-2)
    return pack_head(network, base, {"made": "here"})


def assert_alike(ours: Predictor, theirs: Predictor, image: np.ndarray) -> None:
    """After the selection the same, but for the order of sums; after boundary clicks as far as bfloat16 goes."""
    ours_selected, theirs_selected = (each.predict(image, CLICKS[:1]) for each in (ours, theirs))
    np.testing.assert_allclose(ours_selected.probability, theirs_selected.probability, atol=1e-4)
    assert ours_selected.crop == theirs_selected.crop
    corrected, expected = (each.predict(image, CLICKS[:2]) for each in (ours, theirs))
    moved = np.abs(expected.probability - theirs_selected.probability).mean()
    assert np.abs(corrected.probability - expected.probability).mean() < 0.1 * moved


@pytest.mark.parametrize("shape", [(90, 121), (300, 64), (128, 128)])
def test_it_answers_as_torch_does(
    openvino_predictor: Predictor, tiny_predictor: Predictor, shape: tuple[int, int]
):
    image = np.random.default_rng(1).integers(0, 255, (*shape, 3), dtype=np.uint8)
    assert_alike(openvino_predictor, tiny_predictor, image)
    assert openvino_predictor.version == tiny_predictor.version


def test_another_head_answers_as_with_torch_on_the_same_selection_network(
    openvino_predictor: Predictor, tiny_predictor: Predictor, head: bytes, noise_image: np.ndarray
):
    ours, theirs = (each.with_head(head, "team-v1") for each in (openvino_predictor, tiny_predictor))
    assert_alike(openvino_predictor, tiny_predictor, noise_image)
    assert_alike(ours, theirs, noise_image)
    assert not np.array_equal(
        ours.predict(noise_image, CLICKS).logits, openvino_predictor.predict(noise_image, CLICKS).logits
    )
    assert (ours.version, ours.training) == ("team-v1", {"made": "here"})


@pytest.mark.parametrize("shape", [(90, 121), (300, 64)])
def test_an_adapter_corrects_first_masks_as_with_torch(
    openvino_predictor: Predictor, tiny_predictor: Predictor, adapted_head: bytes, shape: tuple[int, int]
):
    image = np.random.default_rng(1).integers(0, 255, (*shape, 3), dtype=np.uint8)
    ours, theirs = (each.with_head(adapted_head, "team-v2") for each in (openvino_predictor, tiny_predictor))
    assert_alike(ours, theirs, image)
    first, shipped = (each.predict(image, CLICKS[:1]).probability for each in (ours, openvino_predictor))
    assert np.abs(first - shipped).max() > 0.05


def test_weights_are_converted_once(
    openvino_predictor: Predictor, tiny_weights: Path, head: bytes, monkeypatch: pytest.MonkeyPatch
):
    openvino_predictor.with_head(head, "team-v1")

    def refuse(_arguments: list[str]) -> None:
        raise AssertionError("converted again")

    monkeypatch.setattr(conversion, "_run_program", refuse)
    load_predictor(tiny_weights, runtime="openvino").with_head(head, "team-v1")


def test_where_nothing_can_be_kept_a_process_converts_for_itself_once(
    tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, noise_image: np.ndarray
):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.chdir(tiny_weights.parent)  # a path from here means the same to the process that converts
    predictor = load_predictor(tiny_weights.name, runtime="openvino")
    assert predictor.predict(noise_image, CLICKS).mask.shape == (90, 121)
    monkeypatch.setattr(conversion, "LONGEST_SECONDS", 0.01)
    assert tmp_path not in conversion.converted_selection(tiny_weights).parents


@pytest.mark.skipif(os.name != "posix", reason="who owns a file is known elsewhere in other ways")
def test_a_cache_that_others_can_write_or_that_is_damaged_is_not_run(
    tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    converted = conversion.converted_selection(tiny_weights)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache = conversion.cache_folder()
    file = Path(shutil.copytree(converted, cache / converted.name)) / conversion.SELECT
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(conversion.ConversionFailed, match="remove its folder"):
        load_predictor(tiny_weights, runtime="openvino")
    cache.chmod(0o777)
    monkeypatch.setattr(conversion, "LONGEST_SECONDS", 0.01)
    with pytest.raises(conversion.ConversionFailed, match=r"within 0\.01 s"):
        load_predictor(tiny_weights, runtime="openvino")


def test_what_nobody_has_used_for_long_goes_and_what_is_used_stays(
    tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    converted = conversion.converted_selection(tiny_weights)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache = conversion.cache_folder()
    used = Path(shutil.copytree(converted, cache / converted.name))
    rejected, older, interrupted, running = (
        cache / "rejected",
        cache.parent / "older" / "one",
        cache / "converting-a",
        cache / "converting-b",
    )
    for folder in (rejected, older, interrupted, running):
        folder.mkdir(parents=True)
        (folder / conversion.SELECT).touch()
    long_ago = time.time() - 40 * 86400
    for folder in (used, rejected, older):
        os.utime(folder, (long_ago, long_ago))
    os.utime(interrupted, (time.time() - 7200, time.time() - 7200))
    assert conversion.converted_selection(tiny_weights) == used
    (tmp_path / "others").write_bytes(tiny_weights.read_bytes()[:5000])
    with pytest.raises(WeightsError):
        conversion.converted_selection(tmp_path / "others")
    assert sorted(each.name for each in cache.iterdir()) == sorted([used.name, running.name])
    assert list(cache.parent.iterdir()) == [cache]


def test_a_head_of_other_weights_and_one_that_is_none_are_refused(openvino_predictor: Predictor, head: bytes):
    with pytest.raises(WeightsError, match="complete head"):
        openvino_predictor.with_head(head[:500], "team-v1")
    other = Predictor(openvino_predictor.runtime, "tiny-00000000", {})
    with pytest.raises(WeightsError, match="learn again"):
        other.with_head(head, "team-v1")


def test_weights_that_cannot_be_used_are_told_in_one_line(tiny_weights: Path, tmp_path: Path):
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(tiny_weights.read_bytes()[:5000])
    with pytest.raises(WeightsError, match="complete safetensors file"):
        load_predictor(damaged, runtime="openvino")


def test_what_openvino_cannot_do_is_said(tiny_weights: Path):
    with pytest.raises(WeightsError, match="expected device cpu, got cuda"):
        load_predictor(tiny_weights, device="cuda", runtime="openvino")
    with pytest.raises(WeightsError, match="expected one of auto, torch, openvino"):
        load_predictor(tiny_weights, runtime="onnx")  # type: ignore[arg-type]


def test_auto_falls_back_to_torch_where_the_conversion_fails(
    tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(conversion, "LONGEST_SECONDS", 0.01)
    predictor = load_predictor(tiny_weights, runtime="auto")
    assert predictor.runtime.name == "torch"
    assert "converted within 0.01 s" in caplog.text
    assert load_checkpoint(tiny_weights).version == predictor.version


def test_nobody_is_told_that_the_library_runs(tiny_weights: Path, tmp_path: Path) -> None:
    """Its telemetry, which is on unless the user has opted out, keeps an identity in the home folder."""
    code = (
        "import sys; from model import load_predictor; load_predictor(sys.argv[1], runtime='openvino'); "
        "print([name for name in sys.modules if name.startswith('openvino_telemetry.')])"
    )
    outside_ci = {name: value for name, value in os.environ.items() if name != "CI"}
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tiny_weights)],
        env=outside_ci | home,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
    assert (tmp_path / "cache" / "boundaryclick").is_dir(), "converted by a process of its own"
    assert not (tmp_path / "intel").exists()
