"""The paper's networks behind the same predictor and evaluation as the default one; untrained and tiny."""

from pathlib import Path

import numpy as np
import pytest
import torch

from model import Click, InvalidClick, Predictor, load_predictor
from model.checkpoints import save_checkpoint
from model.datasets.layouts import open_dataset
from model.evaluation.loop import Procedure, evaluate
from model.geometry import Box, View
from model.networks import configuration
from model.networks.building import build_network
from model.networks.paper.crops import aligned_region
from model.paper import click_maps, crop_view, edges_in
from tests.model.scenes import scene, write_grabcut

STYLES = {"": "boundary", "-pnr": "positive", "-naive": "boundary"}


@pytest.fixture(scope="module")
def predictors(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Predictor]:
    folder, found = tmp_path_factory.mktemp("paper"), {}
    for style in STYLES:
        torch.manual_seed(2)
        network = build_network(configuration(f"paper-tiny{style}")).eval()
        torch.nn.init.normal_(network.selection.classify.weight, std=2.0)
        save_checkpoint(folder / f"paper{style}.safetensors", network, {"stage": "none"})
        found[style] = load_predictor(folder / f"paper{style}.safetensors")
    return found


@pytest.mark.parametrize("style", STYLES)
def test_a_session_selects_refines_and_undoes(predictors: dict[str, Predictor], style: str):
    image, truth = scene(3)
    session = predictors[style].start(image)
    assert session.click(Click(80, 60)).shape == truth.shape
    first, box = session.logits, session.crop
    assert box.left >= 0
    assert box.right <= 160
    session.click(Click(90, 50, STYLES[style]))
    second = session.logits
    assert not np.array_equal(first, second), "what the head says replaces the mask"
    session.click(Click(70, 75, STYLES[style]))
    assert not np.array_equal(second, session.logits)
    session.undo()
    assert np.array_equal(session.logits, second)
    session.undo()
    assert np.array_equal(session.logits, first)


def test_the_image_is_encoded_once_for_an_object(predictors: dict[str, Predictor]):
    predictor, (image, _) = predictors[""], scene(4)
    calls = []
    handle = predictor._passes.network.selection.register_forward_hook(lambda *_: calls.append(1))
    session = predictor.start(image)
    for click in (Click(80, 60), Click(100, 60, "boundary"), Click(60, 60, "boundary")):
        session.click(click)
    handle.remove()
    assert len(calls) == 1


def test_each_network_takes_its_own_kind_of_click(predictors: dict[str, Predictor]):
    image, _ = scene(3)
    session = predictors["-pnr"].start(image)
    session.click(Click(80, 60))
    with pytest.raises(InvalidClick, match="select and positive and negative clicks, got boundary"):
        session.click(Click(80, 60, "boundary"))
    with pytest.raises(InvalidClick, match="positive click: expected a selection click first"):
        predictors["-pnr"].start(image).click(Click(80, 60, "positive"))
    positive, negative = (
        predictors["-pnr"].predict(image, [Click(80, 60), Click(90, 50, role)]).logits
        for role in ("positive", "negative")
    )
    assert not np.array_equal(positive, negative), "two channels: the sign of a click counts"


def test_a_boundary_click_beyond_the_crop_pools_again(predictors: dict[str, Predictor]):
    predictor, (image, _) = predictors[""], scene(4)
    session = predictor.start(image, box=Box(70, 50, 90, 70))
    session.click(Click(80, 60))
    narrow = session.crop
    assert narrow.right < 130
    session.click(Click(130, 60, "boundary"))
    assert session.crop.contains(130, 60)
    assert session.crop.contains(narrow.left, narrow.top)


def test_a_click_at_the_image_s_edge_stays_in_the_crop(predictors: dict[str, Predictor]):
    image, _ = scene(4)
    session = predictors[""].start(image, box=Box(0, 20, 60, 90))
    session.click(Click(30, 60))
    before = session.crop
    session.click(Click(0, 60, "boundary"))
    assert session.crop == before


def test_a_given_mask_changes_only_where_the_head_says_so(predictors: dict[str, Predictor]):
    image, truth = scene(5)
    session = predictors[""].start(image, mask=truth)
    rows, columns = np.nonzero(truth)
    session.click(Click(float(columns[0]), float(rows[0]), "boundary"))
    crop = session.crop
    outside = np.ones_like(truth)
    outside[crop.top : crop.bottom, crop.left : crop.right] = False
    assert np.array_equal(session.mask[outside], truth[outside])


@pytest.mark.parametrize(("style", "clicker"), [("", "paper"), ("-pnr", "centre")])
def test_the_same_evaluation_runs(predictors: dict[str, Predictor], style: str, clicker: str, tmp_path: Path):
    objects = open_dataset(f"grabcut:{write_grabcut(tmp_path / 'GrabCut', 1)}")
    (evaluated,) = evaluate(predictors[style], objects, Procedure(clicker, clicks=4))
    assert [row.click for row in evaluated.rows] == [1, 2, 3, 4]
    assert {row.role for row in evaluated.rows[1:]} <= set(configuration(f"paper-tiny{style}").roles[1:])
    assert evaluated.rows[0].encodes == 1
    assert len(evaluated.rows[0].held_by_padding) == 11


def test_edges_of_a_box_in_the_view_and_back():
    whole = View(Box(0, 0, 200, 100), 96, 192)  # 0.96 network pixels to an image pixel
    edges = edges_in(whole, Box(50, 25, 150, 75))
    assert edges == pytest.approx((48.0, 24.0, 144.0, 72.0))
    view = crop_view(whole, aligned_region(edges, (96, 192), 8, 16))
    assert (view.box, view.height, view.width) == (Box(50, 25, 150, 75), 64, 64)


def test_click_maps_are_the_paper_s_gaussians_one_for_each_kind_of_click():
    whole = View(Box(0, 0, 64, 64), 64, 64)
    points = [(20.0, 20.0, "positive"), (40.0, 30.0, "negative"), (20.0, 40.0, "positive")]
    positive, negative = click_maps(points, whole, configuration("paper-pnr"))
    assert positive[20, 20] == positive[40, 20] == negative[30, 40] == 1.0
    assert positive[20, 30].item() == pytest.approx(np.exp(-0.5))  # one sigma of 10 px
    assert negative[30, 50].item() == pytest.approx(np.exp(-0.5))
