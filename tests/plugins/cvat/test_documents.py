"""What docs/cvat.md tells to write down holds."""

import re
from pathlib import Path

import yaml

from backend.settings import Settings, variable_names

DOCUMENT = (Path(__file__).parents[3] / "docs" / "cvat.md").read_text()


def test_the_compose_override_names_one_service_in_all_places() -> None:
    override, addition = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.S))
    services = override["services"]
    expected = {
        "CVAT_NUCLIO_HOST": "boundaryclick",
        "CVAT_NUCLIO_PORT": "9090",
        "CVAT_NUCLIO_INVOKE_METHOD": "dashboard",
    }
    assert services["cvat_server"]["environment"] == {"CVAT_SERVERLESS": "1", **expected}
    assert services["cvat_worker_annotation"]["environment"] == expected
    assert services["boundaryclick"]["networks"] == ["cvat"]
    assert list(addition["boundaryclick"]["environment"]) == ["UPSTREAM_NUCLIO"]


def test_the_settings_are_there() -> None:
    named = set(re.findall(r"^\| `([A-Z_]+)` \|", DOCUMENT, re.M))
    known = {name for field in Settings.model_fields for name in variable_names(field)}
    assert len(named) == 4
    assert named <= known
