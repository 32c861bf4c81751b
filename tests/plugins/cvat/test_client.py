"""The real cvat-sdk against a server that answers as CVAT does."""

from collections.abc import Callable, Iterator

import pytest

from model.errors import AccessRefused, BoundaryClickError, ImageRejected, ImageTooLarge, SettingsError
from plugins.cvat.client import Connection, CvatClient, NotThere, pages
from plugins.cvat.pulling import Scope, read_jobs
from plugins.cvat.records import Job
from tests.local_server import Answer, Asked
from tests.plugins.cvat.cvat_double import LOGIN, TOKEN, Cvat, cvat, refused, told

pytest.importorskip("cvat_sdk")


@pytest.fixture
def server() -> Iterator[Cvat]:
    with cvat() as state:
        yield state


def with_token(server: Cvat, **more: str) -> CvatClient:
    return CvatClient(Connection(server.url, token=TOKEN, **more))


def line(call: Callable[[], object], kind: type[BoundaryClickError]) -> str:
    """What a call is refused with: one line."""
    with pytest.raises(kind) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_our_double_answers_what_cvat_sdk_itself_understands(server: Cvat) -> None:
    sdk = with_token(server).sdk
    task = sdk.tasks.retrieve(7)
    assert [job.id for job in task.get_jobs()] == [13, 12]
    job = sdk.jobs.retrieve(12)
    assert [shape.type.value for shape in job.get_annotations().shapes][:3] == [
        "mask",
        "polygon",
        "rectangle",
    ]
    assert job.get_annotations().tracks[0].shapes[1].outside
    assert [frame.width for frame in job.get_meta().frames] == [20, 20]
    assert [label.name for label in task.get_labels()] == ["cup", "plate"]


@pytest.mark.parametrize("token", [True, False], ids=["token", "password"])
def test_jobs_are_listed_page_by_page(server: Cvat, token: bool) -> None:
    for number in range(20, 25):
        server.jobs[number] = told("job") | {"id": number}
    server.page_size = 3
    login = (None, LOGIN["username"], LOGIN["password"])
    client = with_token(server) if token else CvatClient(Connection(server.url, *login))
    assert [job.id for job in read_jobs(client, Scope("task", 7))] == [24, 23, 22, 21, 20, 13, 12]
    assert server.asked.count(("GET", "/api/jobs")) == 3
    assert client.server == server.url.removeprefix("http://")


def test_an_organization_is_named(server: Cvat) -> None:
    seen = []
    server.faults["/api/jobs/12"] = lambda asked: seen.append(asked.headers.get("x-organization"))
    read_jobs(with_token(server, organization="ours"), Scope("job", 12))
    read_jobs(with_token(server), Scope("job", 12))
    assert seen == ["ours", None]


def test_refusals_are_one_line(server: Cvat) -> None:
    wrong = CvatClient(Connection(server.url, token="wrong"))
    assert "HTTP 401 (Invalid token.)" in line(lambda: wrong.get("/api/jobs/12"), AccessRefused)
    unable = Connection(server.url, user="worker2", password="wrong")
    assert "Unable to log in" in line(lambda: CvatClient(unable), AccessRefused)
    client = with_token(server)
    assert "HTTP 404" in line(lambda: client.get("/api/jobs/99"), NotThere)
    server.faults["/api/jobs/12"] = lambda asked: refused(403, "You do not have permission.")
    assert "not have permission" in line(lambda: client.get("/api/jobs/12"), AccessRefused)
    server.faults["/api/jobs/12"] = lambda asked: Answer(b"<html>\xff\n</html>", 502)
    assert "/api/jobs/12" in line(lambda: client.get("/api/jobs/12"), ImageRejected)


def test_half_an_answer_is_none(server: Cvat) -> None:
    client = with_token(server)
    server.faults["/api/jobs/12"] = lambda asked: Answer(b'{"id": 12, "task_id": 7}', cut=9)
    assert "IncompleteRead" in line(lambda: client.get("/api/jobs/12"), ImageRejected)
    server.frames[0] = b"x" * 1000
    path, query = "/api/jobs/12/data", {"type": "frame", "number": 0}
    assert len(client.get(path, query, most=1000)) == 1000
    line(lambda: client.get(path, query, most=999), ImageTooLarge)
    server.faults["/api/jobs/12/data"] = lambda asked: Answer(b"x" * 1000, cut=10)
    assert "IncompleteRead" in line(lambda: client.get(path, query, most=1000), ImageRejected)


def test_a_list_without_an_end_ends(server: Cvat) -> None:
    client = with_token(server)
    empty = b'{"count": 1, "next": "http://x/?page=2", "previous": null, "results": []}'
    server.faults["/api/jobs"] = lambda asked: Answer(empty)
    assert list(pages(client, "/api/jobs", Job, {})) == []


def test_what_is_no_cvat_is_one_line(server: Cvat) -> None:
    def not_cvat(asked: Asked) -> Answer:
        return Answer(b"<html>hello</html>", headers={"Content-Type": "text/html"})

    server.answer = not_cvat  # type: ignore[method-assign]
    line(lambda: CvatClient(Connection(server.url, user="u", password="p")), ImageRejected)
    nobody = CvatClient(Connection("http://127.0.0.1:9", token=TOKEN))
    assert "127.0.0.1:9" in line(lambda: nobody.get("/api/jobs"), ImageRejected)


@pytest.mark.parametrize(
    ("url", "more"),
    [
        ("", {"token": "t"}),
        ("ftp://host", {"token": "t"}),
        ("http://user:secret@host", {"token": "t"}),
        ("http://host:port", {"token": "t"}),
        ("http://host", {}),
        ("http://host", {"user": "u"}),
        ("http://host", {"token": "t", "user": "u", "password": "p"}),
        ("http://host", {"token": "two\nlines"}),
    ],
)
def test_a_connection_that_cannot_be_made_says_what_to_set(url: str, more: dict[str, str]) -> None:
    said = line(lambda: Connection(url, **more), SettingsError)
    assert "CVAT" in said
    assert "secret" not in said
