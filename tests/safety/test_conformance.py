"""The service against its own description: what it describes is there, and it answers as it says."""

import base64
import gc
from contextlib import suppress
from typing import Any
from unittest import SkipTest

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from openapi_spec_validator import validate
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from backend.app import EXEMPT
from backend.openapi.document import PATH
from tests.plugins.cvat.doubles import VERSIONS, picture
from tests.plugins.cvat.doubles import golden as cvat_golden
from tests.plugins.labelstudio.doubles import golden

EXAMPLES = 8
EXCLUDED = [positive_data_acceptance]
"""Bytes need be no image, and a version need not exist."""


@pytest.fixture(scope="module")
def description(guarded: Flask, known: dict[str, str]) -> dict[str, Any]:
    document: dict[str, Any] = guarded.test_client().get(PATH, headers=known).get_json()
    return document


def test_it_is_an_openapi_document(description: dict[str, Any]) -> None:
    validate(description)


def test_every_route_is_described_and_nothing_else(guarded: Flask, description: dict[str, Any]) -> None:
    there = {
        (rule.rule.replace("<path:filename>", "{filename}").replace("<int(max=2147483647):job>", "{job}")
         .replace("<name>", "{name}"), method.lower())
        for rule in guarded.url_map.iter_rules()
        for method in rule.methods or ()
        if method not in ("HEAD", "OPTIONS")
    }  # fmt: skip
    described = {(path, method) for path, item in description["paths"].items() for method in item}
    assert described == there


def test_what_is_open_is_described_as_open(guarded: Flask, description: dict[str, Any]) -> None:
    client = guarded.test_client()
    for path, item in description["paths"].items():
        for method, operation in item.items():
            answer = client.open(path.replace("{job}", "1").replace("{", "").replace("}", ""), method=method)
            answer.close()
            assert (answer.status_code != 401) == (operation.get("security") == []), (method, path)
            assert answer.status_code == 401 or operation["tags"][0] in (*EXEMPT, "service")


def test_recorded_bodies_are_answered_as_described(guarded: Flask, known: dict[str, str]) -> None:
    schema = schemathesis.openapi.from_wsgi(PATH, guarded, headers=known)
    tried = [
        ("/setup", golden("request-setup"), 200),
        ("/webhook", golden("request-annotation-created"), 201),
    ]
    tried += [("/predict", predict_body(guarded), 200)]
    tried += [("/", cvat_golden(version)["body"], 200) for version in VERSIONS]
    for path, body, status in tried:
        case = schema[path]["POST"].Case(body=body, media_type="application/json", headers=known)
        answer = case.call()
        case.validate_response(answer, excluded_checks=EXCLUDED)
        assert answer.status_code == status, (path, answer.text)


def predict_body(app: Flask) -> dict[str, Any]:
    """A recorded click on an image that travels along."""
    body: dict[str, Any] = golden("request-clicks-1")
    body["tasks"][0]["data"]["image"] = (
        "data:image/png;base64," + base64.b64encode(picture(600, 400)).decode()
    )
    return body


# schemathesis leaves the files of the answers open.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_whatever_is_asked_is_answered_as_described(
    guarded: Flask, known: dict[str, str], mode: GenerationMode
) -> None:
    """Bodies, headers and paths as described, or not quite; no answer is a fault of ours."""
    asked = 0
    for found in schemathesis.openapi.from_wsgi(PATH, guarded, headers=known).get_all_operations():
        operation = found.ok()
        strategy = operation.as_strategy(generation_mode=mode)

        @settings(
            max_examples=EXAMPLES,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.explicit, Phase.generate),
            database=None,
        )
        @given(case=strategy)
        def ask(case: Any) -> None:
            nonlocal asked
            asked += 1
            case.call_and_validate(headers=known, excluded_checks=EXCLUDED)

        with suppress(Unsatisfiable, SkipTest):  # what takes nothing can be asked nothing wrong
            ask()
    assert asked > 50
    gc.collect()  # while that is nobody's fault
