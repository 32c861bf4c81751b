"""What CVAT reads of a function, in the shape in which Nuclio tells it."""

from typing import Any

from plugins.cvat.prompts import RightClick

NAME = "boundaryclick"
"""Id of the function; CVAT takes letters, digits, '_', '.' and '-'."""

HELP = (
    "1st left click: the middle of the object. Every further click{buttons}: a point ON its true outline, "
    "where the mask is wrong. To change the first click, press Esc and start again."
)
BUTTONS = {"boundary": " (left or right)", "ignore": " (left; right clicks are ignored)"}


def describe(port: int, right_click: RightClick) -> dict[str, Any]:
    """The function as an item of GET /api/functions.

    Args:
        port: where it is invoked directly.
        right_click: what a click with the right button is.
    """
    # No startswith_box keys: CVAT takes any text there for yes. Every value is text, as in Nuclio.
    annotations = {
        "name": "Boundary click",
        "type": "interactor",
        "version": "2",
        "spec": "",
        "framework": "pytorch",
        "min_pos_points": "1",
        "min_neg_points": "0" if right_click == "boundary" else "-1",
        "help_message": HELP.format(buttons=BUTTONS[right_click]),
    }
    return {
        "metadata": {
            "name": NAME,
            "namespace": "nuclio",
            "labels": {"nuclio.io/project-name": "cvat"},
            "annotations": annotations,
        },
        "spec": {"description": "Select an object with one click, repair its mask by clicks on its outline"},
        "status": {"state": "ready", "httpPort": port},
    }
