"""What the page does with its clicks: requests as it would send them, for any labelling configuration."""

from typing import Any

from flask import Flask

from plugins.labelstudio import Connection
from plugins.labelstudio.routes import create_blueprint
from tests.plugins.labelstudio.doubles import Discs, Downloads, Pictures

WIDTH, HEIGHT = 600, 400


def clicked(
    name: str, x: float, y: float, value: dict[str, Any] | None = None, **changes: Any
) -> dict[str, Any]:
    """A click with a smart tool, at percent of the image."""
    return {
        "id": name,
        "type": "keypoint",
        "from_name": "click",
        "to_name": "image",
        "original_width": WIDTH,
        "original_height": HEIGHT,
        "image_rotation": 0,
        "is_positive": True,
        "origin": "manual",
        "value": {"x": x, "y": y, "width": 0.23, "labels": [], **(value or {})},
        **changes,
    }


def rectangle(
    name: str, place: tuple[float, float, float, float], label: str, **changes: Any
) -> dict[str, Any]:
    """A rectangle from a smart tool, which says nothing of positive or negative."""
    x, y, width, height = place
    value = {"x": x, "y": y, "width": width, "height": height, "rotation": 0, "rectanglelabels": [label]}
    item = {**clicked(name, x, y), "value": value, **changes}
    del item["is_positive"]
    return item


class Page:
    """A task of a project that is open in the editor.

    Args:
        configuration: of the project.
        service: answers.
    """

    def __init__(self, configuration: str, service: Discs | None = None) -> None:
        self._configuration = configuration
        self.service = service or Discs()
        app = Flask("test")
        app.register_blueprint(
            create_blueprint(self.service, Pictures(), Downloads(), Connection("http://studio"))
        )
        self._http = app.test_client()

    def send(self, *items: dict[str, Any]) -> Any:
        """The answer to the items that the editor has bundled."""
        body = {
            "tasks": [{"id": 5, "data": {"image": "/data/upload/1/a.png"}, "drafts": [], "annotations": []}],
            "project": "1.17",
            "label_config": self._configuration,
            "params": {"login": None, "password": None, "context": {"result": items}},
        }
        return self._http.post("/predict", json=body)

    def regions(self, *items: dict[str, Any]) -> list[dict[str, Any]]:
        """What the editor is given to show."""
        response = self.send(*items)
        assert response.status_code == 200, response.text
        regions: list[dict[str, Any]] = response.get_json()["results"][0]["result"]
        return regions
