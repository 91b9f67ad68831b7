"""A real browser for the tests of the UI: the machine's own chromium, which reaches this machine alone."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException, TimeoutException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

REQUIRE = "NEWSSTANCE_REQUIRE_BROWSER"
"""The variable that, set, makes a missing browser a failure; otherwise the tests that need one are skipped."""

SCREENSHOTS = "NEWSSTANCE_SCREENSHOTS"
"""The variable that names the folder where screenshots are kept."""

PATIENCE = 180
"""Seconds until a page must show what is waited for: two shared cores may be busy with other tests."""

_PROGRAMS = {"chromium": ("chromium", "chromium-browser"), "chromium-driver": ("chromedriver", "chromium.chromedriver")}
_ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",  # which a container or root may not have; no page but our own is opened
    "--disable-dev-shm-usage",  # 64 MB in many containers
    "--disable-gpu",
    "--force-prefers-reduced-motion",
    "--window-size=1600,1000",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # so that a page which needs the network fails
)
_PANEL_SEEN = 'localStorage.setItem("mlflow.assistant.fab.autoOpenedOnFirstLoad_v1", "true")'
"""What MLflow remembers once its assistant's panel, which covers a quarter of the page, has been closed."""
Found = TypeVar("Found")


class Browser:
    """A window of the browser: opens pages, waits for what they show, keeps screenshots in the folder ``shots``."""

    def __init__(self, driver: Chrome, shots: Path) -> None:
        self._driver = driver
        self._shots = shots
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _PANEL_SEEN})

    def open(self, address: str) -> None:
        """Open ``address`` afresh, also where only its part behind the # differs from the page that is open."""
        self._driver.get("about:blank")
        self._driver.get(address)

    @property
    def text(self) -> str:
        """Give all text that the page shows, without its line breaks."""
        return " ".join(self._driver.find_element(By.TAG_NAME, "body").text.split())

    def see(self, *texts: str) -> None:
        """Wait until the page shows all of ``texts``."""
        self.wait(lambda: all(text in self.text for text in texts), " and ".join(texts))

    def find(self, selector: str) -> WebElement:
        """Wait for an element by its CSS selector, until it can be seen."""
        found = self.wait(lambda: [item for item in self.all(selector) if item.is_displayed()], selector)
        return found[0]

    def all(self, selector: str) -> list[WebElement]:
        """Give the elements that are there now, by their CSS selector."""
        return self._driver.find_elements(By.CSS_SELECTOR, selector)

    def link(self, text: str) -> WebElement:
        """Wait for a link by its text."""
        return self.wait(lambda: self._driver.find_element(By.LINK_TEXT, text), f"a link {text}")

    def wait(self, condition: Callable[[], Found], what: str) -> Found:
        """Wait until ``condition`` holds; fail with ``what`` was waited for, what the page shows instead, and a screenshot."""
        passing = (NoSuchElementException, StaleElementReferenceException)
        try:
            return WebDriverWait(self._driver, PATIENCE, ignored_exceptions=passing).until(lambda _: condition())
        except TimeoutException:
            path = self.keep("failed")
            pytest.fail(f"{what}: not on the page after {PATIENCE} s, see {path}; it shows:\n{self.text}", pytrace=False)

    def run(self, script: str, *arguments: object) -> object:
        """Run JavaScript in the page and give what it returns."""
        return self._driver.execute_script(script, *arguments)

    def keep(self, name: str) -> Path:
        """Keep a screenshot as ``name``.png."""
        path = self._shots / f"{name}.png"
        self._driver.save_screenshot(str(path))
        return path


@contextmanager
def open_browser(home: Path) -> Iterator[Browser]:
    """Start a browser with a profile of its own in ``home``; where there is none, skip the test, or fail it if required."""
    programs = {package: _found(names) for package, names in _PROGRAMS.items()}
    if missing := [package for package, path in programs.items() if path is None]:
        reason = (
            f"the UI is tested in a browser, and {' and '.join(missing)} can't be found: apt-get install {' '.join(_PROGRAMS)}"
        )
        if os.environ.get(REQUIRE):
            pytest.fail(f"{reason} ({REQUIRE} is set)", pytrace=False)
        pytest.skip(reason)
    options = ChromeOptions()
    options.binary_location = str(programs["chromium"])
    for argument in (*_ARGUMENTS, f"--user-data-dir={home / 'profile'}"):
        options.add_argument(argument)
    shots = Path(os.environ.get(SCREENSHOTS) or home)
    shots.mkdir(parents=True, exist_ok=True)
    with Chrome(options, Service(programs["chromium-driver"], log_output=str(home / "driver.log"))) as driver:
        yield Browser(driver, shots)


def _found(names: tuple[str, ...]) -> str | None:
    return next((path for name in names if (path := shutil.which(name))), None)
