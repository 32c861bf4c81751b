"""Finished jobs as corrections, from answers in CVAT's form; the store is the real one."""

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.store import CorrectionStore, Database, StoredCorrection
from backend.store.annotations import AnnotationList
from model.corrections import ImageReference
from model.errors import ImageRejected
from plugins.cvat.client import NotThere
from plugins.cvat.pulling import TOOL, Pulled, Puller, Scope, fetcher
from tests.local_server import Answer, Asked
from tests.plugins.cvat.cvat_double import TOKEN, Cvat, refused, told

PROJECT = Scope("project", 5)
NAME = "jobs/12.1782892800"


class Answers:
    """Asks the double without a network between."""

    server = "cvat.example"

    def __init__(self, state: Cvat) -> None:
        self.state = state

    def get(self, path: str, query: Mapping[str, str | int] | None = None, most: int | None = None) -> bytes:
        words = "&".join(f"{name}={value}" for name, value in (query or {}).items())
        answer = self.state.answer(Asked("GET", f"{path}?{words}", {"authorization": f"Bearer {TOKEN}"}, b""))
        if answer.status == 404:
            raise NotThere(f"CVAT: {path}")
        return answer.body


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path}/store.sqlite3")
    yield database
    database.close()


def pull(state: Cvat, database: Database, scope: Scope = PROJECT) -> Pulled:
    """What the command does between login and images."""
    state.asked.clear()
    puller = Puller(Answers(state), CorrectionStore(database), AnnotationList(database).of(TOOL))
    jobs = puller.jobs(scope)
    for job in jobs:
        puller.take(job)
    puller.withdraw_gone(scope, jobs)
    return puller.pulled


def active(database: Database) -> list[StoredCorrection]:
    return CorrectionStore(database).active(TOOL)


def shapes(state: Cvat) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = state.annotations[12]["shapes"]
    return found


def test_masks_and_polygons_of_a_finished_job_are_corrections(database: Database) -> None:
    done = pull(Cvat(), database)
    assert done.ignored == {"rectangle": 2, "polyline": 1}
    assert done.jobs == {"read": 1, "not finished": 1}
    mask, polygon, border, track = active(database)
    assert mask.mask.shape == (12, 20)
    np.testing.assert_array_equal(np.argwhere(mask.mask), [[2, 4], [2, 5], [3, 4], [3, 5], [4, 4], [4, 5]])
    assert (polygon.label, int(polygon.mask.sum())) == ("plate", 6 * 4)
    assert polygon.mask[6:10, 8:14].all()
    assert border.mask[0].all() and not border.mask[1:].any()  # noqa: PT018
    assert (int(track.mask.sum()), track.label) == (16, "cup")
    assert (mask.annotator, mask.time.isoformat()) == ("7", "2026-07-02T09:30:15.250001+00:00")
    assert mask.image == ImageReference("cvat", "cvat.example/projects/5", "7", f"{NAME}/frames/0")
    assert track.image.reference == f"{NAME}/frames/1"


def test_only_jobs_that_have_changed_are_read_again(database: Database) -> None:
    state = Cvat()
    pull(state, database)
    again = pull(state, database)
    assert again.jobs == {"unchanged": 1, "not finished": 1}
    assert ("GET", "/api/jobs/12/annotations") not in state.asked
    state.change(12)
    # As after any saving: every shape has another id.
    for number, shape in enumerate(shapes(state)):
        shape["id"] = 900 + number
    shapes(state)[1]["label_id"] = 31
    done = pull(state, database)
    assert (done.objects["unchanged"], done.objects["replaced"], done.objects["added"]) == (3, 1, 0)
    assert [one.label for one in active(database)] == ["cup"] * 4


def test_deleted_shapes_frames_and_jobs_are_withdrawn(database: Database) -> None:
    state = Cvat()
    pull(state, database)
    del shapes(state)[0]
    state.metas[12] = told("meta") | {"deleted_frames": [1]}
    state.change(12)
    assert pull(state, database).objects["withdrawn"] == 3
    assert [one.label for one in active(database)] == ["plate"]
    del state.jobs[12]
    assert pull(state, database).objects["withdrawn"] == 1
    assert active(database) == []
    assert pull(state, database).jobs == {"not finished": 1}


@pytest.mark.parametrize("scope", [Scope("task", 7), Scope("job", 12), PROJECT], ids=str)
def test_each_scope_sees_that_all_of_it_is_gone(database: Database, scope: Scope) -> None:
    state = Cvat()
    assert pull(state, database, scope).objects["added"] == 4
    state.jobs.clear()
    state.tasks.clear()
    state.projects.clear()
    assert pull(state, database, scope).objects["withdrawn"] == 4
    with pytest.raises(NotThere):
        pull(state, database, Scope("task", 8))


def test_other_projects_and_jobs_that_are_only_out_of_reach_are_left_alone(database: Database) -> None:
    state = Cvat()
    pull(state, database)
    state.projects.add(50)
    pull(state, database, Scope("project", 50))
    pull(state, database, Scope("job", 13))
    assert len(active(database)) == 4


def test_a_job_that_was_sent_back_counts_again_when_it_is_finished(database: Database) -> None:
    state = Cvat()
    pull(state, database)
    state.jobs[12]["state"] = "rejected"
    state.change(12)
    assert pull(state, database).objects["withdrawn"] == 4
    assert pull(state, database).jobs == {"unchanged": 1, "not finished": 1}
    state.jobs[12]["state"] = "completed"
    state.change(12, 2)
    assert pull(state, database).objects["added"] == 4


def test_numbers_that_begin_anew_name_other_jobs(database: Database) -> None:
    state = Cvat()
    pull(state, database)
    state.jobs[12]["created_date"] = "2026-08-01T00:00:00Z"
    done = pull(state, database)
    assert (done.objects["added"], done.objects["withdrawn"]) == (4, 4)


def test_a_job_that_vanishes_while_it_is_read_is_withdrawn(database: Database) -> None:
    state = Cvat()
    pull(state, database)
    state.change(12)
    state.faults["/api/jobs/12/annotations"] = lambda asked: refused(404, "Not found.")
    assert pull(state, database).objects["withdrawn"] == 4
    fresh = Cvat(faults=state.faults)
    assert pull(fresh, database).failed == []


def test_what_was_stopped_in_the_middle_of_a_job_is_done_the_next_time(database: Database) -> None:
    state = Cvat()

    class Stopping(CorrectionStore):
        left = 1

        def record(self, submission: Any) -> Any:
            if not self.left:
                raise KeyboardInterrupt
            self.left -= 1
            return super().record(submission)

    puller = Puller(Answers(state), Stopping(database), ())
    with pytest.raises(KeyboardInterrupt):
        puller.take(puller.jobs(Scope("job", 12))[0])
    assert len(active(database)) == 2
    assert pull(state, database).objects["added"] == 2
    assert len(active(database)) == 4


def test_all_pages_are_read_and_jobs_that_slip_between_them_are_not_withdrawn(database: Database) -> None:
    state = Cvat(page_size=2)
    for number in range(20, 25):
        state.jobs[number] = told("job") | {"id": number}
        state.annotations[number] = copy.deepcopy(told("annotations"))
    assert pull(state, database).jobs["read"] == 6
    assert len(active(database)) == 24

    def shrinking(asked: Asked) -> None:
        if asked.query.get("page") == "2":
            for gone in (23, 24):
                state.jobs.pop(gone, None)

    state.faults["/api/jobs"] = shrinking
    assert pull(state, database).objects["withdrawn"] == 0
    assert len(active(database)) == 24
    assert pull(state, database).objects["withdrawn"] == 8
    assert len(active(database)) == 16


def test_old_servers_tell_less(database: Database) -> None:
    state = Cvat(jobs={12: told("job-2.4")})
    state.faults["/api/labels"] = lambda asked: refused(404, "Not found.")
    assert pull(state, database).objects["added"] == 4
    assert {one.image.reference for one in active(database)} == {"jobs/12/frames/0", "jobs/12/frames/1"}


def test_videos_and_replicas_and_point_clouds(database: Database) -> None:
    state = Cvat()
    state.metas[12] = told("meta") | {"frames": [{"width": 20, "height": 12, "name": "film.mp4"}]}
    state.jobs[13] |= {"state": "completed", "type": "consensus_replica"}
    state.jobs[14] = told("job") | {"id": 14, "dimension": "3d"}
    assert pull(state, database).jobs == {"read": 1, "of another kind": 2}
    assert len(active(database)) == 4


BAD = {
    "run lengths that do not fill the box": [5, 2, 3, 2, 6, 4],
    "run lengths beyond all memory": [0, 10**15, 0, 0, 19, 11],
    "a box beyond the image": [0, 6, 18, 0, 20, 1],
    "negative": [0, -6, 12, 3, 2, 6, 4],
    "fractions": [0.5, 11.5, 3, 2, 6, 4],
    "text": ["a", 1, 2, 3, 4, 5],
    "nothing": [],
    "an empty mask": [6, 0, 0, 2, 1],
}


def test_a_bad_shape_takes_nothing_else_along(database: Database) -> None:
    state = Cvat()
    shapes(state)[0]["points"] = BAD["an empty mask"]
    for points in BAD.values():
        shapes(state).append({**shapes(state)[0], "points": points})
    for corners in ([1.0, 1.0, 1e300, 2.0, 3.0, 3.0], [1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0, 3.0, None]):
        shapes(state).append({**shapes(state)[1], "points": corners})
    shapes(state).append({**shapes(state)[1], "frame": 77})
    pull(state, database)
    assert len(active(database)) == 3
    assert CorrectionStore(database).counts()["flawed"] == len(BAD) + 4


def test_a_job_that_cannot_be_understood_does_not_stop_the_others(database: Database) -> None:
    bodies = (b"", b"<html>", b"[]", b'{"shapes": 3}', b'{"shapes": [{"type": "mask"')
    state = Cvat()
    for number, body in enumerate(bodies, start=20):
        state.jobs[number] = told("job") | {"id": number}
        state.faults[f"/api/jobs/{number}/annotations"] = lambda asked, body=body: Answer(body)
    done = pull(state, database)
    assert [failure.partition(":")[0] for failure in done.failed] == [
        f"job {n}" for n in (24, 23, 22, 21, 20)
    ]
    assert not any("\n" in failure for failure in done.failed)
    assert done.jobs["read"] == 1
    assert len(active(database)) == 4


def test_frames_are_fetched_from_their_own_server_only() -> None:
    state = Cvat(frames={1: b"png"})
    fetch = fetcher(Answers(state), 100)
    image = ImageReference("cvat", "cvat.example/projects/5", "7", f"{NAME}/frames/1")
    assert fetch(image) == b"png"
    assert state.asked == [("GET", "/api/jobs/12/data")]
    for other in ("other.example/projects/5", "cvat.example.evil/projects/5"):
        with pytest.raises(ImageRejected, match=r"cvat\.example"):
            fetch(ImageReference("cvat", other, "7", image.reference))
    with pytest.raises(ImageRejected):
        fetch(ImageReference("cvat", "cvat.example/projects/5", "7", "jobs/12/../../users"))
