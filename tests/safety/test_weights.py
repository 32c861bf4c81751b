"""Nothing is unpickled: what would be is named here, with the reason why it is no danger."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for room in ("model", "backend", "plugins") for path in (ROOT / room).rglob("*.py"))
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "jsonpickle"}
EXCEPTIONS = {
    "model/training/run.py": "its errors; resuming reads with torch's reader that makes tensors and nothing else",
    "model/training/starting_weights.py": "likewise",
    "backend/cluster/spreading.py": "between processes of one Ray cluster, all of whose messages are pickled",
}
UNPICKLING = ("pickle.load", "pickle.loads", "yaml.load", "yaml.unsafe_load")


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_that_runs_what_it_reads(path: Path) -> None:
    name = str(path.relative_to(ROOT))
    for node in nodes(path):
        imported = (
            {alias.name for alias in node.names}
            if isinstance(node, ast.Import)
            else {node.module or ""}
            if isinstance(node, ast.ImportFrom)
            else set()
        )
        found = {one.partition(".")[0] for one in imported} & MODULES
        assert not found or name in EXCEPTIONS
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            call, given = (
                ast.unparse(node.func),
                {word.arg: ast.unparse(word.value) for word in node.keywords},
            )
            if call.endswith(("torch.load", "load_state_dict_from_url")):
                assert given.get("weights_only") == "True", call
                assert name in EXCEPTIONS
            if call in ("np.load", "numpy.load"):
                assert given.get("allow_pickle") == "False", call
            assert call not in UNPICKLING or name == "backend/cluster/spreading.py", call


def test_messages_of_the_queue_are_json(tmp_path: Path) -> None:
    """Whoever can write to Redis could otherwise run anything in a worker."""
    import json
    import sqlite3

    from backend.learning.queue import Queue

    class Bell:
        rung = 0

        def tend(self) -> None:
            Bell.rung += 1

        def close(self) -> None:
            pass

    queue = Queue(Bell(), tmp_path)  # type: ignore[arg-type]
    queue.ring()
    with sqlite3.connect(tmp_path / "queue.sqlite3") as database:
        ((message,),) = database.execute("select data from task").fetchall()
    database.close()
    assert json.loads(message)["name"].endswith("work")
    queue._huey.execute(queue._huey.dequeue())
    assert Bell.rung == 1
    queue.close()
