"""Bodies as Nuclio may hand them on, parsed already or not."""

import json
from typing import Any

import pytest

from model.errors import ImageRejected, RequestInvalid
from plugins.cvat.messages import Body, parse

BODY: dict[str, Any] = {
    "image": "QUJD",
    "pos_points": [[1, 2.5]],
    "neg_points": [],
    "obj_bbox": None,
    "threshold": 0.5,
    "new": {},
}


@pytest.mark.parametrize(
    "body", [BODY, json.dumps(BODY), json.dumps(BODY).encode()], ids=["dict", "str", "bytes"]
)
def test_all_forms_of_a_body_say_the_same(body: Body) -> None:
    interaction = parse(body)
    assert (interaction.file(), interaction.prompts.positive) == (b"ABC", ((1.0, 2.5),))
    assert (interaction.prompts.negative, interaction.prompts.box) == ((), ())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image": 10**5000}, "image: expected a valid string, got a huge number"),
        ({"image": "\ud800"}, "image: "),
        ({"image": b"QUJD"}, "image: expected a valid string, got bytes"),
        ({"pos_points": [[10**5000, 1]]}, "pos_points.0.0: expected a valid number, got a huge number"),
        ({"pos_points": [[float("nan"), 1]]}, "pos_points.0.0: expected a finite number, got nan"),
        ({"pos_points": [[True, 1]]}, "pos_points.0.0: expected a valid number, got True"),
        ({"obj_bbox": [[1, 2], [3, float("inf")]]}, "obj_bbox.1.1: expected a finite number, got inf"),
    ],
)
def test_odd_values_are_one_line(change: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestInvalid) as caught:
        parse({**BODY, **change})
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["QUJ", "QU JD", "QUJD\n", "data:image/png;base64,QUJD", "-_-_", "é"])
def test_an_image_is_plain_base64_to_its_end(text: str) -> None:
    with pytest.raises(ImageRejected, match=f"expected a file in base64, got {len(text)} characters"):
        parse({**BODY, "image": text}).file()
