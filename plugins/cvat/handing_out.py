"""New work in CVAT: a task of some frames of another one, or a job of them."""

# mypy: disable-error-code="import-untyped, import-not-found"

import json
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from model.errors import ImageRejected
from plugins.cvat.client import PAGE, CvatClient
from plugins.cvat.ranking import fetch_frame, file_name, next_name
from plugins.cvat.records import Task

SETTLED = 1.0
"""Seconds between two questions whether CVAT has taken the images in."""


def create_task(client: CvatClient, task: Task, frames: Mapping[int, str], most: int) -> int:
    """A task of these frames in this order, with the labels of the one they are from; returns its number.

    Args:
        frames: numbers and names.
        most: bytes of a frame's file.

    Raises:
        ImageRejected: a frame cannot be had, or CVAT refuses; then no task is left behind.
    """
    from cvat_sdk import models  # noqa: PLC0415 - optional
    from cvat_sdk.core.proxies.tasks import ResourceType  # noqa: PLC0415

    spec: dict[str, Any] = {"name": next_name(task)}
    if task.project_id is None:
        spec["labels"] = _labels(client, task)
    else:
        spec["project_id"] = task.project_id
    with TemporaryDirectory() as folder:
        files = []
        for frame, name in frames.items():
            data = fetch_frame(client, task.id, frame, most)
            files.append(Path(folder, file_name(frame, name, _kind(data))))
            files[-1].write_bytes(data)
        with client.asking("new task"):
            made = client.sdk.tasks.create(models.TaskWriteRequest(**spec))
        try:
            with client.asking(f"images of task {made.id}"):
                made.upload_data(
                    files,
                    resource_type=ResourceType.LOCAL,
                    params={"image_quality": 90, "sorting_method": "predefined"},
                    status_check_period=SETTLED,
                )
        except BaseException:
            with client.asking(f"removal of task {made.id}"):
                made.remove()
            raise
    return int(made.id)


def create_job(client: CvatClient, task: Task, frames: Sequence[int]) -> int:
    """A ground truth job of these frames, the only kind that may choose its frames; returns its number.

    Raises:
        ImageRejected: CVAT refuses, for example since the task has such a job.
    """
    from cvat_sdk import models  # noqa: PLC0415 - optional

    with client.asking(f"new job in task {task.id}"):
        made, _ = client.sdk.api_client.jobs_api.create(
            models.JobWriteRequest(
                type=models.JobType("ground_truth"),
                task_id=task.id,
                frame_selection_method=models.FrameSelectionMethod("manual"),
                frames=sorted(frames),
            )
        )
    return int(made.id)


def _kind(data: bytes) -> str:
    """Ending of an image's file name; a video's frames come as images, too."""
    try:
        with Image.open(BytesIO(data)) as picture:
            return str(picture.format).lower()
    except OSError:
        raise ImageRejected(
            f"image: expected a frame's file, got {len(data)} bytes of something else"
        ) from None


def _labels(client: CvatClient, task: Task) -> list[dict[str, Any]]:
    """The task's own labels, as a new task takes them."""
    labels, number, more = [], 1, True
    while more:
        page = json.loads(client.get("/api/labels", {"task_id": task.id, "page": number, "page_size": PAGE}))
        labels += [_copied(label) for label in page["results"] if label.get("type") != "skeleton"]
        number, more = number + 1, bool(page["next"] and page["results"])
    if not labels:
        raise ImageRejected(f"CVAT at {client.server}: expected labels in task {task.id}, got none; add one")
    return labels


def _copied(label: dict[str, Any]) -> dict[str, Any]:
    """A label without what belongs to its task; skeletons are left out, as they are no masks."""
    told = {key: label[key] for key in ("name", "color", "type") if label.get(key) is not None}
    kept = ("name", "mutable", "input_type", "default_value", "values")
    return told | {
        "attributes": [{key: one[key] for key in kept if key in one} for one in label.get("attributes", ())]
    }
