"""The page /learning in a browser: what it shows, and what its buttons do."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from backend.learning import Learning
from backend.store import NewVersion
from model.checkpoints import load_checkpoint
from model.evaluation.comparison import Difference
from model.fine_tuning.judging import Judgement
from model.heads import digest_of, pack_head
from tests.backend.learning.material import PROJECT, learning, photos, record
from tests.end_to_end.chromium import PATIENCE, chromium
from tests.end_to_end.serving import serving


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Learning]:
    """Three corrections and two versions of the shipped head, judged; the second one answers."""
    store = learning(tmp_path)
    record(store, photos(tmp_path / "photos", range(3)))
    base = load_checkpoint("default")
    for after, promote in ((4.9, False), (3.8, True)):
        network = copy.deepcopy(base.network)
        with torch.no_grad():
            network.refinement.correct.weight.mul_(after)
        packed = pack_head(network, base, {})
        store.ask(PROJECT, "test")
        job = store.jobs.take("me")
        assert job is not None
        found = [Difference("noc85", 5.0, after, after - 5.5, after - 4.6)]
        figures = Judgement(
            promote, f"NoC@85 {after}", found, [Difference("noc85", 3.0, 3.02, -0.1, 0.1)], 20, 4
        )
        new = NewVersion(
            "folder-photos", digest_of(packed), "shipped", base.digest, figures.as_json(), packed
        )
        store.versions.conclude(job, 0, new, promote)
    yield store
    store.close()


def test_versions_are_shown_promoted_and_rolled_back_by_button(store: Learning, tmp_path: Path) -> None:
    second, first = store.versions.listed()
    environment = {
        "BOUNDARYCLICK_DATABASE_URL": f"sqlite:///{tmp_path}/store.sqlite3",
        "BOUNDARYCLICK_LEARNING_FOLDER": str(tmp_path / "jobs"),
    }
    with serving(environment) as url, chromium(tmp_path) as browser:
        browser.get(f"{url}/learning")
        until(browser, lambda: second.name in text(browser, "versions"))
        assert "5.00 → 3.80" in text(browser, "versions")
        assert second.name in text(browser, "projects"), "who answers now"
        assert browser.find_elements(By.CSS_SELECTOR, "#chart circle")
        browser.save_screenshot(str(tmp_path / "learning.png"))
        press(browser, "versions", first.name, "Promote")
        until(browser, lambda: first.name in text(browser, "projects"))
        assert store.versions.promoted()[PROJECT].name == first.name
        press(browser, "projects", PROJECT, "Roll back")
        until(browser, lambda: second.name in text(browser, "projects"))
        assert store.versions.promoted()[PROJECT].name == second.name
        press(browser, "projects", PROJECT, "Learn now")
        until(browser, lambda: "too few corrections" in text(browser, "jobs"))
        assert text(browser, "problem") == ""


def text(browser: Chrome, name: str) -> str:
    """Visible text of the element with this id."""
    return browser.find_element(By.ID, name).text


def press(browser: Chrome, table: str, row: str, label: str) -> None:
    """A button in the row that holds some text."""
    path = f"//*[@id='{table}']/tr[td[contains(., '{row}')]]//button[.='{label}']"
    browser.find_element(By.XPATH, path).click()


def until(browser: Chrome, condition: Any) -> None:
    """Until the condition holds; fails with what the page says is wrong if it never does."""
    WebDriverWait(browser, PATIENCE, poll_frequency=0.1).until(
        lambda _: condition(), message=f"page: {text(browser, 'problem')!r}"
    )
