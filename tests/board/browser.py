"""The board in a real headless Chromium, spoken to by what people see: labels and buttons."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from selenium.webdriver.remote.webelement import WebElement

PATIENCE = 120.0  # seconds: a machine may be busy with other things


class Board:
    """One open page."""

    def __init__(self, driver: Any, address: str) -> None:
        self._driver = driver
        driver.get(address)
        self.wait(lambda: self._seen("//label[contains(., 'Learning rate')]//textarea"), "the form")

    def field(self, label: str) -> str:
        """The text of the box, slider or closed dropdown with this label."""
        return str(self._box(label).get_property("value"))

    def shows(self, label: str, value: str) -> None:
        """Waits until the field holds `value`."""
        self.wait(lambda: self.field(label) == value, f"{label} = {value!r}, is {self.field(label)!r}")

    def chosen(self, label: str) -> list[str]:
        """The tokens in a dropdown that takes several."""
        info = f"//*[@data-testid='block-info'][normalize-space()='{label}']"
        blocks = self._seen(f"{info}/ancestor::div[contains(@class, 'block')][1]")
        block = next(one for one in blocks if one.is_displayed())
        return [line for line in block.text.splitlines()[1:] if line.strip()]

    def options(self, label: str) -> list[str]:
        """What an opened dropdown offers."""
        self._click(self._box(label))
        self.wait(lambda: self._seen("//ul[@role='listbox']/li"), f"options of {label}")
        time.sleep(1)  # the board asks its server for the list once the box has the focus
        offered = [
            option.get_attribute("aria-label") or option.text for option in self._seen("//ul[@role='listbox']/li")
        ]
        return [str(option) for option in offered]

    def choose(self, label: str, option: str) -> None:
        self.options(label)
        found = self._seen(f"//ul[@role='listbox']/li[@aria-label='{option}']")
        self._driver.execute_script(
            "arguments[0].dispatchEvent(new MouseEvent('mousedown', {bubbles: true}))", found[0]
        )
        self.close_options(label)

    def close_options(self, label: str) -> None:
        self._box(label).send_keys("\ue00c\ue004")  # Escape, Tab

    def press(self, button: str) -> None:
        def ready() -> list[WebElement]:
            found = self._seen(f"//button[normalize-space()='{button}']")
            return [one for one in found if one.is_displayed() and one.is_enabled()]

        self.wait(ready, f"the button {button!r}")
        self._click(ready()[0])

    def says(self, text: str) -> None:
        """Waits until `text` stands on the page."""
        self.wait(lambda: text in self.text(), f"{text!r} on the page")

    def text(self) -> str:
        return str(self._driver.execute_script("return document.body.innerText"))

    def boxes(self) -> list[str]:
        """What stands in all text boxes, whatever their label."""
        return [str(box.get_property("value")) for box in self._seen("//textarea")]

    def picture(self, file: Path, below: str | None = None) -> None:
        """A screenshot, beginning at the element that holds the text `below`."""
        if below:
            spot = self._seen(f"//*[text()[contains(., '{below}')]]")[0]
            self._driver.execute_script("arguments[0].scrollIntoView({block: 'start'})", spot)
        else:
            self._driver.execute_script("window.scrollTo(0, 0)")
        time.sleep(1)  # for the page to stand still
        self._driver.save_screenshot(str(file))

    def wait(self, until: Callable[[], Any], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not until():
            if time.monotonic() > deadline:
                raise AssertionError(f"waited in vain for {what}")
            time.sleep(0.2)

    def _box(self, label: str) -> WebElement:
        found = self._seen(
            f"//input[@aria-label='{label}'] | //input[starts-with(@aria-label, 'number input for {label}')] | "
            f"//label[.//span[normalize-space()='{label}']]//*[self::textarea or self::input]"
        )
        return next((one for one in found if one.is_displayed()), found[0])

    def _seen(self, xpath: str) -> list[WebElement]:
        found: list[WebElement] = self._driver.find_elements("xpath", xpath)
        return found

    def _click(self, element: WebElement) -> None:
        self._driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()


@contextmanager
def chromium() -> Iterator[Any]:
    """A headless Chromium; the test is skipped where there is none."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="pip install selenium")
    program, driver = shutil.which("chromium") or shutil.which("chromium-browser"), shutil.which("chromedriver")
    if not program or not driver:
        pytest.skip("no Chromium here: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--window-size=1280,1000",
    ):
        options.add_argument(flag)
    opened = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield opened
    finally:
        opened.quit()
