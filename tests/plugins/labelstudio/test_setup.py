"""What the setup decides by itself; what Label Studio does with it is tried in tests/end_to_end."""

from pathlib import Path
from xml.etree.ElementTree import canonicalize

import pytest

from model.errors import SettingsError
from plugins.labelstudio.labelling import MASK_TAGS, read_labelling
from plugins.labelstudio.setup.configuration import (
    FOLDER,
    SHAPES,
    TOOLS,
    labels_of,
    read_labels,
    render,
    shape_of,
    tools_of,
)
from plugins.labelstudio.setup.images import LONGEST_NAME, _safe_name, find_images
from plugins.labelstudio.setup.server import Server
from plugins.labelstudio.setup.trial import _click
from tests.plugins.labelstudio.label_studio_double import LEGACY, PERSONAL, token_server

NASTY = ("<\"&'>", "Käse", "a b")


@pytest.mark.parametrize("tools", TOOLS)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_configuration_has_the_labels_on_both_controls_and_is_recognised(shape, tools):
    labelling = read_labelling(render(shape, tools, NASTY, "photo"))
    assert labelling.images == {"image": "photo"}
    by_tag = {control.tag: control for control in labelling.controls}
    mask = next(control for tag, control in by_tag.items() if tag in MASK_TAGS)
    assert by_tag["labels"].labels == mask.labels == NASTY == labels_of(labelling)
    assert (shape_of(labelling), tools_of(labelling)) == (shape, tools)
    clicks = [control for control in labelling.controls if control.tag == "keypoint"]
    assert [control.role for control in clicks] == ([None] if tools == "one" else ["select", "boundary"])


def test_every_file_is_one_of_the_four_with_its_own_labels():
    rendered = [render(shape, tools, ("Object", "Other")) for shape in SHAPES for tools in TOOLS]
    files = [path.read_text() for path in FOLDER.glob("*.xml")]
    assert sorted(map(canonicalize, rendered)) == sorted(map(canonicalize, files))
    assert len(set(rendered)) == 4


def test_nothing_but_the_click_tools_is_smart():
    for path in FOLDER.glob("*.xml"):
        text = path.read_text()
        assert text.count('smart="false"') == 1, path.name
        assert text.count('smartOnly="true"') == text.count("<KeyPoint "), path.name


@pytest.mark.parametrize(("text", "labels"), [("cat,dog", ("cat", "dog")), (" a  b ,c", ("a b", "c"))])
def test_labels_come_by_commas(text, labels):
    assert read_labels(text) == labels


@pytest.mark.parametrize("text", ["", "a,,b", "a,a", "a, a", ",", "x" * 600])
def test_labels_that_make_no_classes_are_refused(text):
    with pytest.raises(SettingsError, match="--labels: expected"):
        read_labels(text)


def test_images_of_a_folder_are_found_by_name(tmp_path):
    for name in ("b.JPG", "a.png", ".hidden.png", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "c.png").mkdir()
    assert [path.name for path in find_images(tmp_path)] == ["a.png", "b.JPG"]


def test_a_folder_without_images_and_no_folder_are_refused(tmp_path):
    with pytest.raises(SettingsError, match="found none"):
        find_images(tmp_path)
    with pytest.raises(SettingsError, match="expected a folder"):
        find_images(tmp_path / "missing")


def test_names_survive_the_storage_and_stay_different():
    long, other = ("x" * 200 + end for end in (".png", "y.png"))
    assert _safe_name("a photo (1).jpg") == "a_photo_1.jpg"
    assert _safe_name(long) != _safe_name(other)
    for name in (long, other):
        assert len(_safe_name(name)) <= LONGEST_NAME
        assert _safe_name(name).endswith(".png")
        assert _safe_name(_safe_name(name)) == _safe_name(name)


@pytest.mark.parametrize(
    "configuration",
    [
        render("polygon", "two", ("a",)),
        '<View><Image name="i" value="$u"/><KeyPointLabels name="k" toName="i" smart="true"><Label value="a"/>'
        '</KeyPointLabels><BrushLabels name="b" toName="i"><Label value="a"/></BrushLabels></View>',
    ],
)
def test_the_trial_click_is_what_the_first_tool_would_send(configuration):
    labelling = read_labelling(configuration)
    (click,) = _click(labelling)
    tool = next(control for control in labelling.controls if control.name == click["from_name"])
    assert (click["type"], click["to_name"]) == (tool.tag, tool.images[0])
    assert click["value"].get("keypointlabels", ["a"]) == click["value"]["labels"] == ["a"]
    assert ("keypointlabels" in click["value"]) == (tool.tag == "keypointlabels")


@pytest.mark.parametrize(
    ("url", "token", "words"),
    [
        ("localhost:8080", "x", "--url: expected http"),
        ("ftp://host", "x", "--url: expected http"),
        ("http://host/?next=x", "x", "--url: expected http"),
        ("http://host", "two words", "--token: expected one word"),
        ("http://host", "", "--token: expected one word"),
    ],
)
def test_what_is_no_address_or_no_token_is_refused_before_anything_is_sent(url, token, words):
    with pytest.raises(SettingsError, match=words):
        Server(url, token)


def test_another_server_than_label_studio_is_told_apart():
    with token_server(b"") as other, pytest.raises(SettingsError, match="expected Label Studio"):
        Server(other.url, "token").release()


def test_a_personal_token_is_exchanged_once_for_many_requests():
    with token_server(b"[1]") as studio:
        server = Server(studio.url, PERSONAL)
        assert [server.read(tuple[int, ...], "/data/numbers") for _ in range(3)] == [(1,)] * 3
        assert studio.refreshes == 1


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("0" * 40, "expected a token of Label Studio"),
        (f"{PERSONAL}x", "expected a valid personal access token"),
    ],
)
def test_a_wrong_token_is_named(token, words):
    with token_server(b"[1]") as studio, pytest.raises(SettingsError, match=f"--token: {words}"):
        Server(studio.url, token).read(tuple[int, ...], "/data/numbers")


def test_an_answer_of_another_shape_names_the_place():
    with token_server(b'["one"]') as studio, pytest.raises(SettingsError, match="got 0: Input should be"):
        Server(studio.url, LEGACY).read(tuple[int, ...], "/data/numbers")


def test_the_installed_version_is_the_one_that_the_containers_run():
    root = Path(__file__).parents[3]
    version = "1.23.2"
    assert f"\nversion={version}\n" in (root / "plugins/labelstudio/install_server.sh").read_text()
    assert f"label-studio:{version}\n" in (root / "docker-compose.yml").read_text()
