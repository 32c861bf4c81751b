"""What a project's labelling configuration says: its images, its click tools, and where a mask goes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from model import Role
from model.errors import RequestInvalid
from plugins.labelstudio.messages import shortened

LONGEST_CONFIGURATION = 1_000_000
CLICK_TAGS = ("keypoint", "keypointlabels")
BOX_TAGS = ("rectangle", "rectanglelabels")
BRUSH_TAGS = ("brushlabels", "brush")
POLYGON_TAGS = ("polygonlabels", "polygon")
MASK_TAGS = BRUSH_TAGS + POLYGON_TAGS
"""Where a mask can go, the best first: exactly rather than as an outline, with labels of its own."""

ClickRole = Literal["select", "boundary"]
CLICK_ROLES: Mapping[str, ClickRole] = {"select": "select", "boundary": "boundary"}


@dataclass(frozen=True)
class Control:
    """A tag that annotates an image.

    Args:
        tag: in lower case, for example `brushlabels`.
        images: names of the Image tags it draws on.
        role: what a click with it means, where the configuration says so.
        labels: values it offers; empty if it has none, or takes them from the task.
    """

    tag: str
    name: str
    images: tuple[str, ...]
    role: Role | None
    labels: tuple[str, ...]

    @property
    def has_labels(self) -> bool:
        """Whether its regions carry their label themselves."""
        return self.tag.endswith("labels")

    @property
    def is_polygon(self) -> bool:
        """Whether it draws outlines."""
        return self.tag in POLYGON_TAGS


@dataclass(frozen=True)
class Output:
    """Where a mask goes.

    Args:
        control: the brush or polygon tool.
        labels: the Labels tag that carries the label of a tool without labels of its own.
    """

    control: Control
    labels: Control | None

    def choose(self, wanted: tuple[str, ...]) -> tuple[str, ...]:
        """The `wanted` labels that the project knows; the only one it knows if none was wanted."""
        offered = (self.labels or self.control).labels
        if not offered:
            return wanted
        names = frozenset(offered)
        known = tuple(label for label in wanted if label in names)
        return known or (offered if len(offered) == 1 else ())


@dataclass(frozen=True)
class Labelling:
    """A labelling configuration, as far as clicks and masks are concerned.

    Args:
        images: key in the task's data by name of the Image tag.
    """

    images: Mapping[str, str]
    controls: tuple[Control, ...]

    def data_key(self, image: str) -> str:
        """Key of the task's data that refers to the image shown by the Image tag `image`."""
        if image not in self.images:
            raise RequestInvalid(
                f"to_name: expected an Image of the labelling configuration ({_listed(self.images)}), "
                f"got {shortened(image)}"
            )
        return self.images[image]

    def role_of(self, control: str) -> Role | None:
        """Role of the clicks made with the tag `control`, None if their order decides."""
        return self._roles.get(control)

    @cached_property
    def _roles(self) -> Mapping[str, Role | None]:
        """Role by name of the control; of those with one name the first counts."""
        return {control.name: control.role for control in reversed(self.controls)}

    def output(self, image: str) -> Output:
        """Where masks of `image` go: the first of `MASK_TAGS` that is there, with the Labels beside it."""
        here = [control for control in self.controls if image in control.images]
        for tag in MASK_TAGS:
            for control in here:
                if control.tag == tag:
                    beside = next((other for other in here if other.tag == "labels"), None)
                    return Output(control, None if control.has_labels else beside)
        raise RequestInvalid(
            f"labelling configuration: expected BrushLabels, PolygonLabels, Brush or Polygon on the image {image!r}, "
            f"got {_listed(control.tag for control in here)}; add one, it is where the mask goes"
        )


@lru_cache(maxsize=64)
def read_labelling(configuration: str) -> Labelling:
    """Labelling configuration from its XML.

    Raises:
        RequestInvalid: no well-formed XML without a document type, or a tag without a name.
    """
    if len(configuration) > LONGEST_CONFIGURATION:
        raise RequestInvalid(
            f"labelling configuration: expected at most {LONGEST_CONFIGURATION} characters, "
            f"got {len(configuration)}"
        )
    try:
        root: Element = fromstring(configuration, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, RecursionError) as error:
        raise RequestInvalid(f"labelling configuration: expected well-formed XML, got {error}") from None
    return _read(root)


def _read(root: Element) -> Labelling:
    """In one pass, each element once: a label belongs to the innermost control around it."""
    images: dict[str, str] = {}
    controls: list[tuple[Element, list[str]]] = []
    nobody: list[str] = []
    waiting: list[tuple[Element, list[str]]] = [(root, nobody)]
    while waiting:
        element, labels = waiting.pop()
        tag = str(element.tag).lower()
        if tag == "image" and element.get("name"):
            images[str(element.get("name"))] = element.get("value", "").removeprefix("$")
        elif element.get("name") and element.get("toName"):
            labels = []
            controls.append((element, labels))
        elif tag == "label" and (value := element.get("alias") or element.get("value")):
            labels.append(value)
        waiting.extend((child, labels) for child in reversed(element))
    return Labelling(images, tuple(_control(element, labels) for element, labels in controls))


def _control(element: Element, labels: Iterable[str]) -> Control:
    tag, name = str(element.tag).lower(), element.get("name", "")
    return Control(
        tag=tag,
        name=name,
        images=tuple(part.strip() for part in element.get("toName", "").split(",")),
        role=_role(name, element.get("role")) if tag in CLICK_TAGS else None,
        labels=tuple(labels),
    )


def _role(name: str, attribute: str | None) -> Role | None:
    """The `role` attribute if there is one, else what the name begins with."""
    if attribute is not None:
        if attribute.lower() not in CLICK_ROLES:
            raise RequestInvalid(
                f"labelling configuration: expected role select or boundary on {shortened(name)}, "
                f"got {shortened(attribute)}"
            )
        return CLICK_ROLES[attribute.lower()]
    return next((role for start, role in CLICK_ROLES.items() if name.lower().startswith(start)), None)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(set(names))) or "none"
