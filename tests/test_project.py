"""What the project says of itself holds: containers, make targets, packages, sample photos, licences."""

import json
import re
from pathlib import Path

import yaml
from safetensors import safe_open

from backend.cli import build_parser

ROOT = Path(__file__).parent.parent


def test_compose_file_has_the_services_with_what_label_studio_needs():
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    assert set(compose) <= {"services", "volumes"}
    assert set(compose["services"]) == {"backend", "labelstudio", "setup"}
    for service in compose["services"].values():
        assert ("build" in service) != ("image" in service)
        assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in service.get("ports", []))
        mounted = {volume.split(":")[0] for volume in service.get("volumes", [])}
        assert mounted <= set(compose.get("volumes", {}))
        assert set(service.get("depends_on", {})) <= set(compose["services"])
    environment = compose["services"]["labelstudio"]["environment"]
    assert environment["ML_BLOCK_LOCAL_IP"] == environment["SSRF_PROTECTION_ENABLED"] == "false"


def test_compose_sets_up_a_project_with_the_command_and_the_token_that_there_are():
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    program, *arguments = services["setup"]["command"]
    assert program == "boundaryclick"
    args = build_parser().parse_args(arguments)
    assert (args.action, args.backend) == ("setup", "http://backend:9090")
    for name in ("backend", "setup"):
        assert services[name]["environment"]["LABEL_STUDIO_URL"] == "http://labelstudio:8080"
        token = services[name]["environment"]["LABEL_STUDIO_API_KEY"]
        assert token == services["labelstudio"]["environment"]["LABEL_STUDIO_USER_TOKEN"]
    assert "labelstudio" in services["labelstudio"]["environment"]["ALLOWED_HOSTS"].split(",")


def test_dockerfile_copies_what_there_is_and_does_not_run_as_root():
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    for line in lines:
        if line.startswith("COPY"):
            assert all((ROOT / source).exists() for source in line.split()[1:-1]), line
    assert "USER boundaryclick" in lines


def test_the_shipped_weights_are_small_and_have_a_card():
    weights = ROOT / "model" / "weights"
    assert (weights / "default.safetensors").stat().st_size <= 20_000_000
    assert (weights / "README.md").is_file()


def test_every_sample_photo_has_its_terms_written_down():
    samples = ROOT / "backend" / "web" / "samples"
    told = (samples / "README.md").read_text()
    photos = sorted(samples.glob("*.jpg"))
    assert photos
    assert all(f"`{photo.name}`" in told for photo in photos)


def test_every_dependency_is_explained_in_the_readme():
    project = (ROOT / "pyproject.toml").read_text()
    listed = re.search(r"^dependencies = \[(.*?)^\]", project, re.S | re.M)
    names = re.findall(r'"([A-Za-z0-9-]+)', listed[1])
    readme = (ROOT / "README.md").read_text()
    table = readme[readme.index("### Why each dependency") :]
    assert names
    assert [name for name in names if not re.search(rf"\b{name}\b", table)] == []


def test_links_between_the_documents_lead_somewhere():
    for document in [
        ROOT / "README.md",
        *(ROOT / "docs").glob("*.md"),
        ROOT / "model" / "weights" / "README.md",
    ]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_checkpoints_tell_no_paths_of_the_machine_they_were_made_on():
    for path in (ROOT / "model" / "weights").glob("*.safetensors"):
        with safe_open(path, framework="pt") as file:
            assert not re.search(r'"/', json.dumps(file.metadata()).replace("\\", ""))


def test_no_document_has_a_figure_still_to_come():
    for document in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "model").rglob("*.md")]:
        assert "@@" not in document.read_text(), document.name
