"""The description of a small application; that of the service is tested against it in tests/safety."""

from typing import Any

from flask import Flask

from backend.openapi import Doors, add_description, describe


def application() -> Flask:
    app = Flask("test")

    def answer(**_: object) -> str:
        return ""

    app.add_url_rule("/jobs/<int(max=2147483647):job>/<name>", "job", answer)
    app.add_url_rule("/pages/<int(min=1, max=9):page>/<int:line>", "page", answer)
    return app


OPERATIONS: dict[str, tuple[Any, ...]] = {"job": ("A job",), "page": ("A page",)}


def test_a_path_tells_the_limits_of_its_numbers() -> None:
    app = application()
    paths = describe(app, {**OPERATIONS, "static": ("A file",)}, Doors())["paths"]
    schemas = {
        parameter["name"]: parameter["schema"]
        for path in ("/jobs/{job}/{name}", "/pages/{page}/{line}")
        for parameter in paths[path]["get"]["parameters"]
    }
    assert schemas == {
        "job": {"type": "integer", "minimum": 0, "maximum": 2147483647},
        "name": {"type": "string", "minLength": 1},
        "page": {"type": "integer", "minimum": 1, "maximum": 9},
        "line": {"type": "integer", "minimum": 0},
    }


def test_the_description_is_made_once() -> None:
    app, operations = application(), {**OPERATIONS, "static": ("A file",)}
    add_description(app, operations, Doors())
    app.add_url_rule("/later", "later", lambda: "")
    operations["later"] = ("Added after the description",)
    client = app.test_client()
    first = client.get("/openapi.json").get_json()
    assert "/later" in first["paths"]
    operations.clear()
    assert client.get("/openapi.json").get_json() == first
