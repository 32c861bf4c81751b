"""`boundaryclick models`: the versions that have been learnt, and which of them answers."""

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backend.cli import Parser
    from backend.store import Version, VersionStore

EXAMPLE = """\
examples:
  boundaryclick models list
  boundaryclick models show labelstudio-3-v2
  boundaryclick models promote labelstudio-3-v1
  boundaryclick models rollback --project labelstudio/3
"""


def add_parser(subparsers: "argparse._SubParsersAction[Parser]") -> None:
    """Describe the subcommands."""
    parser = subparsers.add_parser(
        "models",
        help="list, show, promote and roll back what has been learnt",
        description="The versions of the refinement head that were learnt here. A running service notices a change "
        "within seconds.",
        epilog=EXAMPLE,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = _action(actions, "list", "every version, newest first, and the projects with corrections")
    listing.add_argument("--project", metavar="TOOL/NAME", help="only of this one; all: of all together")
    show = _action(actions, "show", "one version with its figures")
    show.add_argument("name", help="the version's name, or its beginning")
    show.add_argument("--json", action="store_true", help="as JSON")
    promote = _action(actions, "promote", "let a version answer for its project")
    promote.add_argument("name", help="the version's name, or its beginning; `shipped` with --project")
    promote.add_argument("--project", metavar="TOOL/NAME", help="whose head is given up for the shipped one")
    back = _action(actions, "rollback", "let the version answer that did before")
    back.add_argument("--project", metavar="TOOL/NAME", required=True, help="such as labelstudio/3, or all")
    parser.set_defaults(run=run)


def _action(actions: Any, name: str, text: str) -> "Parser":
    parser: Parser = actions.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser


def run(args: argparse.Namespace) -> int:
    """Do what was asked for."""
    from backend.settings import load_settings
    from backend.store import Database, JobStore, ProjectList, VersionStore
    from model.errors import SettingsError

    url = load_settings().database
    if url is None:
        raise SettingsError("BOUNDARYCLICK_DATABASE_URL: expected a database with versions, got none")
    database = Database(url)
    try:
        versions = VersionStore(database)
        if args.action == "list":
            _list(versions, args.project)
            _list_projects(ProjectList(database), JobStore(database))
        elif args.action == "show":
            _show(versions.get(args.name), args.json)
        else:
            _change(versions, args)
    finally:
        database.close()
    return 0


def _project(name: str) -> str:
    return "" if name == "all" else name


def _change(versions: "VersionStore", args: argparse.Namespace) -> None:
    from backend.store import SHIPPED
    from model.errors import RequestInvalid

    if args.action == "rollback":
        before = versions.roll_back(_project(args.project))
        print(f"{before.name if before else 'the shipped head'} answers for {args.project}")
    elif args.name == SHIPPED:
        if args.project is None:
            raise RequestInvalid("models promote shipped: expected --project, got none")
        versions.retire(_project(args.project))
        print(f"the shipped head answers for {args.project}")
    else:
        version = versions.promote(args.name)
        print(f"{version.name} answers for {version.project or 'all'}")


def _list(versions: "VersionStore", project: str | None) -> None:
    listed = versions.listed(None if project is None else _project(project))
    print(f"{'version':<44}{'state':<10}{'made':<18}{'NoC@85':<18}why")
    for each in listed:
        made = each.created.astimezone().strftime("%Y-%m-%d %H:%M")
        print(f"{each.name:<44}{each.state:<10}{made:<18}{_noc(each):<18}{each.figures.get('reason', '')}")


def _list_projects(projects: "Any", jobs: "Any") -> None:
    print(f"\n{'project':<44}{'corrections':<14}new")
    for each in projects.collected(jobs.latest()):
        print(f"{each.project or 'all':<44}{each.usable:<14}{each.fresh}")


def _noc(version: "Version") -> str:
    for each in version.figures.get("corrections", []):
        if each["figure"] == "noc85" and None not in (each["first"], each["second"]):
            return f"{each['first']:.2f} -> {each['second']:.2f}"
    return "-"


def _show(version: "Version", as_json: bool) -> None:
    import dataclasses
    import json

    if as_json:
        print(json.dumps(dataclasses.asdict(version), indent=2, default=str))
        return
    figures = version.figures
    made = version.created.astimezone().strftime("%Y-%m-%d %H:%M")
    learnt = f"{figures.get('trained_on')} of {figures.get('usable')} corrections"
    print(f"{version.name}: {version.state}\n  project {version.project or 'all'}, made {made}")
    print(f"  learnt from {learnt}, compared with {version.parent}")
    print(f"  {figures.get('reason', '')}")
    for title, objects in (("corrections", "objects"), ("replay", "replayed")):
        for each in figures.get(title, []):
            print(
                f"  {title + ', ' + str(figures.get(objects)) + ' objects':<28}{each['figure']:<8}"
                f"{each['first']:.3f} -> {each['second']:.3f}  [{each['low']:+.3f}, {each['high']:+.3f}]"
            )
