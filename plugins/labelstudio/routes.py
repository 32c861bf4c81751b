"""The routes that Label Studio calls; they only carry bodies to the adapter and answers back."""

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from model.errors import BoundaryClickError, RequestInvalid
from plugins.labelstudio.adapter import Adapter
from plugins.labelstudio.client import Connection, LabelStudioClient, fetcher
from plugins.labelstudio.corrections import TOOL, Understanding
from plugins.labelstudio.options import Options
from plugins.ports import Downloader, ImageLoader, ImageT, Learning, PredictionService
from plugins.statuses import status_of


def create_blueprint(
    service: PredictionService[ImageT],
    images: ImageLoader[ImageT],
    download: Downloader,
    connection: Connection | None = None,
    *,
    learning: Learning | None = None,
    options: Options | None = None,
) -> Blueprint:
    """Routes /setup, /predict, /webhook and /versions.

    Args:
        service: answers clicks.
        images: decodes and remembers images.
        download: gets the bytes of images.
        connection: how Label Studio is reached; by default as /setup says.
        learning: what annotators hand in goes there; None: nowhere.
        options: what the team has chosen of the answers.
    """
    client = LabelStudioClient(download, connection or Connection())
    adapter = Adapter(service, images, client, learning, options)
    if learning is not None:
        learning.join(TOOL, fetcher(client), Understanding(learning))
    routes = Blueprint("labelstudio", __name__)

    @routes.errorhandler(BoundaryClickError)
    def refuse(error: BoundaryClickError) -> ResponseReturnValue:
        return jsonify(error=" ".join(str(error).split())), status_of(error)

    @routes.post("/setup")
    def setup() -> Response:
        return jsonify(adapter.setup(_body()))

    @routes.post("/predict")
    def predict() -> Response:
        return jsonify(adapter.predict(_body()))

    @routes.post("/webhook")
    def webhook() -> ResponseReturnValue:
        return jsonify(adapter.webhook(_body())), 201

    @routes.route("/versions", methods=["GET", "POST"])
    def versions() -> Response:
        return jsonify(versions=[adapter.version])

    return routes


def _body() -> bytes:
    """The request's JSON.

    Another content type is refused: a web page may send those to any address that its visitor can reach.
    """
    if not request.is_json:
        raise RequestInvalid(f"expected a body of type application/json, got {request.mimetype or 'none'}")
    return request.get_data(cache=False)
