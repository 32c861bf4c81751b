"""The routes of an application as an OpenAPI document.

Paths, methods and parameters come from Flask's own map of routes, messages from the types that read and write them;
an operation adds no more than a sentence and the names of these types.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, get_args

from flask import Flask, jsonify
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import JsonSchemaMode
from werkzeug.routing import Rule

from model import __version__

PATH = "/openapi.json"
ENDPOINT = "openapi"

JSON = "application/json"
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_PARAMETER = re.compile(r"<(?:(?P<kind>\w+)(?:\((?P<limits>[^)]*)\))?:)?(?P<name>\w+)>")
_LIMIT = re.compile(r"\b(min|max)\s*=\s*(\d+)")
_REFERENCE = "#/components/schemas/{model}"


class Operation(NamedTuple):
    """What one route takes and answers.

    Attributes:
        summary: a sentence.
        request: types of the body; `Annotated[type, "media/type"]` where it is not JSON. None: it takes none.
        answers: such types by status; those that every route may give are added.
        headers: names of headers that it reads, and whether it needs them.
    """

    summary: str
    request: Any = None
    answers: Mapping[int, Any] = {}
    headers: Mapping[str, bool] = {}


Operations = Mapping[str, Sequence[Any]]
"""Operations, or the same as plain tuples, by the endpoints of their routes."""


class Problem(BaseModel):
    """Any error: what was expected, what came, what to do."""

    error: str
    code: str | None = None
    request: str | None = None


OWN = {
    ENDPOINT: Operation("This description", answers={200: dict[str, Any]}),
}
_REFUSALS = {
    400: "The request cannot be understood or used",
    401: "A login is set, and it is missing or wrong",
    413: "The body or the image is too large",
    429: "Too many requests from one address",
    503: "The model is busy or the database is away; try again",
}


class Doors(NamedTuple):
    """Who is let in.

    Attributes:
        schemes: of HTTP authentication, one of which is asked for; none: nobody is asked.
        exempt: blueprints that are answered without.
        paths: that are.
    """

    schemes: Sequence[str] = ()
    exempt: Collection[str] = ()
    paths: Collection[str] = ()

    def are_open(self, rule: Rule) -> bool:
        """Whether a route is answered without login."""
        return rule.rule in self.paths or rule.endpoint.rpartition(".")[0] in self.exempt


def add_description(app: Flask, operations: Operations, doors: Doors) -> None:
    """Route /openapi.json, which describes all routes that the application has by the time it is first asked.

    Args:
        operations: of every route, and perhaps of some that this application does not have.
    """

    @cache  # Flask takes no routes once it has been asked for one; schemas of all messages take their time
    def document() -> dict[str, Any]:
        return describe(app, operations, doors)

    @app.get(PATH, endpoint=ENDPOINT)
    def description() -> ResponseReturnValue:
        return jsonify(document())


def describe(app: Flask, operations: Operations, doors: Doors) -> dict[str, Any]:
    """The document; KeyError names an endpoint that has no operation."""
    known = {name: Operation(*operation) for name, operation in {**operations, **OWN}.items()}
    rules = [rule for rule in app.url_map.iter_rules() if not rule.build_only]
    schemas = _Schemas([known[rule.endpoint] for rule in rules])
    paths: dict[str, dict[str, Any]] = {}
    for rule in sorted(rules, key=lambda rule: rule.rule):
        is_open = not doors.schemes or doors.are_open(rule)
        for method in _METHODS:
            if method in (rule.methods or ()):
                path = paths.setdefault(_PARAMETER.sub(r"{\g<name>}", rule.rule), {})
                path[method.lower()] = _described(rule, method, known[rule.endpoint], schemas, is_open)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "boundaryclick",
            "version": __version__,
            "description": "Click-based segmentation for people and annotation tools.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{scheme: []} for scheme in doors.schemes],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "securitySchemes": {scheme: {"type": "http", "scheme": scheme} for scheme in doors.schemes},
        },
    }


class _Schemas:
    """JSON schemas of all messages, the same type by one name."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        wanted: dict[tuple[Any, JsonSchemaMode], TypeAdapter[Any]] = {}
        for operation in operations:
            for kind, _ in _bodies(operation.request):
                wanted[kind, "validation"] = TypeAdapter(kind)
            for answer in (Problem, *operation.answers.values()):
                for kind, _ in _bodies(answer):
                    wanted[kind, "serialization"] = TypeAdapter(kind)
        self._of, definitions = TypeAdapter.json_schemas(
            [(kind, mode, adapter) for (kind, mode), adapter in wanted.items()], ref_template=_REFERENCE
        )
        self.components: dict[str, Any] = definitions.get("$defs", {})

    def content(self, message: Any, mode: JsonSchemaMode) -> dict[str, Any]:
        """Media types with their schemas."""
        return {media: {"schema": self._of[kind, mode]} for kind, media in _bodies(message)}


def _bodies(message: Any) -> Iterator[tuple[Any, str]]:
    """Each type of a message with its media type."""
    for one in message if isinstance(message, tuple) else () if message is None else (message,):
        kind, *more = get_args(one) if hasattr(one, "__metadata__") else (one,)
        yield kind, str(more[0]) if more else JSON


def _described(
    rule: Rule, method: str, operation: Operation, schemas: _Schemas, is_open: bool
) -> dict[str, Any]:
    takes_body = operation.request is not None and method != "GET"
    described: dict[str, Any] = {
        "operationId": f"{rule.endpoint}.{method.lower()}" if len(_answered(rule)) > 1 else rule.endpoint,
        "summary": operation.summary,
        "tags": [rule.endpoint.rpartition(".")[0] or "service"],
        "responses": _responses(rule, operation, schemas, is_open, takes_body),
    }
    parameters = [
        {
            "name": found["name"],
            "in": "path",
            "required": True,
            "schema": _values(found["kind"], found["limits"] or ""),
        }
        for found in _PARAMETER.finditer(rule.rule)
    ]
    parameters += [
        {"name": name, "in": "header", "required": needed, "schema": {"type": "string"}}
        for name, needed in operation.headers.items()
    ]
    if parameters:
        described["parameters"] = parameters
    if takes_body:
        described["requestBody"] = {
            "required": True,
            "content": schemas.content(operation.request, "validation"),
        }
    if is_open:
        described["security"] = []
    return described


def _values(kind: str | None, limits: str) -> dict[str, Any]:
    """Schema of what a place in a path holds, by the name of werkzeug's converter and its arguments."""
    if kind != "int":
        return {"type": "string", "minLength": 1}
    given = {name: int(number) for name, number in _LIMIT.findall(limits)}
    schema = {"type": "integer", "minimum": given.get("min", 0)}
    return {**schema, "maximum": given["max"]} if "max" in given else schema


def _answered(rule: Rule) -> list[str]:
    return [method for method in _METHODS if method in (rule.methods or ())]


def _responses(
    rule: Rule, operation: Operation, schemas: _Schemas, is_open: bool, takes_body: bool
) -> dict[str, Any]:
    problem = schemas.content(Problem, "serialization")
    statuses = {429, 503} | (set() if is_open else {401}) | ({400, 413} if takes_body else set())
    statuses |= {404} if rule.arguments else set()
    responses = {
        str(status): {"description": _REFUSALS.get(status, "There is no such thing"), "content": problem}
        for status in statuses - set(operation.answers)
    }
    for status, answer in operation.answers.items():
        told = "Done" if status < 400 else _REFUSALS.get(status, "There is no such thing")
        responses[str(status)] = {
            "description": told,
            "content": schemas.content(answer, "serialization"),
        }
    return dict(sorted(responses.items()))
