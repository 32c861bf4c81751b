"""The last lines of the log that tell of something wrong."""

import gc
import logging

from backend.troubles import LONGEST, MOST, Troubles


class Owner:
    """Something that lives for a while."""


def test_warnings_of_ours_are_kept_the_newest_first() -> None:
    owner, troubles = Owner(), Troubles()
    troubles.listen(owner)
    logging.getLogger("plugins.labelstudio.adapter").warning("task %d:\nimage", 7)
    logging.getLogger("backend.intake").error("x" * 2 * LONGEST)
    logging.getLogger("backend.intake").info("all is well")
    logging.getLogger("urllib3").warning("somebody else's")
    assert [trouble.line for trouble in troubles.latest()] == ["x" * LONGEST, "task 7: image"]
    del owner
    gc.collect()
    logging.getLogger("backend.intake").error("nobody listens any more")
    assert len(troubles.latest()) == 2


def test_the_same_again_is_counted_and_the_oldest_go() -> None:
    owner, troubles = Owner(), Troubles()
    troubles.listen(owner)
    for number in range(MOST + 5):
        for _ in range(3):
            logging.getLogger("boundaryclick").warning("number %d", number)
    assert [trouble.count for trouble in troubles.latest()] == [3] * MOST
    assert troubles.latest()[0].line == f"number {MOST + 4}"
