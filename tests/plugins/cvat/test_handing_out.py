"""New tasks and jobs, made by the real cvat-sdk on a server that answers as CVAT does."""

from collections.abc import Iterator

import pytest

from model.errors import ImageRejected
from plugins.cvat.client import Connection, CvatClient
from plugins.cvat.handing_out import create_job, create_task
from plugins.cvat.ranking import read_candidates
from plugins.cvat.records import Task
from tests.local_server import Answer
from tests.plugins.cvat.cvat_double import TOKEN, Cvat, cvat, photos, refused, told
from tests.plugins.cvat.doubles import picture

pytest.importorskip("cvat_sdk")

FRAMES = {3: "photos/3.png", 2: "photos/2.png"}
MOST = 1 << 20


@pytest.fixture
def server() -> Iterator[Cvat]:
    with cvat() as state:
        photos(state, 7, [picture(20, 12, shade) for shade in range(4)], (20, 12))
        yield state


@pytest.fixture
def client(server: Cvat) -> CvatClient:
    return CvatClient(Connection(server.url, TOKEN))


def task(server: Cvat) -> Task:
    return Task.model_validate(server.tasks[7])


def test_a_task_gets_the_frames_in_their_order(server: Cvat, client: CvatClient) -> None:
    assert create_task(client, task(server), FRAMES, MOST) == 8
    made = server.tasks[8]
    assert made["asked_for"] == {"name": "photos - next frames of task 7", "project_id": 5}
    assert server.finished["upload_file_order"] == ["000003-3.png", "000002-2.png"]
    assert server.finished["sorting_method"] == "predefined"
    (body,) = server.uploaded
    assert all(server.frames[frame] in body for frame in FRAMES)
    assert not any(server.frames[frame] in body for frame in (0, 1))
    # What has been handed out is no candidate any more.
    names = [{"width": 20, "height": 12, "name": name} for name in server.finished["upload_file_order"][:1]]
    server.task_metas[8] = told("meta") | {"frames": names}
    made["size"] = 1
    assert list(read_candidates(client, 7).names) == [2]


def test_without_a_project_the_labels_are_copied(server: Cvat, client: CvatClient) -> None:
    server.tasks[7]["project_id"] = None
    create_task(client, task(server), FRAMES, MOST)
    cup, plate = server.tasks[8]["asked_for"]["labels"]
    assert cup == {"name": "cup", "color": "#fa3253", "type": "any", "attributes": []}
    (broken,) = plate["attributes"]
    assert (broken["name"], broken["input_type"], "id" in broken) == ("broken", "checkbox", False)


@pytest.mark.parametrize("fault", ["refusal", "frame"])
def test_a_task_that_cannot_be_filled_is_not_left_behind(
    server: Cvat, client: CvatClient, fault: str
) -> None:
    if fault == "frame":
        del server.frames[2]
    else:
        server.faults["/api/tasks/8/data"] = lambda asked: refused(507, "No space left on device")
    with pytest.raises(ImageRejected, match="HTTP 404" if fault == "frame" else "No space left"):
        create_task(client, task(server), FRAMES, MOST)
    assert sorted(server.tasks) == [7]


def test_a_job_is_a_ground_truth_job_of_just_these_frames(server: Cvat, client: CvatClient) -> None:
    assert create_job(client, task(server), list(FRAMES)) == 90
    assert server.finished == {
        "type": "ground_truth",
        "task_id": 7,
        "frame_selection_method": "manual",
        "frames": [2, 3],
    }
    with pytest.raises(ImageRejected, match="only 1 ground truth job"):
        create_job(client, task(server), [2])


def test_an_answer_of_another_version_is_one_line(server: Cvat, client: CvatClient) -> None:
    server.faults["/api/jobs"] = lambda asked: Answer(b'{"id": 90}', 201)
    with pytest.raises(ImageRejected, match="version"):
        create_job(client, task(server), [2])
