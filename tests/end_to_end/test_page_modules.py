"""The page's modules on their own, run by the browser that they are written for."""

import numpy as np
import pytest

from backend.web.messages import encode_runs
from tests.end_to_end.chromium import chromium
from tests.end_to_end.serving import serving


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with serving() as url, chromium(tmp_path_factory.mktemp("downloads")) as chrome:
        chrome.get(f"{url}/")
        yield chrome


def run(browser, module, body, *arguments):
    """What `body`, a function body that may use `module` and `given`, returns or promises."""
    script = f"""
        const [name, values, done] = arguments;
        import("/assets/js/" + name)
          .then((module) => ((given) => {{ {body} }})(values))
          .then((value) => done({{ value }}), (error) => done({{ error: String(error) }}));
    """
    result = browser.execute_async_script(script, module, list(arguments))
    assert "error" not in result, result["error"]
    return result["value"]


@pytest.mark.parametrize("seed", range(8))
def test_outline_encloses_exactly_the_mask(browser, seed):
    random = np.random.default_rng(seed)
    height, width = random.integers(1, 24, 2)
    mask = random.random((height, width)) < random.random()
    inside = run(
        browser,
        "mask.js",
        """
        const [width, height, runs] = given;
        const mask = new module.Mask(width, height, runs);
        const context = document.createElement("canvas").getContext("2d");
        const inside = [];
        for (let y = 0; y < height; y++)
          for (let x = 0; x < width; x++)
            inside.push(context.isPointInPath(mask.outline, x + 0.5, y + 0.5, "evenodd"));
        return { inside, pixels: [...mask.decode()], area: mask.area };
        """,
        int(width),
        int(height),
        encode_runs(mask),
    )
    assert np.array_equal(np.reshape(inside["inside"], mask.shape), mask)
    assert np.array_equal(np.reshape(inside["pixels"], mask.shape), mask)
    assert inside["area"] == mask.sum()


def test_viewport_there_and_back_is_the_same_point(browser):
    points = run(
        browser,
        "viewport.js",
        """
        const viewport = new module.Viewport();
        viewport.resize(901, 603);
        viewport.show(640, 427);
        const found = [];
        for (let turn = 0; turn < 12; turn++) {
          const screen = { x: 37.25 + 61 * turn, y: 500.5 - 33 * turn };
          viewport.zoom(turn % 3 ? 1.7 : 0.6, screen);
          viewport.pan(11.5 * turn, -7 * turn);
          const back = viewport.toScreen(viewport.toImage(screen));
          found.push([back.x - screen.x, back.y - screen.y]);
        }
        return found;
        """,
    )
    assert np.abs(points).max() < 1e-9


def test_viewport_puts_pixel_centres_in_the_middle_of_pixels(browser):
    corner, middle, scale = run(
        browser,
        "viewport.js",
        """
        const viewport = new module.Viewport();
        viewport.resize(424, 224);
        viewport.show(40, 20);
        const corner = viewport.toImage({ x: viewport.left, y: viewport.top });
        const middle = viewport.toImage({ x: 212, y: 112 });
        return [[corner.x, corner.y], [middle.x, middle.y], viewport.scale];
        """,
    )
    assert corner == [-0.5, -0.5]
    assert middle == [19.5, 9.5]
    assert scale == 10


def test_viewport_never_loses_the_photo(browser):
    boxes = run(
        browser,
        "viewport.js",
        """
        const viewport = new module.Viewport();
        viewport.resize(400, 300);
        viewport.show(2000, 1000);
        const boxes = [];
        for (const [dx, dy] of [[1e6, 0], [0, 1e6], [-1e6, -1e6]]) {
          viewport.zoom(3);
          viewport.pan(dx, dy);
          const { left, top, scale } = viewport;
          boxes.push([left, top, left + 2000 * scale, top + 1000 * scale]);
        }
        viewport.zoom(1e-6);
        boxes.push([viewport.left, viewport.top, viewport.left + 2000 * viewport.scale, 300 - viewport.top]);
        return boxes;
        """,
    )
    for left, top, right, bottom in boxes:
        assert left < 200 < right
        assert top < 150 <= bottom


def test_answers_to_clicks_taken_back_are_not_kept(browser):
    kept = run(
        browser,
        "session.js",
        """
        const session = new module.Session({});
        session.add({ x: 1, y: 1 });
        const early = session.clicks;
        session.undo();
        session.add({ x: 2, y: 2 });
        session.accept(early, "stale");
        const afterStale = session.answer;
        const first = session.clicks;
        session.add({ x: 3, y: 3 });
        session.accept(first, "first");
        return [afterStale, session.answer, session.isWaiting];
        """,
    )
    assert kept == [None, "first", True]
