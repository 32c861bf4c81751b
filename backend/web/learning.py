"""Routes of the learning page: what has been corrected, what is being learnt, which versions there are."""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, jsonify, request, send_from_directory
from flask.typing import ResponseReturnValue

from backend.access import SECURITY_HEADERS
from backend.bodies import NAMES, limit_body
from backend.learning import Learning
from backend.prediction import PredictionService
from backend.store import SHIPPED, Collected, Job, Version
from model.errors import RequestInvalid

STATIC = Path(__file__).parent / "static"
"""Served at /assets by the blueprint of the page at `/`."""


def create_blueprint(learning: Learning, service: PredictionService) -> Blueprint:
    """The page at `/learning` and the requests that it makes.

    Args:
        learning: what is shown and changed.
        service: knows who answers.
    """
    web = Blueprint("learning", __name__)

    @web.after_request
    def secure(response: Response) -> Response:
        response.headers.update(SECURITY_HEADERS)
        return response

    @web.get("/learning")
    def page() -> Response:
        return send_from_directory(STATIC, "learning.html")

    @web.get("/api/learning")
    def state() -> Response:
        collected = learning.projects.collected(learning.jobs.latest())
        return jsonify(
            projects=[_project(each, service.version_for(each.project)) for each in collected],
            jobs=[_json(each) for each in learning.jobs.listed()],
            versions=[_json(each) for each in learning.versions.listed()],
            shipped=service.shipped,
        )

    @web.post("/api/learning/jobs")
    def ask() -> ResponseReturnValue:
        return jsonify(_json(learning.ask(_named("project"), "page"))), 202

    @web.post("/api/learning/jobs/<int(max=2147483647):job>/cancel")
    def cancel(job: int) -> Response:
        _body()
        return jsonify(cancelled=learning.jobs.cancel(job))

    @web.post("/api/learning/promote")
    def promote() -> Response:
        name = _named("version")
        if name == SHIPPED:
            learning.versions.retire(_named("project"))
        promoted = None if name == SHIPPED else learning.versions.promote(name).name
        return jsonify(version=promoted)

    @web.post("/api/learning/rollback")
    def roll_back() -> Response:
        before = learning.versions.roll_back(_named("project"))
        return jsonify(version=before and before.name)

    return web


def _project(collected: Collected, version: str) -> dict[str, Any]:
    return {**asdict(collected), "version": version}


def _json(value: Job | Version) -> dict[str, Any]:
    """As JSON values; times in ISO's form."""
    known = asdict(value)
    return {name: each.isoformat() if isinstance(each, datetime) else each for name, each in known.items()}


def _body() -> dict[str, Any]:
    """The request's JSON object; another content type is refused, since any web page may send those anywhere."""
    if not request.is_json:
        raise RequestInvalid(
            f"body: expected content type application/json, got {request.mimetype or 'none'}"
        )
    limit_body(NAMES)
    try:
        body = json.loads(request.get_data())  # kept: several fields are asked for
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise RequestInvalid("body: expected a JSON object, got another value")
    return body


def _named(field: str) -> str:
    value = _body().get(field)
    if not isinstance(value, str) or len(value) > 2000:
        raise RequestInvalid(f"{field}: expected its name, got {str(value)[:60]!r}")
    return value
