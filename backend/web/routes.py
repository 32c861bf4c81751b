"""Routes of the page: the page itself, its sample photos, and the two requests that it makes."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from flask import Blueprint, Response, jsonify, request, send_from_directory
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from backend.images import ImageStore
from backend.prediction import PredictionService
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

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def create_blueprint(service: PredictionService, images: ImageStore) -> Blueprint:
    """The page at `/`, with everything that it loads and asks for.

    Args:
        service: answers the clicks.
        images: decodes what is uploaded and keeps it until the clicks come.
    """
    # Not "/static": the application's own static route would come first and hide it.
    web = Blueprint("web", __name__, static_folder="static", static_url_path="/assets")
    # One thread: encoding ahead must never take the cores from somebody who clicks.
    ahead = ThreadPoolExecutor(max_workers=1, thread_name_prefix="encode-ahead")

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
        image = images.decode(_uploaded_bytes())
        ahead.submit(service.warm, image)
        height, width = image.pixels.shape[:2]
        return _answer(ImageAnswer(image=image.digest, width=width, height=height))

    @web.post("/api/segment")
    def segment() -> ResponseReturnValue:
        started = time.perf_counter()
        message = parse(SegmentRequest, request.get_json(silent=True))
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
                model=service.version,
            )
        )

    return web


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
