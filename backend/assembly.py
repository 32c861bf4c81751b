"""The parts of the program made from the settings, for it and for programs of their own; knows no web framework."""

from backend.addresses import HostPolicy, Origin
from backend.decoding import ImageLimits
from backend.fetching import Downloader
from backend.images import ImageStore
from backend.learning import Learning
from backend.learning.heads import Heads
from backend.prediction import PredictionService
from backend.settings import Settings
from model import __version__
from model.loading import load_predictor, use_threads
from model.predictor import Predictor
from plugins.labelstudio.client import Connection, LabelStudioClient
from plugins.labelstudio.options import Options


def create_service(
    settings: Settings,
    predictor: Predictor | None = None,
    images: ImageStore | None = None,
    learning: Learning | None = None,
) -> tuple[PredictionService, ImageStore]:
    """The model with its caches, for any program that answers clicks.

    Args:
        settings: all of them.
        predictor: used instead of loading `settings.weights`.
        images: by default new ones.
        learning: whose versions answer for their projects; without, the shipped head answers for all.

    Raises:
        WeightsError: weights missing, damaged or made for another network; device not there.
    """
    use_threads(settings.threads)
    predictor = predictor or load_predictor(
        settings.weights, settings.device, settings.runtime, settings.threads, settings.at_once
    )
    heads = None if learning is None else Heads(predictor, learning.versions)
    service = PredictionService(
        predictor, settings.feature_cache_bytes, None if heads is None else heads.predictor
    )
    return service, images or create_images(settings)


def create_learning(settings: Settings, images: ImageStore) -> Learning | None:
    """Where corrections go; None if the settings say that nothing is kept. Raises SettingsError."""
    url = settings.database
    return None if url is None else Learning(url, images)


def create_images(settings: Settings) -> ImageStore:
    """Decodes images within the configured limits."""
    limits = ImageLimits(settings.max_image_bytes, settings.max_image_pixels)
    return ImageStore(
        limits,
        settings.image_cache_bytes,
        settings.image_reference_seconds,
        max(settings.http_threads // 2, 1),  # who clicks in images that are at hand needs the others
        settings.upload_cache_bytes,
    )


def create_label_studio(settings: Settings) -> LabelStudioClient:
    """The configured Label Studio, for commands that ask it for something."""
    return LabelStudioClient(create_downloader(settings).get, connection_of(settings))


def create_downloader(settings: Settings) -> Downloader:
    """Fetches from the configured Label Studio and the allowed hosts, from nowhere else."""
    policy = HostPolicy(trusted=(Origin.of(settings.label_studio_url),), allowed=settings.allowed_hosts)
    return Downloader(
        policy, settings.max_image_bytes, settings.fetch_timeout, f"boundaryclick/{__version__}"
    )


def connection_of(settings: Settings) -> Connection:
    """How Label Studio is reached; raises SettingsError where the settings do not fit together."""
    key = settings.label_studio_api_key
    return Connection(
        settings.label_studio_url,
        None if key is None else key.get_secret_value(),
        settings.label_studio_local_files_root,
        settings.max_image_bytes,
    )


def options_of(settings: Settings) -> Options:
    """What the team has chosen of the answers to Label Studio."""
    return Options(
        settings.label_studio_refine,
        settings.label_studio_polygon_tolerance,
        settings.label_studio_prelabel,
    )
