"""The agent's function by itself; with cvat-cli around it, see tests/end_to_end/test_cvat_agent.py."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.plugins.cvat.doubles import Answers, store

cvataa = pytest.importorskip("cvat_sdk.auto_annotation")
agent = pytest.importorskip("plugins.cvat.agent")


class Clicks:
    """Prompts of an annotator."""

    bounding_box = None

    def __init__(
        self, *pos_points: tuple[float, float], neg_points: tuple[tuple[float, float], ...] = ()
    ) -> None:
        self.pos_points, self.neg_points = pos_points, neg_points


def test_a_click_becomes_a_shape() -> None:
    answers = Answers()
    function = agent.BoundaryClick(answers, store(), "boundary")
    frame = function.preprocess_image(None, Image.new("RGB", (8, 6)))
    (shape,) = function.detect(None, frame, Clicks((4, 3), (6, 3), neg_points=((4, 2),)))
    assert (str(shape.type), shape.points) == ("mask", [0, 6, 3, 2, 5, 3])
    (attribute,) = shape.attributes
    assert (attribute.spec_id, attribute.value) == (0, "0.9300")
    assert [(click.x, click.y) for click in answers.asked[0]] == [(3.5, 2.5), (5.5, 2.5), (3.5, 1.5)]


def test_right_clicks_can_be_ignored_but_are_allowed() -> None:
    answers = Answers()
    function = agent.BoundaryClick(answers, store(), "ignore")
    assert function.spec.min_neg_points == 0
    frame = function.preprocess_image(None, Image.new("RGB", (8, 6)))
    function.detect(None, frame, Clicks((4, 3), neg_points=((4, 2),)))
    assert len(answers.asked[0]) == 1


def test_nothing_found_is_no_shape() -> None:
    function = agent.BoundaryClick(Answers(np.zeros((6, 8), bool)), store(), "boundary")
    assert (
        function.detect(None, function.preprocess_image(None, Image.new("L", (8, 6))), Clicks((4, 3))) == []
    )


def test_errors_are_of_the_kind_that_the_annotator_sees() -> None:
    function = agent.BoundaryClick(Answers(), store(max_bytes=10), "boundary")
    with pytest.raises(cvataa.BadFunctionError, match="at most 10 bytes"):
        function.preprocess_image(None, Image.new("RGB", (8, 6)))
    function = agent.BoundaryClick(Answers(), store(), "boundary")
    frame = function.preprocess_image(None, Image.new("RGB", (8, 6)))
    with pytest.raises(cvataa.BadFunctionError, match="click x: expected 0 to 8"):
        function.detect(None, frame, Clicks((40, 3)))


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "RGBA", "LA", "I;16", "CMYK", "palette with a hole"])
def test_a_frame_is_decoded_as_its_file_would_be(mode: str) -> None:
    values = (np.arange(96).reshape(6, 16) * 2).astype(np.uint8)
    image = Image.fromarray(values)
    if mode == "I;16":
        image = Image.fromarray(values.astype(np.uint16) * 40)
    elif mode == "palette with a hole":
        image = image.convert("P")
        image.info["transparency"] = 7
    else:
        image = image.convert(mode)
    buffer = io.BytesIO()
    image.save(buffer, "TIFF" if mode == "CMYK" else "PNG")
    frame = agent.BoundaryClick(Answers(), store(), "boundary").preprocess_image(None, image)
    assert np.array_equal(frame.pixels, store().decode(buffer.getvalue()).pixels)
