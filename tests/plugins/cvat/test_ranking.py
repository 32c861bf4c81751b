"""Which frames are candidates, and how they are judged; the service answers with given masks."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from backend.decoding import DecodedImage
from model import Click, Prediction
from plugins.cvat.ranking import Ranking, file_name, next_name, read_candidates, spread
from plugins.cvat.records import Task
from tests.plugins.cvat.cvat_double import Cvat, photos, told
from tests.plugins.cvat.doubles import picture, store
from tests.plugins.cvat.test_pulling import Answers

FRAMES = 12


@pytest.fixture
def server() -> Cvat:
    """Task 7 with twelve frames, of which the first two are in a finished job."""
    state = Cvat()
    photos(state, 7, [picture(30, 30, frame) for frame in range(FRAMES)], (30, 30))
    state.jobs[13] |= {"stop_frame": FRAMES - 1}
    return state


def left(server: Cvat) -> list[int]:
    return sorted(read_candidates(Answers(server), 7).names)


def test_frames_of_finished_jobs_and_deleted_ones_are_left_out(server: Cvat) -> None:
    server.annotations.clear()
    assert left(server) == list(range(2, FRAMES))
    server.task_metas[7]["deleted_frames"] = [4, 11]
    assert left(server) == [2, 3, 5, 6, 7, 8, 9, 10]
    server.jobs[12]["state"] = "new"
    assert left(server)[:3] == [0, 1, 2]


def test_frames_with_anything_on_them_are_left_out(server: Cvat) -> None:
    shape, track = told("annotations")["shapes"][2], told("annotations")["tracks"][0]
    drawn = [track["shapes"][0] | {"frame": frame} for frame in (6, 8)]
    server.annotations[13] = {
        "tags": [{"frame": 3}],
        "shapes": [shape | {"frame": 5}],
        "tracks": [track | {"shapes": drawn}, track | {"shapes": []}],
    }
    assert left(server) == [2, 4, 9, 10, 11]


def test_frames_that_a_task_was_made_of_are_left_out(server: Cvat) -> None:
    names = [file_name(frame, f"a b/ü.{frame}.mp4", "png") for frame in (2, 9)]
    assert names == ["000002-__2.png", "000009-__9.png"]
    for number, size in ((8, 2), (9, 0)):
        server.tasks[number] = told("task") | {
            "id": number, "name": next_name(Task.model_validate(server.tasks[7])), "size": size,
        }  # fmt: skip
    server.task_metas[8] = told("meta") | {"frames": [{"width": 1, "height": 1, "name": n} for n in names]}
    assert left(server) == [3, 4, 5, 6, 7, 8, 10, 11]


def test_a_task_without_images_has_no_candidates(server: Cvat) -> None:
    server.tasks[7]["size"] = None
    assert left(server) == []


def test_many_frames_are_looked_at_evenly_spread() -> None:
    assert spread([5, 6, 7], 3) == [5, 6, 7]
    assert spread(range(100_000), 4) == [12_500, 37_500, 62_500, 87_500]


class Squares:
    """Answers with a square around each click; how sure depends on the frame and on where it was clicked."""

    version = "squares"

    def __init__(self, sure: Mapping[int, float]) -> None:
        self.sure = sure
        self.asked: list[tuple[float, float]] = []

    def predict(self, image: DecodedImage, clicks: Sequence[Click]) -> Prediction:
        (click,) = clicks
        self.asked.append((click.x, click.y))
        row, column = int(click.y) // 10, int(click.x) // 10
        mask = np.zeros((30, 30), bool)
        mask[10 * row + 2 : 10 * row + 8, 10 * column + 2 : 10 * column + 8] = True
        # The right column is nothing in particular, and the middle one finds the same as the left.
        size = 0.0 if column == 2 else self.sure[int(image.pixels[0, 0, 0])]
        if column == 1:
            mask = np.roll(mask, -10, axis=1)
        return Prediction(mask, lambda: np.where(mask, size, -size).astype(np.float32), 0.9, None)


def test_a_frame_is_as_unsure_as_its_surest_objects(server: Cvat) -> None:
    service = Squares({2: 8.0, 3: 0.5, 4: 2.0})
    ranking = Ranking(Answers(server), service, store(), 1 << 20)  # type: ignore[arg-type]
    del server.frames[4]
    server.frames[5] = b"no image"
    ranked = list(ranking.rank(7, [(frame, f"{frame}.png") for frame in (2, 3, 4, 5)]))
    assert [(one.frame, one.name) for one in ranked] == [(2, "2.png"), (3, "3.png")]
    assert ranked[0].uncertainty < 0.02
    assert 0.9 < ranked[1].uncertainty < 0.99
    assert [line.partition(":")[0] for line in ranking.unseen] == ["frame 4", "frame 5"]
    assert service.asked[:9] == [(x, y) for y in (4.5, 14.5, 24.5) for x in (4.5, 14.5, 24.5)]
