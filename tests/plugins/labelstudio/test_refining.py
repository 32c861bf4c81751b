"""A selection click in a region that is there already goes on from it."""

from typing import Any

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient

from plugins.labelstudio import Connection
from plugins.labelstudio.options import Options, Refine
from plugins.labelstudio.regions import read_mask
from plugins.labelstudio.rle import encode
from plugins.labelstudio.routes import create_blueprint
from tests.plugins.labelstudio.doubles import Discs, Downloads, Pictures, golden

SIZE = (600, 400)
CLICK = (276, 160)
"""Where the recorded first click lies, in pixels."""


def around(radius: int) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """A square about the click."""
    rows, columns = np.mgrid[: SIZE[1], : SIZE[0]]
    return np.asarray((abs(columns - CLICK[0]) < radius) & (abs(rows - CLICK[1]) < radius))


def brush(name: str, radius: int, label: str = "Other", **changes: Any) -> dict[str, Any]:
    """A region about the click as Label Studio stores it."""
    return {
        "id": name,
        "from_name": "mask",
        "to_name": "image",
        "type": "brushlabels",
        "original_width": SIZE[0],
        "original_height": SIZE[1],
        "image_rotation": 0,
        "value": {"format": "rle", "rle": encode(around(radius)), "brushlabels": [label]},
        **changes,
    }


def draft(*regions: dict[str, Any], annotation: int | None = None) -> dict[str, Any]:
    return {"id": 5, "annotation": annotation, "user": "a@example.org", "result": list(regions)}


def annotation(*regions: dict[str, Any], number: int = 1) -> dict[str, Any]:
    return {"id": number, "completed_by": 1, "result": list(regions)}


def asked(count: int, drafts: Any = (), annotations: Any = ()) -> dict[str, Any]:
    """The recorded request, with something drawn before."""
    body: dict[str, Any] = golden(f"request-clicks-{count}")
    body["tasks"][0].update(drafts=list(drafts), annotations=list(annotations))
    return body


@pytest.fixture
def service() -> Discs:
    return Discs()


def client(service: Discs, refine: Refine = "annotations") -> FlaskClient:
    app = Flask("test")
    download = Downloads()
    blueprint = create_blueprint(
        service, Pictures(), download, Connection("http://ls"), options=Options(refine)
    )
    app.register_blueprint(blueprint)
    return app.test_client()


def answer(http: FlaskClient, body: dict[str, Any]) -> dict[str, Any]:
    """The one region of the answer."""
    response = http.post("/predict", json=body)
    assert response.status_code == 200, response.text
    (item,) = response.get_json()["results"][0]["result"]
    assert isinstance(item, dict)
    return item


def test_the_region_comes_back_as_it_was_and_then_changes_where_the_outline_is_clicked(
    service: Discs,
) -> None:
    http = client(service)
    drawn = [draft(brush("by-hand", 30))]
    first = answer(http, asked(1, drawn))
    assert (first["id"], first["value"]["brushlabels"]) == ("by-hand", ["Other"])
    np.testing.assert_array_equal(read_mask(first), around(30))
    assert service.asked == []
    second = answer(http, asked(2, drawn))
    assert second["id"] == "by-hand"
    assert read_mask(second)[around(30)].all()
    assert read_mask(second).sum() > around(30).sum()
    assert [[click.role for click in clicks] for clicks in service.asked] == [["boundary"]]


def test_all_clicks_on_an_object_begin_with_the_same_mask(service: Discs) -> None:
    http = client(service)
    answer(http, asked(1, [draft(brush("a", 30))]))
    changed = answer(http, asked(2, [draft(brush("a", 5))]))
    assert read_mask(changed)[around(30)].all()


@pytest.mark.parametrize(
    ("refine", "drafts", "annotations", "region"),
    [
        ("annotations", [draft(brush("d", 40))], [annotation(brush("a", 30))], "a"),
        ("annotations", [draft(brush("d", 20))], [annotation(brush("a", 30))], "d"),
        ("annotations", [draft(annotation=1)], [annotation(brush("a", 30))], None),
        ("annotations", [draft(annotation=1)], [annotation(brush("b", 30), number=2)], "b"),
        ("drafts", [draft(brush("d", 40))], [annotation(brush("a", 30))], "d"),
        ("drafts", [], [annotation(brush("a", 30))], None),
        ("off", [draft(brush("d", 40))], [annotation(brush("a", 30))], None),
        ("annotations", [draft(brush("d", 40, label="Object"))], [], None),
        ("annotations", [draft(brush("d", 40, to_name="other"))], [], None),
        ("annotations", [draft(brush("d", 40, type="brush"))], [], None),
        ("annotations", [draft(brush("d", 0))], [], None),
        (
            "annotations",
            [draft({**brush("d", 40), "value": {"rle": [1, 2], "brushlabels": ["Other"]}})],
            [],
            None,
        ),
        ("annotations", [7, draft(brush("d", 40))], [3, annotation()], "d"),
    ],
    ids=[
        "the smallest of both",
        "the smallest is the draft's",
        "deleted in the draft",
        "a draft of another annotation",
        "drafts only",
        "not in annotations",
        "switched off",
        "another label",
        "another image",
        "another tool",
        "beside it",
        "damaged",
        "numbers instead",
    ],
)
def test_which_region_is_meant(
    service: Discs, refine: Refine, drafts: Any, annotations: Any, region: str | None
) -> None:
    item = answer(client(service, refine), asked(1, drafts, annotations))
    first = golden("request-clicks-1")["params"]["context"]["result"][0]["id"]
    assert item["id"] == (region or f"tor-{first}")
    assert len(service.asked) == (0 if region else 1)


def test_a_region_that_the_same_clicks_have_made_comes_out_of_the_clicks_again(service: Discs) -> None:
    first = golden("request-clicks-1")["params"]["context"]["result"][0]["id"]
    answer(client(service), asked(3, [draft(brush(f"tor-{first}", 40))]))
    assert [[click.role for click in clicks] for clicks in service.asked] == [
        ["select", "boundary", "boundary"]
    ]


@pytest.mark.parametrize("kind", ["labels", "keypointlabels"])
def test_the_same_strokes_under_another_tag_hide_no_region(service: Discs, kind: str) -> None:
    region = brush("a", 30)
    again = {**region, "type": kind, "from_name": "x", "value": {**region["value"], kind: ["Other"]}}
    item = answer(client(service), asked(1, [draft(again, region)]))
    assert item["id"] == "a"


def test_a_polygon_is_gone_on_from_where_masks_become_polygons(service: Discs) -> None:
    points = [[30, 20], [70, 20], [70, 60], [30, 60]]
    polygon = brush("p", 1, type="polygonlabels", value={"points": points, "polygonlabels": ["Other"]})
    body = asked(2, [draft(polygon)])
    body["label_config"] = body["label_config"].replace("BrushLabels", "PolygonLabels")
    item = answer(client(service), body)
    assert (item["id"], item["type"]) == ("p", "polygonlabels")
    assert read_mask(item)[100:220, 200:400].all()
