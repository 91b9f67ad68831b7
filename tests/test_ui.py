"""The MLflow UI as an analyst sees it: two recipes are trained, the real UI is started, a real browser looks at it."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from mlflow.entities import Run

from tests.browser import PATIENCE, Browser, open_browser
from tests.made import poor_linear_recipe, tiny_encoder_recipe
from training.material import read_material
from training.runs import find_run
from training.store import open_store
from training.sweep import sweep
from training.train import train

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Seen:
    """The two runs that are looked at, a sweep and a training, and where the UI shows them."""

    sweep: Run
    training: Run
    runs_page: str

    @property
    def server(self) -> str:
        """Give the address without a page."""
        return self.runs_page.partition("/#/")[0]

    @property
    def names(self) -> tuple[str, str]:
        """Give what the runs are called."""
        return str(self.sweep.info.run_name), str(self.training.info.run_name)

    def run_page(self, page: str = "") -> str:
        """Give the address of a page of the sweep."""
        info = self.sweep.info
        return f"{self.server}/#/experiments/{info.experiment_id}/runs/{info.run_id}{page}?workflowType=machine_learning"


def await_server(address: str) -> None:
    """Wait until something listens at ``address``, which is printed as soon as it is known."""
    place = (urlsplit(address).hostname, urlsplit(address).port)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(place) == 0:
                return
        time.sleep(0.2)
    pytest.fail(f"{address}: nothing listens after {PATIENCE} s")


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, corpus: Path, encoder: Path) -> Iterator[Seen]:
    home = tmp_path_factory.mktemp("seen")
    material, store = read_material(corpus), home / "mlruns"
    sweep(poor_linear_recipe(), material, 2, home / "models", store)
    train(tiny_encoder_recipe(encoder, epochs=2), material, home / "models", store)
    client, experiment = open_store(store)
    process = subprocess.Popen(
        [sys.executable, "-m", "training", "ui", "--store", str(store)], start_new_session=True, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        address = next(found[1] for line in process.stdout if (found := re.search(r"MLflow UI: (\S+)", line)))
        await_server(address)
        yield Seen(find_run(client, experiment, "poor"), find_run(client, experiment, "tiny"), address)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=PATIENCE)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with open_browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


def shown(run: Run, metric: str) -> str:
    """Give the first digits of a metric, as a narrow column shows them."""
    return f"{run.data.metrics[metric]:.6f}"[:5]


def test_the_address_shows_the_runs_with_whole_names_scores_and_data(browser: Browser, seen: Seen) -> None:
    browser.open(seen.runs_page)
    for run, name in zip((seen.sweep, seen.training), seen.names, strict=True):
        link = browser.link(name)
        assert browser.run("return arguments[0].scrollWidth <= arguments[0].clientWidth", link), f"{name} is cut off"
        browser.see(name, shown(run, "test/stance_f1"), shown(run, "validation/stance_f1"))
    browser.see("Metrics", "test/stance_f1", "newsstance train")
    browser.keep("runs")
    assert re.fullmatch(r"poor [0-9a-f]{4} · corpus [0-9a-f]{4} · 2 seeds", seen.names[0])


def test_two_runs_chosen_in_the_table_are_compared(browser: Browser, seen: Seen) -> None:
    browser.open(seen.runs_page)
    for name in seen.names:
        browser.link(name)
    boxes = browser.all(".ag-row .ag-checkbox-input")
    assert len(boxes) == 2
    for box in boxes:
        browser.run("arguments[0].click()", box)  # it lies under its own picture, where a mouse can't reach it
    browser.find("[data-testid=runs-compare-button]").click()
    browser.see("Comparing 2 Runs", *seen.names, "Show diff only", "test/stance_f1", "recipe.toml")
    browser.see(*(shown(run, "test/stance_f1") for run in (seen.sweep, seen.training)))
    assert browser.find(".js-plotly-plot svg").size["width"] > 300
    browser.keep("compare")


def test_a_run_tells_its_scores_and_leads_to_its_figures(browser: Browser, seen: Seen) -> None:
    browser.open(seen.run_page())
    metrics = seen.sweep.data.metrics
    browser.see(seen.names[0], f"test: stance_f1 {metrics['test/stance_f1']:.3f} [{metrics['test/stance_f1_low']:.3f}, ")
    browser.keep("run")
    browser.open(str(browser.link("Figures").get_attribute("href")))  # which a click would open in another tab
    browser.see("figures/scores.png")
    figure = browser.find("img[src^='blob:'], img[src*='scores.png']")
    browser.wait(lambda: browser.run("return arguments[0].naturalWidth", figure) == 650, "the figure, as wide as it was drawn")
    browser.keep("figure")


@pytest.mark.parametrize("name", ["confusion_stance_test", "reliability_test", "risk_coverage"])
def test_each_figure_can_be_looked_at(browser: Browser, seen: Seen, name: str) -> None:
    browser.open(seen.run_page(f"/artifacts/figures/{name}.png"))
    browser.see(f"figures/{name}.png")
    figure = browser.find("img[src^='blob:'], img[src*='.png']")
    browser.wait(lambda: browser.run("return arguments[0].naturalWidth > 400", figure), "the figure")
    browser.keep(name)


def test_the_wrong_sentences_of_runs_stand_side_by_side(browser: Browser, seen: Seen) -> None:
    browser.open(f"{seen.runs_page}&compareRunsMode=ARTIFACT")
    browser.see("errors.json", "Group by: text", "Compare: predicted_stance", *seen.names)
    browser.keep("wrong_sentences")
