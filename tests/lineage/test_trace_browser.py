"""The lineage page in a real browser: clicked through, at desktop and phone width, light and dark."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pipeline_clone import Clone

from synthtrace.lineage.page.page import gather, render
from synthtrace.lineage.study import Study

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
QUIET += ["--disable-sync", "--no-first-run"]
VIEWS = [
    "",
    "number/scenarios.semantic.versus_real.difference",
    "predictions/traditional",
    "pool/semantic/0",
    "image/semantic-f0-00007",
    "checkpoint/data/generators/semantic/fold0",
    "patients/data/autoencoders/fold0/shared",
    "patient/P01",
    "stage/classify@semantic",
    "stage/check_folds",
    "source/src",
    "figures/metrics/curve.json",
    "thing/metrics/curve.json:runs.0.points.1",
    "figures/metrics/fidelity.json",
    "image/semantic-f0-99999",
    "nothing/%",
]

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium or google-chrome on PATH")


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=BROWSER, args=QUIET)
        yield running
        running.close()


@pytest.fixture(scope="module")
def address(phantom: Clone, tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("lineage") / "lineage.html"
    path.write_text(render(gather(Study(phantom.folder))), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def page(browser, address) -> Iterator:
    """The page's first view; at the end, nothing was asked of a network and the console was silent."""
    said: list[str] = []
    requested: list[str] = []
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: requested.append(request.url))
    page.goto(address)
    yield page
    page.close()
    assert said == []
    assert [url for url in requested if not url.startswith(("file:", "data:"))] == []


def heading(page) -> str:
    return page.locator("#view h1").inner_text()


def arrived(page, expected: str) -> None:
    """Wait for a view: the browser tells of a new address when it finds the time."""
    page.wait_for_function("expected => document.querySelector('#view h1').innerText === expected", arg=expected)


def test_one_clicks_from_a_number_to_the_patients_and_back(page) -> None:
    page.locator("table").first.get_by_role("row", name="semantic").get_by_role("link").nth(1).click()
    arrived(page, "scenarios.semantic.auc_image.mean")
    page.locator("#view table").first.get_by_role("link", name="semantic").click()
    arrived(page, "semantic")
    page.get_by_role("link", name="of the pool's").first.click()
    arrived(page, "semantic, fold 0")
    page.get_by_role("link", name="semantic-f0-00007").click()
    arrived(page, "semantic-f0-00007")
    assert page.evaluate("() => document.activeElement.tagName") == "H1"
    assert page.locator("[aria-current=step]").inner_text() == "Image"
    page.get_by_role("link", name="data/generators/semantic/fold0").first.click()
    arrived(page, "data/generators/semantic/fold0")
    page.locator("#chain").get_by_role("link", name="Patients").click()
    arrived(page, "data/generators/semantic/fold0")
    page.locator(".people").first.get_by_role("link").first.click()
    page.wait_for_function("() => document.querySelector('#view .kind').innerText.toLowerCase() === 'patient'")
    for expected in (
        "data/generators/semantic/fold0",
        "data/generators/semantic/fold0",
        "semantic-f0-00007",
        "semantic, fold 0",
    ):
        page.go_back()
        arrived(page, expected)


def test_every_link_of_every_view_leads_somewhere(page) -> None:
    lost = page.evaluate(
        """() => {
            const seen = new Set(["#"]), waiting = ["#"], lost = [];
            while (waiting.length) {
                const hash = waiting.pop();
                history.replaceState(null, "", hash);
                draw();
                if (document.querySelector("#view h1").innerText === "Not on this page") lost.push(hash);
                for (const link of document.querySelectorAll("a[href^='#']")) {
                    const next = link.getAttribute("href");
                    if (!seen.has(next)) { seen.add(next); waiting.push(next); }
                }
            }
            return [lost, seen.size];
        }"""
    )
    assert lost[0] == []
    assert lost[1] > 200


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_view_fits_its_window(browser, address, width: int, scheme: str) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    for view in VIEWS:
        page.goto(f"{address}#{view}")
        page.reload()
        page.evaluate("() => document.querySelectorAll('details').forEach(one => one.open = true)")
        assert page.evaluate("() => document.documentElement.scrollWidth") == width, view
        assert page.evaluate("() => [...document.images].every(one => one.complete && one.naturalWidth > 0 && one.alt)"), view
        assert page.locator("#view h1").count() == 1, view
    assert said == []
    page.close()


def test_unknown_names_are_answered_in_words(browser, address) -> None:
    page = browser.new_page()
    page.goto(f"{address}#image/semantic-f0-99999")
    assert "synthtrace trace semantic-f0-99999" in page.locator("#view").inner_text()
    page.goto(f"{address}#constructor/x")
    page.reload()
    assert heading(page) == "Not on this page"
    page.close()
