"""The service with everything switched on, as strangers meet it."""

from pathlib import Path

import pytest
from flask import Flask

from backend.app import create_app
from backend.settings import load_settings
from model import Predictor, load_predictor

USER, PASSWORD, TOKEN = "ann", "a:pass-word", "token-of-programs"
SECRETS = (PASSWORD, TOKEN)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """A predictor with weights of no use, quick to run."""
    from model.checkpoints import save_checkpoint
    from model.networks import configuration
    from model.networks.building import build_network

    path: Path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_checkpoint(path, build_network(configuration("tiny")), {"stage": "joint"})
    return load_predictor(path)


@pytest.fixture(scope="module")
def guarded(small: Predictor, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """With a login and a database."""
    folder = tmp_path_factory.mktemp("guarded")
    return create_app(
        load_settings(
            threads=1,
            database_url=f"sqlite:///{folder}/corrections.sqlite3",
            learning_folder=folder,
            basic_auth_user=USER,
            basic_auth_pass=PASSWORD,
            access_token=TOKEN,
            max_request_bytes=4_000_000,
            max_image_bytes=1_000_000,
            max_image_pixels=1_000_000,
        ),
        small,
    )


@pytest.fixture(scope="session")
def known() -> dict[str, str]:
    """Headers of a program that has logged in."""
    return {"Authorization": f"Bearer {TOKEN}"}
