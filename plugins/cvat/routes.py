"""The routes of a Nuclio dashboard, as far as CVAT calls them, and of the function itself."""

from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from model.errors import BoundaryClickError, RequestInvalid
from plugins.cvat.adapter import Adapter
from plugins.cvat.function import NAME, describe
from plugins.cvat.prompts import RightClick
from plugins.cvat.upstream import Forwarded, Upstream, UpstreamFailed
from plugins.ports import ImageStore, ImageT, PredictionService
from plugins.statuses import status_of

MOST_BYTES = 128 << 20
"""Of a body: base64 and JSON around an image file of 96 MiB."""

LONGEST_REASON = 300


def create_blueprint(
    service: PredictionService[ImageT],
    images: ImageStore[ImageT],
    right_click: RightClick = "boundary",
    upstream: str | None = None,
) -> Blueprint:
    """Routes /api/functions, /api/functions/<name>, /api/function_invocations and POST /.

    Args:
        service: answers clicks.
        images: decodes and remembers images.
        right_click: what a click with the right button is.
        upstream: URL of a Nuclio dashboard whose functions are offered too.
    """
    adapter = Adapter(service, images, right_click)
    nuclio = Upstream(upstream) if upstream else None
    routes = Blueprint("cvat", __name__)
    routes.register_error_handler(BoundaryClickError, _refuse)
    routes.register_error_handler(RequestEntityTooLarge, _refuse_large_body)
    routes.after_request(_tell_in_status_line)

    @routes.get("/api/functions")
    def functions() -> Response:
        others = nuclio.functions(dict(request.headers)) if nuclio else {}
        return jsonify({**others, NAME: describe(_port(), right_click)})

    @routes.get("/api/functions/<name>")
    def function(name: str) -> ResponseReturnValue:
        if name == NAME:
            return jsonify(describe(_port(), right_click))
        return _passed_on(nuclio.function(name, dict(request.headers))) if nuclio else _unknown()

    @routes.post("/api/function_invocations")
    def invoke() -> ResponseReturnValue:
        if request.headers.get("X-Nuclio-Function-Name") == NAME:
            return interact()
        if nuclio is None or "X-Nuclio-Function-Name" not in request.headers:
            return _unknown()
        return _passed_on(nuclio.invoke(dict(request.headers), request.stream))

    @routes.post("/")
    def interact() -> Response:
        answer = adapter.answer(_body(), request.headers.get("User-Agent"))
        return Response(answer, mimetype="application/json")

    return routes


def _body() -> bytes:
    """The request's JSON, refused before it is read if it is too large.

    Another content type is refused: a web page may send those to any address that its visitor can reach.
    """
    if not request.is_json:
        raise RequestInvalid(f"expected a body of type application/json, got {request.mimetype or 'none'}")
    request.max_content_length = min(request.max_content_length or MOST_BYTES, MOST_BYTES)
    return request.get_data(cache=False)


def _port() -> int:
    """Where CVAT, which has just reached us, reaches us."""
    return urlsplit(request.host_url).port or (443 if request.is_secure else 80)


def _unknown() -> ResponseReturnValue:
    return jsonify(error=f"function: expected {NAME}, got another; check UPSTREAM_NUCLIO"), 404


def _passed_on(answer: Forwarded) -> Response:
    return Response(answer.chunks, answer.status, dict(answer.headers))


def _refuse(error: BoundaryClickError) -> ResponseReturnValue:
    status = 502 if isinstance(error, UpstreamFailed) else status_of(error)
    return jsonify(error=" ".join(str(error).split())), status


def _refuse_large_body(_: RequestEntityTooLarge) -> ResponseReturnValue:
    limit = request.max_content_length
    return jsonify(error=f"request: expected at most {limit} bytes, got more; send a smaller image"), 413


def _tell_in_status_line(response: Response) -> Response:
    """Repeat an error as the reason phrase: of all that a function answers, CVAT shows only that to the annotator."""
    if response.status_code >= 400 and response.is_json and not response.is_streamed:
        line = str(response.get_json().get("error", "")).encode("ascii", "replace").decode()
        printable = "".join(letter for letter in line if letter.isprintable())
        response.status = f"{response.status_code} {printable[:LONGEST_REASON]}"
    return response
