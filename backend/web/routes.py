"""Routes of the page: the page itself, its sample photos, and the two requests that it makes."""

import time
from pathlib import Path

from flask import Blueprint, Response, jsonify, request, send_from_directory
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from backend.access import SECURITY_HEADERS
from backend.bodies import CLICKS, limit_body
from backend.images import ImageStore
from backend.prediction import PredictionService
from backend.warming import Warmer
from backend.web.messages import (
    ImageAnswer,
    Milliseconds,
    SegmentAnswer,
    SegmentRequest,
    encode_runs,
    parse,
)
from model.errors import ImageRejected, RequestInvalid

SAMPLES = Path(__file__).parent / "samples"


def create_blueprint(service: PredictionService, images: ImageStore) -> Blueprint:
    """The page at `/`, with everything that it loads and asks for.

    Args:
        service: answers the clicks.
        images: decodes what is uploaded and keeps it until the clicks come.
    """
    # Not "/static": the application's own static route would come first and hide it.
    web = Blueprint("web", __name__, static_folder="static", static_url_path="/assets")
    warmer = Warmer(service.warm)

    @web.after_request
    def secure(response: Response) -> Response:
        response.headers.update(SECURITY_HEADERS)
        return response

    @web.get("/")
    def page() -> Response:
        return web.send_static_file("index.html")

    @web.get("/samples/<name>.jpg")
    def sample(name: str) -> Response:
        return send_from_directory(SAMPLES, f"{name}.jpg", max_age=3600)

    @web.post("/api/images")
    def upload() -> ResponseReturnValue:
        _refuse_foreign_page()
        image = images.keep(_uploaded_bytes())
        warmer.offer(image)
        height, width = image.pixels.shape[:2]
        return _answer(ImageAnswer(image=image.digest, width=width, height=height))

    @web.post("/api/segment")
    def segment() -> ResponseReturnValue:
        started = time.perf_counter()
        message = parse(SegmentRequest, _json_body())
        image = images.find(message.image)
        if image is None:
            return jsonify(
                error="image: not known here (any more); upload it again", code="image_unknown"
            ), 404
        prediction = service.predict(image, message.to_clicks())
        height, width = prediction.mask.shape
        runs = encode_runs(prediction.mask)
        taken = (time.perf_counter() - started) * 1000
        return _answer(
            SegmentAnswer(
                width=width,
                height=height,
                runs=runs,
                score=prediction.score,
                ms=Milliseconds(model=prediction.milliseconds, server=taken),
                model=prediction.version,
            )
        )

    return web


def _json_body() -> bytes:
    """The request's JSON; another content type is refused, since any web page may send those anywhere."""
    if not request.is_json:
        raise RequestInvalid(
            f"body: expected content type application/json, got {request.mimetype or 'none'}"
        )
    limit_body(CLICKS)
    return request.get_data(cache=False)


def _refuse_foreign_page() -> None:
    """Refuse an upload that any web page could make its visitor's browser send here; raises RequestInvalid.

    Browsers ask before they send image types to another origin, and get no permission. Forms, plain text and
    bodies without a type they send unasked, but always with an Origin, which programs leave out.
    """
    if request.mimetype.startswith("image/") or request.mimetype == "application/octet-stream":
        return
    if "Origin" in request.headers or "Sec-Fetch-Site" in request.headers:
        raise RequestInvalid(
            "image: expected content type image/* or application/octet-stream from a web page, "
            f"got {request.mimetype or 'none'}"
        )


def _uploaded_bytes() -> bytes:
    """The image of a request: field `image` of a form, or the whole body; raises if there is none."""
    if request.mimetype == "multipart/form-data":
        file = request.files.get("image")
        if file is None:
            raise RequestInvalid(
                "image: expected a file in the form field 'image', got none; name the field 'image'"
            )
        data: bytes = file.read()
    else:
        data = request.get_data(cache=False)
    if not data:
        raise ImageRejected("image: expected the bytes of a photo, got 0 bytes; choose another file")
    return data


def _answer(message: BaseModel) -> Response:
    return Response(message.model_dump_json(), mimetype="application/json")
