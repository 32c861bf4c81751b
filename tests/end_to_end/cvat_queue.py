"""A CVAT server as far as an agent speaks to it: one task with one frame, and a queue of interaction requests."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.local_server import Answer, Asked, local_server

WHEN = "2026-08-01T00:00:00Z"
USER = {"id": 1, "url": "http://localhost/api/users/1", "username": "u", "first_name": "", "last_name": ""}


@dataclass
class Queue:
    """What the server has been told and what it still has to ask.

    Args:
        frame: the file of frame 0 of task 1.
        waiting: parameters of the requests that nobody has taken yet.
        done: answers by number of the request; an error as {"exc_info": ...}.
        downloads: how often the frame was fetched.
    """

    frame: bytes
    size: tuple[int, int]
    url: str = ""
    function: dict[str, Any] = field(default_factory=dict)
    waiting: list[dict[str, Any]] = field(default_factory=list)
    done: dict[str, dict[str, Any]] = field(default_factory=dict)
    downloads: int = 0
    unknown: list[str] = field(default_factory=list)
    _taken: int = 0

    def ask(self, **prompts: Any) -> None:
        """Put a request of the annotator into the queue."""
        nothing: dict[str, Any] = {"pos_points": [], "neg_points": [], "obj_bbox": []}
        self.waiting.append({"type": "interact", "task": 1, "frame": 0, **nothing, **prompts})

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> Any:
        """JSON, or bytes of the frame; None for a path that is not known."""
        if found := re.fullmatch(r"/api/functions/queues/function:7/requests/(\w+)(/(\w+))?", path):
            return self._request(found[1], found[3], body)
        if (method, path) == ("POST", "/api/functions"):
            defaults = {"startswith_box": False, "startswith_box_optional": False, "min_neg_points": -1}
            self.function = {"id": 7, **defaults, **body}
            return self.function
        if path == "/api/functions/7":
            return self.function
        if path == "/api/tasks/1/data" and query.get("type") == "frame":
            self.downloads += 1
            return self.frame
        return self._described(path)

    def _request(self, first: str, action: str | None, body: Any) -> Any:
        if first != "acquire":
            self.done[first] = body
            return {}
        if body["request_category"] != "interactive" or not self.waiting:
            return {"ar_assignment": None}
        self._taken += 1
        return {"ar_assignment": {"ar_id": f"r{self._taken}", "ar_params": self.waiting.pop(0)}}

    def _described(self, path: str) -> Any:
        width, height = self.size
        link = {"url": f"{self.url}{path}", "count": 0}
        described = {
            "/api/server/about": {
                "name": "CVAT", "description": "", "version": "2.80.0", "logo_url": "", "subtitle": "",
            },
            "/api/auth/access_tokens/self": {},
            "/api/users/self": {**USER, "groups": []},
            "/api/tasks/1": {
                "id": 1, "url": link["url"], "name": "t", "project_id": None, "mode": "annotation", "owner": USER,
                "assignee": None, "bug_tracker": "", "created_date": WHEN, "updated_date": WHEN, "status": "annotation",
                "size": 1, "data": 1, "data_chunk_size": 1, "data_compressed_chunk_type": "imageset",
                "data_original_chunk_type": "imageset", "overlap": 0, "segment_size": 1, "dimension": "2d",
                "subset": "", "organization": None, "target_storage": None, "source_storage": None,
                "jobs": {**link, "completed": 0, "validation": 0}, "labels": link, "guide_id": None,
                "assignee_updated_date": None, "validation_mode": None, "consensus_enabled": False,
                "media_type": "image", "data_cloud_storage_id": None, "organization_id": None,
            },
            "/api/labels": {"count": 0, "next": None, "previous": None, "results": []},
            "/api/tasks/1/data/meta": {
                "chunk_size": 1, "size": 1, "image_quality": 70, "start_frame": 0, "stop_frame": 0,
                "frame_filter": "", "deleted_frames": [], "included_frames": None, "chunks_updated_date": WHEN,
                "frames": [{"width": width, "height": height, "name": "photo.png", "related_files": 0}],
                "media_type": "image", "storage": "local", "storage_method": "cache", "cloud_storage_id": None,
            },
        }  # fmt: skip
        return described.get(path)


@contextmanager
def queue_server(frame: bytes, size: tuple[int, int]) -> Iterator[Queue]:
    """Runs on a free port; `size` is the frame's width and height."""
    queue = Queue(frame, size)

    def answer(asked: Asked) -> Answer:
        body = json.loads(asked.body) if asked.body else None
        told = queue.answer(asked.method, asked.path, asked.query, body)
        if told is None:
            queue.unknown.append(f"{asked.method} {asked.target}")
            return Answer(b"{}", 404)
        if isinstance(told, bytes):
            return Answer(told, headers={"Content-Type": "image/png"})
        return Answer(json.dumps(told).encode())

    with local_server(answer) as queue.url:
        yield queue
