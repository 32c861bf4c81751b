"""Every setting of the service, from the environment, validated once."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from backend.setting_types import Device, ExistingFolder, Hosts, OptionalSecret, ServerUrl
from model.errors import SettingsError

PREFIX = "BOUNDARYCLICK_"
MEBIBYTE = 1 << 20


def _known_as(*names: str) -> AliasChoices:
    """Own name first, then the names that annotation tools' users know."""
    return AliasChoices(PREFIX + names[0], *names)


class Settings(BaseSettings):
    """Frozen settings; each field is read from the environment variable BOUNDARYCLICK_<NAME>.

    Raises pydantic's ValidationError; use `load_settings`, which turns it into a one-line SettingsError.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        validate_default=True,
    )

    host: str = Field(
        "127.0.0.1", min_length=1, description="Address to listen on; 0.0.0.0 for every interface."
    )
    port: int = Field(9090, ge=0, le=65535, description="Port to listen on; 0 takes any free one.")
    weights: str = Field(
        "default", min_length=1, description="Name of shipped weights, or path to a .safetensors file."
    )
    device: Device = Field("cpu", description="Where the networks run: cpu, cuda, cuda:N or mps.")
    runtime: Literal["auto", "torch", "openvino"] = Field(
        "auto",
        description="What runs the networks: torch, openvino (on a CPU, one and a half to four times as fast and with "
        "less memory), or auto, which takes openvino on a CPU.",
    )
    threads: int = Field(
        0, ge=0, le=1024, description="CPU threads for the networks; 0 takes every core there is."
    )
    batch: int = Field(
        0,
        ge=0,
        le=64,
        description="Most selection clicks that torch computes in one pass, from those that come at the same time; "
        "0: 8 on a GPU, one at a time elsewhere, where a pass of several takes as long as theirs together.",
    )
    http_threads: int = Field(16, ge=2, le=256, description="Requests that are answered at the same time.")
    model_timeout: float = Field(
        20.0,
        gt=0,
        le=3600,
        description="Seconds that a click may wait for the model, or for its clicks before to be computed anew; "
        "then it is answered 503 with Retry-After, and what has been computed is kept.",
    )
    engine: Literal["process", "ray"] = Field(
        "process",
        description="Where clicks are answered: in this process, or in `replicas` of Ray Serve's, each with its own "
        "model and its own images; then memory and threads are those of each.",
    )
    replicas: int = Field(1, ge=1, le=1000, description="Processes that answer clicks, with the engine ray.")
    replicas_per_gpu: int = Field(
        1, ge=1, le=64, description="How many replicas share a GPU, with the engine ray and the device cuda."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe line to log."
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="How lines are logged: text for people, json for programs that collect them."
    )

    image_cache_bytes: int = Field(
        64 * MEBIBYTE, ge=0, description="Memory for decoded images; the newest is kept in any case."
    )
    feature_cache_bytes: int = Field(
        96 * MEBIBYTE, ge=0, description="Memory for features and masks of objects."
    )
    upload_cache_bytes: int = Field(
        128 * MEBIBYTE,
        ge=0,
        description="Memory for image files uploaded by the page, from which they are decoded again when others have "
        "taken their place.",
    )
    image_reference_seconds: float = Field(
        600.0, ge=0, description="How long an image fetched by reference is used before it is fetched again."
    )
    max_image_bytes: int = Field(64 * MEBIBYTE, ge=1, description="Largest image file that is accepted.")
    max_image_pixels: int = Field(
        64_000_000,
        ge=1,
        description="Most pixels (width x height) an image may have; checked before decoding.",
    )
    max_request_bytes: int = Field(
        256 * MEBIBYTE,
        ge=1,
        description="Largest request body; Label Studio sends every accepted mask along.",
    )

    fetch_timeout: float = Field(10.0, gt=0, le=600, description="Seconds that fetching one image may take.")
    allowed_hosts: Hosts = Field(
        (),
        description="Hosts that http(s) images may come from, by commas: host, *.domain or *, each with "
        "or without :port; without one the scheme's own port is meant. "
        "Hosts named in full may be on a private network, those matched by * may not. "
        "The Label Studio host is always allowed.",
    )

    basic_auth_user: str | None = Field(
        None,
        validation_alias=_known_as("BASIC_AUTH_USER"),
        description="User name that Label Studio and the page have to give; CVAT cannot, and is answered without.",
    )
    basic_auth_pass: SecretStr | None = Field(
        None, validation_alias=_known_as("BASIC_AUTH_PASS"), description="The password with it."
    )
    access_token: OptionalSecret = Field(
        None,
        description="Token that programs may give instead, as `Authorization: Bearer TOKEN`. Browsers cannot.",
    )
    rate_limit: int = Field(
        0,
        ge=0,
        description="Most requests a minute from one address, 0 for any number. Label Studio and CVAT each ask from "
        "one address for all their annotators.",
    )
    trusted_proxies: int = Field(
        0, ge=0, le=10, description="Reverse proxies in front, whose X-Forwarded-For is believed."
    )

    label_studio_url: ServerUrl = Field(
        "http://localhost:8080",
        validation_alias=_known_as("LABEL_STUDIO_URL", "LABEL_STUDIO_HOST"),
        description="Where Label Studio is reached from here; relative image paths are fetched from it.",
    )
    label_studio_api_key: OptionalSecret = Field(
        None,
        validation_alias=_known_as("LABEL_STUDIO_API_KEY", "LABEL_STUDIO_ACCESS_TOKEN"),
        description="Label Studio's personal access token or legacy token.",
    )
    label_studio_local_files_root: ExistingFolder | None = Field(
        None,
        validation_alias=_known_as(
            "LABEL_STUDIO_LOCAL_FILES_ROOT",
            "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT",
            "LOCAL_FILES_DOCUMENT_ROOT",
        ),
        description="Folder that /data/local-files/ paths are read from, where it is mounted here.",
    )

    label_studio_refine: Literal["annotations", "drafts", "off"] = Field(
        "annotations",
        description="Where a selection click may lie in a region of its label that it goes on from, instead of making "
        "a new one. `annotations`: in submitted annotations and the annotator's drafts; `drafts`: in drafts only; "
        "`off`: nowhere.",
    )
    label_studio_polygon_tolerance: float = Field(
        1.0,
        ge=0,
        le=100,
        allow_inf_nan=False,
        description="How far a polygon may lie from the mask's outline, in pixels; more makes fewer corners.",
    )
    label_studio_prelabel: bool = Field(
        True,
        description="Whether Retrieve Predictions in Label Studio's Data Manager, for several tasks at once, predicts "
        "the object in the middle of each.",
    )

    cvat_right_click: Literal["boundary", "ignore"] = Field(
        "boundary",
        validation_alias=_known_as("CVAT_RIGHT_CLICK"),
        description="What a right click in CVAT is. `boundary`: a click on the outline, like a left one; `ignore`: "
        "nothing.",
    )
    upstream_nuclio: ServerUrl | None = Field(
        None,
        validation_alias=_known_as("UPSTREAM_NUCLIO"),
        description="URL of a Nuclio dashboard whose functions CVAT finds here too.",
    )

    database_url: SecretStr | None = Field(
        None,
        description="Where corrections and clicks are kept: sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME; "
        "`none`: nowhere. Not set: the SQLite file boundaryclick/corrections.sqlite3 in XDG_DATA_HOME "
        "(~/.local/share).",
    )

    learn_after: int = Field(
        50, ge=0, description="So many new corrections of a project start a fine-tuning; 0: none does."
    )
    learn_schedule: str | None = Field(
        None,
        description="When to fine-tune on whatever is new, as cron has it: 0 3 * * * is every night at three.",
    )
    queue_url: SecretStr | None = Field(
        None,
        description="redis://HOST:PORT/N: fine-tuning is left to `boundaryclick learn --worker` on any machine; "
        "without it `boundaryclick serve` does it itself.",
    )
    learning_folder: Path | None = Field(
        None,
        description="Where fine-tuning keeps images and features while it runs; without it boundaryclick/learning "
        "in XDG_DATA_HOME.",
    )
    replay: str | None = Field(
        None,
        description="Data set, LAYOUT:PATH, of objects that fine-tuning must not forget; without it a small one that "
        "ships.",
    )

    @property
    def at_once(self) -> int:
        """Clicks that the model works on at a time."""
        return self.batch or (8 if self.device.startswith("cuda") else 1)

    @property
    def jobs_folder(self) -> Path:
        """Where fine-tuning works."""
        return self.learning_folder or _data_folder() / "learning"

    @property
    def database(self) -> str | None:
        """URL of the database; None: nothing is kept."""
        if self.database_url is None:
            return f"sqlite:///{_data_folder()}/corrections.sqlite3"
        url = self.database_url.get_secret_value().strip()
        return None if url.lower() == "none" else url


def _data_folder() -> Path:
    """Where this user's programs keep their data."""
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "boundaryclick"


def variable_names(field: str) -> tuple[str, ...]:
    """The environment variables that set a field, the preferred one first."""
    alias = Settings.model_fields[field].validation_alias
    if isinstance(alias, AliasChoices):
        return tuple(str(choice) for choice in alias.choices)
    return (PREFIX + field.upper(),)


def load_settings(**overrides: Any) -> Settings:
    """Settings from the environment, `overrides` (None: not given) first.

    Raises:
        SettingsError: a value cannot be used; one line that names each variable at fault.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        raise SettingsError("; ".join(_explain(dict(item)) for item in error.errors())) from None


def unknown_variables(environment: Mapping[str, str] = os.environ) -> list[str]:
    """BOUNDARYCLICK_ variables that set nothing: most often a slip of the pen."""
    known = {name for field in Settings.model_fields for name in variable_names(field)}
    return sorted(
        name for name in environment if name.upper().startswith(PREFIX) and name.upper() not in known
    )


def _explain(error: dict[str, Any]) -> str:
    """One clause: which variable, what was expected, what came."""
    where = str(error["loc"][0]) if error["loc"] else "settings"
    name = variable_names(where)[0] if where in Settings.model_fields else where
    message = str(error["msg"]).removeprefix("Value error, ")
    message = message.replace("Input should be", "expected", 1)
    if "got " in message:
        return f"{name}: {message}"
    return f"{name}: {message}, got {error['input']!r}"
