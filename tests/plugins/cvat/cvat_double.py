"""A CVAT server as far as pull and next speak to it: jobs, annotations, frames, labels, logins, new tasks and jobs.

Its answers have the form of CVAT 2.80's, see answers/; cvat-sdk's own models read them in test_client.py.
"""

import copy
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.local_server import Answer, Asked, local_server

ANSWERS = Path(__file__).parent / "answers"
TOKEN = "a-personal-access-token"
LOGIN = {"username": "worker2", "password": "secret"}
HERE = "http://localhost:8080"
WHEN = "2026-07-02T09:30:15Z"


def told(name: str) -> Any:
    """One of the answers."""
    return json.loads((ANSWERS / f"{name}.json").read_text())


def refused(status: int, detail: str) -> Answer:
    """An error as CVAT's framework words it."""
    return Answer(json.dumps({"detail": detail}).encode(), status)


@dataclass
class Cvat:
    """Two jobs of task 7 in project 5; the first one is finished.

    Attributes:
        jobs: by number; `annotations` and `metas` too.
        tasks: by number; `task_metas` their frames.
        frames: files by frame of a task.
        page_size: never more than so many items in an answer.
        faults: answers that come instead, by path; asked anew each time.
        asked: method and path of every request.
    """

    url: str = ""
    jobs: dict[int, dict[str, Any]] = field(
        default_factory=lambda: {12: told("job"), 13: told("job-in-progress")}
    )
    annotations: dict[int, dict[str, Any]] = field(default_factory=lambda: {12: told("annotations")})
    metas: dict[int, dict[str, Any]] = field(default_factory=dict)
    tasks: dict[int, dict[str, Any]] = field(default_factory=lambda: {7: told("task")})
    task_metas: dict[int, dict[str, Any]] = field(default_factory=dict)
    projects: set[int] = field(default_factory=lambda: {5})
    frames: dict[int, bytes] = field(default_factory=dict)
    page_size: int = 100
    faults: dict[str, Callable[[Asked], Answer | None]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    uploaded: list[bytes] = field(default_factory=list)
    finished: dict[str, Any] = field(default_factory=dict)

    def change(self, job: int, seconds: int = 1) -> None:
        """As if somebody had saved the job."""
        before = self.jobs[job]["updated_date"]
        self.jobs[job]["updated_date"] = f"2026-07-02T09:{int(before[14:16]) + seconds:02}:15.250001Z"

    def answer(self, asked: Asked) -> Answer:
        self.asked.append((asked.method, asked.path))
        if asked.path == "/api/auth/login":
            return self._login(asked)
        signed_in = asked.headers.get("cookie", "").find("sessionid=s1") >= 0
        if asked.headers.get("authorization") != f"Bearer {TOKEN}" and not signed_in:
            return refused(401, "Invalid token.")
        fault = self.faults.get(asked.path)
        instead = fault(asked) if fault else None
        if instead is not None:
            return instead
        found = self._made(asked) if asked.method != "GET" else self._got(asked)
        if found is None:
            return refused(404, "Not found.")
        return found if isinstance(found, Answer) else Answer(json.dumps(found).encode())

    def _login(self, asked: Asked) -> Answer:
        if json.loads(asked.body) != LOGIN:
            wrong = {"non_field_errors": ["Unable to log in with provided credentials."]}
            return Answer(json.dumps(wrong).encode(), 400)
        cookies = "sessionid=s1; HttpOnly; Path=/\ncsrftoken=c1; Path=/"
        return Answer(json.dumps({"key": "k"}).encode(), headers={"Set-Cookie": cookies})

    def _got(self, asked: Asked) -> Any:
        path, query = asked.path, asked.query
        if path == "/api/jobs":
            wanted = {name: int(query[name]) for name in ("task_id", "project_id") if name in query}
            chosen = [job for job in self.jobs.values() if wanted.items() <= job.items()]
            return self._page(sorted(chosen, key=lambda job: -int(job["id"])), query)
        if path == "/api/tasks":
            return self._page([one for one in self.tasks.values() if one["name"] == query["name"]], query)
        if path == "/api/labels":
            return told("labels")
        if found := re.fullmatch(r"/api/requests/(\w+)", path):
            operation = {"type": "create:task", "target": "task"}
            done = {"status": "finished", "message": "", "id": found[1], "operation": operation}
            return done | {"created_date": WHEN, "owner": {"id": 7, "username": "worker2"}}
        if found := re.fullmatch(r"/api/(jobs|tasks|projects)/(\d+)(/.*)?", path):
            return self._part(found[1], int(found[2]), found[3] or "", query)
        return None

    def _page(self, items: list[dict[str, Any]], query: dict[str, str]) -> Any:
        size, number = min(int(query.get("page_size", 10)), self.page_size), int(query.get("page", 1))
        part = items[(number - 1) * size : number * size]
        if not part and number > 1:
            return refused(404, "Invalid page.")
        more = f"{HERE}/api/jobs?page={number + 1}" if number * size < len(items) else None
        return {"count": len(items), "next": more, "previous": None, "results": part}

    def _part(self, kind: str, number: int, part: str, query: dict[str, str]) -> Any:
        if kind == "projects":
            return {"id": number, "name": "cups"} if number in self.projects and not part else None
        held = self.jobs if kind == "jobs" else self.tasks
        if number not in held:
            return None
        if part == "/annotations":
            return self.annotations.get(number, {"version": 0, "tags": [], "shapes": [], "tracks": []})
        if part == "/data/meta":
            metas = self.metas if kind == "jobs" else self.task_metas
            return metas.get(number, told("meta"))
        if part == "/data":
            file = self.frames.get(int(query["number"]))
            return None if file is None else Answer(file, headers={"Content-Type": "image/png"})
        return held[number] if not part else None

    def _made(self, asked: Asked) -> Any:
        if asked.method == "DELETE":
            del self.tasks[int(asked.path.rpartition("/")[2])]
            return Answer(status=204)
        if asked.path == "/api/tasks":
            return self._new_task(json.loads(asked.body))
        if asked.path == "/api/jobs":
            if any(job["type"] == "ground_truth" for job in self.jobs.values()):
                return Answer(json.dumps(["A task can have only 1 ground truth job"]).encode(), 400)
            made = {**told("job"), "id": 90, "type": "ground_truth", "state": "new"}
            self.finished = json.loads(asked.body)
            self.jobs[90] = made
            return Answer(json.dumps(made).encode(), 201)
        if re.fullmatch(r"/api/tasks/\d+/data", asked.path):
            if "upload-multiple" in asked.headers:
                self.uploaded.append(asked.body)
                return {}
            if "upload-finish" in asked.headers:
                self.finished = json.loads(asked.body)
                return Answer(b'{"rq_id": "r1"}', 202)
            return Answer(b"{}", 202)
        return None

    def _new_task(self, spec: dict[str, Any]) -> Answer:
        number = max(self.tasks) + 1
        names = {"name": spec["name"], "project_id": spec.get("project_id")}
        self.tasks[number] = {**told("task"), "id": number, **names, "size": 0, "asked_for": spec}
        return Answer(
            json.dumps({k: v for k, v in self.tasks[number].items() if k != "asked_for"}).encode(), 201
        )


@contextmanager
def cvat() -> Iterator[Cvat]:
    """Runs on a free port."""
    state = Cvat()
    with local_server(state.answer) as state.url:
        yield state


def photos(state: Cvat, task: int, files: list[bytes], size: tuple[int, int]) -> None:
    """Give a task these frames, all of one size (width, height)."""
    width, height = size
    meta = copy.deepcopy(told("meta"))
    meta["frames"] = [
        {"width": width, "height": height, "name": f"photos/{number}.png", "related_files": 0}
        for number in range(len(files))
    ]
    state.task_metas[task] = meta | {"size": len(files), "stop_frame": len(files) - 1}
    state.tasks[task]["size"] = len(files)
    state.frames = dict(enumerate(files))
