"""`boundaryclick learn`: fine-tune on the corrections of a project, now."""

import argparse
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backend.cli import Parser
    from backend.learning import Learning
    from backend.learning.queue import Queue
    from backend.learning.worker import Worker
    from backend.store import Job

EXAMPLE = """\
examples:
  boundaryclick learn --project labelstudio/3
  boundaryclick learn --project all
  BOUNDARYCLICK_QUEUE_URL=redis://queue:6379/0 boundaryclick learn --worker
"""


def add_parser(subparsers: "argparse._SubParsersAction[Parser]") -> None:
    """Describe the subcommand."""
    parser = subparsers.add_parser(
        "learn",
        help="fine-tune on a project's corrections, judge the result and promote it if it is better",
        description="Fine-tune the refinement head on the corrections of a project. The result answers from now on if "
        "it is better on held-out corrections and not worse on what could be done before. Ctrl+C leaves the job to "
        "the next start, which goes on from there.",
        epilog=EXAMPLE,
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--project", metavar="TOOL/NAME", help="such as labelstudio/3, or all; `models list` names them"
    )
    what.add_argument("--worker", action="store_true", help="do the jobs of the queue until stopped")
    what.add_argument("--cancel", type=int, metavar="JOB", help="end a job that waits or runs")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Learn, or work for the queue; says in one line what has come of it."""
    import logging

    from backend.app import create_images, create_learning, create_queue
    from backend.settings import load_settings
    from model.errors import RequestInvalid, SettingsError

    settings = load_settings()
    logging.basicConfig(
        level=logging.INFO if args.worker else logging.WARNING, format="%(asctime)s %(message)s"
    )
    learning = create_learning(settings, create_images(settings))
    if learning is None:
        raise SettingsError("BOUNDARYCLICK_DATABASE_URL: expected a database to learn from, got none")
    queue = create_queue(settings, learning)
    try:
        if args.cancel is not None:
            if not learning.jobs.cancel(args.cancel):
                raise RequestInvalid(f"job: expected one that waits or runs, got {args.cancel}")
            return 0
        if args.worker:
            return _serve_queue(queue)
        project = "" if args.project == "all" else args.project
        _require_known(learning, project)
        job = _followed(learning, queue.worker, learning.jobs.ask(project, "command"))
        return _told(job)
    finally:
        queue.close()
        learning.close()


def _require_known(learning: "Learning", project: str) -> None:
    from model.errors import RequestInvalid

    names = [each.project or "all" for each in learning.projects.collected({})]
    if (project or "all") not in names:
        raise RequestInvalid(
            f"project: expected one with corrections ({', '.join(sorted(names))}), got {project}"
        )


def _serve_queue(queue: "Queue") -> int:
    """Until SIGTERM or Ctrl+C."""
    import signal
    import threading

    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    queue.start()
    print("boundaryclick is ready to learn", flush=True)
    stopped.wait()
    return 0


def _followed(learning: "Learning", worker: "Worker", job: "Job") -> "Job":
    """Do the job here, unless another process is at it; shows how far it is."""
    import threading
    import time

    from tqdm import tqdm

    here = threading.Thread()
    with tqdm(total=100, disable=None, bar_format="{desc:<10} {percentage:3.0f} % {bar} {elapsed}") as bar:
        while True:
            now = learning.jobs.get(job.id) or job
            if now.ended is not None:
                break
            if not here.is_alive():  # whoever had taken it may have gone
                here = threading.Thread(target=worker.work, args=(job.id,), daemon=True)
                here.start()
            bar.set_description(now.stage or "waits")
            bar.update(round(now.progress * 100) - bar.n)
            time.sleep(0.5)
    if here.ident is not None:
        here.join()
    return now


def _told(job: "Job") -> int:
    """One line."""
    if job.state != "done":
        print(
            f"boundaryclick learn: job {job.id} {job.state}: {job.error or 'by somebody else'}",
            file=sys.stderr,
        )
        return 2
    verdict = "promoted" if job.result["promoted"] else "not promoted"
    print(f"{job.result.get('version', 'no version')}: {verdict}, {job.result['reason']}")
    return 0
