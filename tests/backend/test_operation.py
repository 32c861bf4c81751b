"""What docs/operation says and ships fits the service: settings, figures, paths, ports, variables."""

import configparser
import json
import re
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families as families

from backend.cli import build_parser
from backend.settings import Settings, variable_names
from backend.settings_table import settings_table

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "operation.md").read_text()
FILES = ROOT / "docs" / "operation"
VARIABLES = {name for field in Settings.model_fields for name in variable_names(field)}


@pytest.fixture
def names(client) -> set[str]:
    """Of every figure's samples, after a click."""
    clicked(client)
    return {sample.name for family in families(client.get("/metrics").text) for sample in family.samples}


def clicked(client) -> None:
    photo = (ROOT / "backend" / "web" / "samples" / "cat.jpg").read_bytes()
    image = client.post("/api/images", data=photo).get_json()["image"]
    click = {"x": 100, "y": 100, "role": "select"}
    assert client.post("/api/segment", json={"image": image, "clicks": [click]}).status_code == 200


def test_the_table_of_settings_is_the_one_of_the_code():
    assert DOCUMENT.endswith(settings_table() + "\n"), "run python -m backend.settings_table"
    assert len(settings_table().splitlines()) == len(Settings.model_fields) + 2
    named = set(re.findall(r"\b(?:BOUNDARYCLICK|BASIC_AUTH)_[A-Z_]+\b", DOCUMENT))
    assert named <= VARIABLES


def test_every_figure_of_the_dashboard_and_of_the_document_exists(names):
    board = json.loads((FILES / "grafana.json").read_text())
    shown = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    asked = {
        name for expression in shown for name in re.findall(r"\b(?:boundaryclick|process)_\w+", expression)
    }
    assert len(asked) > 10
    assert asked <= names
    table = DOCUMENT[DOCUMENT.index("## Figures") : DOCUMENT.index("## Logs")]
    told = set(re.findall(r"`(boundaryclick_\w+)`", table))
    assert {name for name in told if not any(each.startswith(name) for each in names)} == set()
    ours = {re.sub(r"_(total|bucket|count|sum|created)$", "", name) for name in names if name[:4] == "boun"}
    assert {
        name for name in ours if name not in table and f"`{re.sub('.*cache', '', name)}" not in table
    } == set()


def test_the_manifests_name_ports_paths_volumes_and_settings_that_there_are(app):
    claim, deployment, service = yaml.safe_load_all((FILES / "kubernetes.yaml").read_text())
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    paths = {rule.rule for rule in app.url_map.iter_rules()}
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"http": Settings.model_fields["port"].default}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["path"] in paths
        assert container[probe]["httpGet"]["port"] in ports
    annotations = deployment["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/path"] in paths
    assert int(annotations["prometheus.io/port"]) == ports["http"]
    assert service["spec"]["ports"][0]["targetPort"] in ports
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"] == deployment["spec"]["selector"]["matchLabels"] == labels
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert set(mounts) == set(volumes)
    assert volumes["data"]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    assert f"XDG_DATA_HOME={mounts['data']}" in (ROOT / "Dockerfile").read_text()
    assert {variable["name"] for variable in container["env"]} <= VARIABLES
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert pod["terminationGracePeriodSeconds"] >= 55


def test_the_unit_starts_the_command_with_settings_that_there_are():
    unit = configparser.ConfigParser(strict=False, interpolation=None, delimiters="=")
    unit.optionxform = str
    unit.read(FILES / "boundaryclick.service")
    program, *arguments = unit["Service"]["ExecStart"].split()
    assert Path(program).name == "boundaryclick"
    assert build_parser().parse_args(arguments)
    text = (FILES / "boundaryclick.service").read_text()
    named = set(re.findall(r"\bBOUNDARYCLICK_[A-Z_]+\b", text))
    assert named
    assert named <= VARIABLES
    assert unit["Service"]["ProtectSystem"] == "strict"
