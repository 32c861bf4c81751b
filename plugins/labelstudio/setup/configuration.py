"""Labelling configurations that work well with clicks: the files beside this package, with a project's own labels."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args
from xml.etree.ElementTree import SubElement, indent, tostring

from defusedxml.ElementTree import fromstring

from model.errors import SettingsError
from plugins.labelstudio.labelling import BRUSH_TAGS, POLYGON_TAGS, Labelling
from plugins.labelstudio.messages import LONGEST_NAME, shortened

Shape = Literal["brush", "polygon"]
Tools = Literal["one", "two"]
SHAPES: tuple[Shape, ...] = get_args(Shape)
TOOLS: tuple[Tools, ...] = get_args(Tools)

FOLDER = Path(__file__).parent.parent / "configurations"
COLOURS = ("#e53935", "#1e88e5", "#43a047", "#fb8c00", "#8e24aa", "#00acc1", "#fdd835", "#6d4c41", "#d81b60")
"""In turn; as many as there are hotkeys for labels."""


def render(shape: Shape, tools: Tools, labels: Sequence[str], key: str = "image") -> str:
    """XML of a labelling configuration.

    Args:
        shape: what accepted masks become.
        tools: one key point tool, whose first click selects, or two, one for each kind of click.
        labels: the classes; at least one.
        key: of the task's data that refers to the image.
    """
    root = fromstring((FOLDER / f"{shape}{'-two-tools' if tools == 'two' else ''}.xml").read_text("utf-8"))
    for image in root.iter("Image"):
        image.set("value", f"${key}")
    for control in [element for element in root.iter() if element.find("Label") is not None]:
        for placeholder in control.findall("Label"):
            control.remove(placeholder)
        for number, label in enumerate(labels):
            SubElement(control, "Label", value=label, background=COLOURS[number % len(COLOURS)])
    indent(root)
    return str(tostring(root, encoding="unicode")) + "\n"


def read_labels(text: str) -> tuple[str, ...]:
    """Labels from a list by commas.

    Raises:
        SettingsError: none, one twice, or one that is too long.
    """
    labels = tuple(" ".join(part.split()) for part in text.split(","))
    if not all(labels) or len(set(labels)) < len(labels):
        raise SettingsError(
            f"--labels: expected different names by commas, such as cat,dog, got {shortened(text)}"
        )
    too_long = next((label for label in labels if len(label) > LONGEST_NAME), None)
    if too_long:
        raise SettingsError(
            f"--labels: expected names of at most {LONGEST_NAME} characters, got {shortened(too_long)}"
        )
    return labels


def labels_of(labelling: Labelling) -> tuple[str, ...]:
    """The labels that a configuration offers on its controls, each once, in order."""
    return tuple(dict.fromkeys(label for control in labelling.controls for label in control.labels))


def shape_of(labelling: Labelling) -> Shape:
    """What a configuration makes of accepted masks."""
    tags = {control.tag for control in labelling.controls}
    return "polygon" if tags & set(POLYGON_TAGS) and not tags & set(BRUSH_TAGS) else "brush"


def tools_of(labelling: Labelling) -> Tools:
    """Whether a configuration has a tool for each kind of click."""
    return "two" if any(control.role == "boundary" for control in labelling.controls) else "one"
