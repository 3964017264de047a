"""The report in a real browser: nothing of what a model answered runs, everything is seen, the filters filter."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lf_wrap.report import Report, to_html
from tests.report.reports import HOSTILE, hostile, judged, report

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    if not (CHROMIUM and DRIVER):
        pytest.skip("chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for switch in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1200,1000"):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Any:
    def open_(told: Report) -> Any:
        page = tmp_path / "report.html"
        page.write_text(to_html(told), encoding="utf-8")
        browser.get(page.as_uri())
        return browser

    return open_


def test_hostile_answers_run_nothing_and_are_read_as_they_are(opened: Any) -> None:
    browser = opened(hostile())
    assert browser.title == f"{HOSTILE[0]}: before and after"
    assert browser.find_elements("id", "owned") == []
    assert browser.find_elements("css selector", "script, img, iframe, .text a, .text h1") == []
    texts = [element.get_property("textContent") for element in browser.find_elements("class name", "text")]
    for text in HOSTILE[:7]:
        assert text in texts, text
    assert "{{7*7}} {% include 'x' %} ${7*7} &amp; &lt;" in texts
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("name", [HOSTILE[4], "dialog_" + "verylongname" * 12], ids=["hostile", "long"])
def test_no_text_runs_out_of_the_page(opened: Any, name: str) -> None:
    told = hostile() if name == HOSTILE[4] else report(judged([None, "x"] * 4, ["y", None] + ["x"] * 6, name=name))
    browser = opened(told)
    for width in (1200, 400):
        browser.set_window_size(width, 1000)
        over = browser.execute_script("return document.documentElement.scrollWidth - window.innerWidth")
        assert over <= 0, f"{over} pixels too wide at {width}"


def test_filters_show_what_they_say(opened: Any) -> None:
    one = judged(["right", "wrong", "wrong", "right"], ["right", "right", "wrong", "wrong"])
    browser = opened(report(one, judged(["wrong"], ["right"], name="other")))

    def seen() -> list[str]:
        pairs = browser.find_elements("css selector", "#answers-1 .pair")
        return [pair.get_attribute("class").split()[1] for pair in pairs if pair.is_displayed()]

    assert seen() == ["right", "fixed", "wrong", "broken"]
    for fate in ("fixed", "broken"):
        browser.find_element("css selector", f"#answers-1 label:has(#show-1-{fate})").click()
        assert seen() == [fate]
        assert len(browser.find_elements("css selector", "#answers-2 .pair")) == 1
    browser.find_element("css selector", "#answers-1 label").click()
    assert len(seen()) == 4


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_light_and_dark(opened: Any, browser: Any, scheme: str) -> None:
    """WCAG 2.1's AA: a contrast of 4.5 to 1, for all text, the soft one and the drawings' included."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    opened(report(judged(["wrong"] * 9 + ["right"], ["right"] * 9 + ["wrong"])))
    for selector in (".answer", ".soft", ".pill.good", "th", "svg text", ".card .number", "pre"):
        element = browser.find_element("css selector", selector)
        told = "const s = getComputedStyle(arguments[0]); return arguments[1] ? s.fill : s.color"
        ink = browser.execute_script(told, element, selector.startswith("svg"))
        paper = browser.execute_script(
            "for (let e = arguments[0]; e; e = e.parentElement) {"
            " const b = getComputedStyle(e).backgroundColor; if (b !== 'rgba(0, 0, 0, 0)') return b }",
            element,
        )
        assert contrast(ink, paper) >= 4.5, f"{selector}: {ink} on {paper}"
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_it_prints_without_its_controls(opened: Any, browser: Any) -> None:
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    opened(report(judged(["wrong"] * 3, ["right"] * 3)))
    assert not browser.find_element("tag name", "nav").is_displayed()
    assert not browser.find_element("class name", "filter").is_displayed()
    assert browser.find_element("class name", "answer").is_displayed()
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def contrast(one: str, other: str) -> float:
    """WCAG 2.1's contrast ratio of two `rgb(…)` colours."""

    def luminance(colour: str) -> float:
        parts = [int(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, bright = sorted((luminance(one), luminance(other)))
    return (bright + 0.05) / (dark + 0.05)
