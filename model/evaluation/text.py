"""A report as lines for a terminal."""

from collections.abc import Iterator, Mapping
from typing import Any

SHOWN_CLICKS = (1, 2, 3, 4, 5, 6, 8, 10, 15, 20)

Report = Mapping[str, Any]


def report_text(report: Report) -> str:
    """The whole report; every figure with its 95 % interval."""
    return "\n".join([*_head(report), *_quality(report), *_clicks(report), *_crop(report), *_times(report)])


def _head(report: Report) -> Iterator[str]:
    yield f"{report['model']} on {report['dataset']}: {report['objects']} objects, {report['clicks']} clicks"
    profile = "" if report["profile"] == "standard" else f", profile {report['profile']}"
    yield f"  clicker {report['clicker']}, noise {report['noise']:g} px, seed {report['seed']}{profile}"
    yield f"  {report['zoom']}, flip {report['flip']}"
    engine = f"{report['runtime']} ({report['precision']})"
    yield f"  {report['device']}, {report['threads']} threads, {engine}, {report['date']}"


def _quality(report: Report) -> Iterator[str]:
    for threshold, each in report["noc"].items():
        yield _line(f"NoC@{threshold}", each, report, f"noc{threshold}", "6.2f")
    for threshold, each in report["nof"].items():
        yield _line(f"NoF@{threshold}", each, report, f"nof{threshold}", "6.0f")
    for k in SHOWN_CLICKS:
        if k <= len(report["miou"]):
            yield _line(f"mIoU@{k}", report["miou"][k - 1], report, f"miou{k}", "6.3f")


def _clicks(report: Report) -> Iterator[str]:
    for name, each in report["click_efficiency"].items():
        title = "click efficiency, all" if name == "all" else f"click efficiency, click {name}"
        yield _line(title, each, report, f"click_efficiency_{name}", "6.2f")
    yield _line("harmful clicks", report["harmful"], report, "harmful", "6.1%")
    name = "harmful_first_five"
    yield _line("harmful of the first five", report[name], report, name, "6.1%")
    for name, title in (
        ("contour_distance", "click to final contour, px"),
        ("contour_distance_after_click", "click to new contour, px"),
    ):
        yield _line(title, report[name], report, name, "6.1f")


def _crop(report: Report) -> Iterator[str]:
    yield _line("crop recall", report["crop_recall"], report, "crop_recall", "6.1%")
    yield _line("crop, share of the image", report["crop_area"], report, "crop_area", "6.1%")


def _times(report: Report) -> Iterator[str]:
    for name, each in report["ms"].items():
        kind, _, percentile = name.rpartition("_p")
        title = {"50": "median", "95": "p95"}[percentile]
        yield _line(f"{kind}, ms, {title}", each, report, f"ms_{name}", "6.0f")


def _line(title: str, each: float | None, report: Report, name: str, form: str) -> str:
    if each is None:
        return f"  {title:<28}     -"
    low, high = (f"{bound:{form}}".strip() for bound in report["intervals"][name])
    return f"  {title:<28}{each:{form}}   [{low}, {high}]"
