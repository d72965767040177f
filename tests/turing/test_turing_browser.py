"""A reader test clicked through in a real browser, with a server that is killed on the way, and scored."""

import json
import time

import pytest
from reader_server import Server, needs_browser
from typer.testing import CliRunner

from synthtrace.cli import app
from synthtrace.turing.build import build
from synthtrace.turing.key import read_key

COUNT = 11

pytestmark = needs_browser


@pytest.fixture
def own_server(built):
    running = Server(built)
    yield running
    running.kill()


@pytest.fixture(scope="module")
def server(study, params, tmp_path_factory):
    folder = tmp_path_factory.mktemp("served") / "test"
    build(study, folder, params)
    running = Server(folder)
    yield running
    running.kill()


def ready(page, number):
    """Wait until image `number` can be answered."""
    page.get_by_role("heading", name=f"Image {number} of {COUNT}").wait_for()
    page.locator("button[value=real][aria-disabled=false]").wait_for()


def begin(page, server, name):
    page.goto(server.address)
    page.get_by_label("Your name or an alias").fill(name)
    page.get_by_role("button", name="Begin").click()
    ready(page, 1)


def test_clicked_through_by_mouse_keyboard_and_touch_with_the_server_killed_and_then_scored(
    browser, own_server, built, tmp_path
):
    server = own_server
    truth = list(read_key(built)["source"])
    said: list[str] = []
    requested: list[str] = []

    desktop = browser.new_context(viewport={"width": 1280, "height": 800})
    page = desktop.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: requested.append(request.url))
    begin(page, server, "mouse and keyboard, right")
    keys = {"real": ["r", "ArrowLeft", "R"], "synthetic": ["s", "ArrowRight", "S"]}
    for number, source in enumerate(truth, start=1):
        ready(page, number)
        assert page.evaluate("document.getElementById('picture').naturalWidth") == 16
        if number == 5:
            server.kill()
            server.start()
            page.reload()
            ready(page, 5)
        if number % 2:
            page.keyboard.press(keys[source][number % 3])
        else:
            # the second press of the double click must not answer the next image
            page.locator(f"button[value={source}]").dblclick()
    page.get_by_role("heading", name="Thank you").wait_for()
    page.go_back()
    page.get_by_role("heading", name="Thank you").wait_for()

    phone = browser.new_context(viewport={"width": 390, "height": 664}, has_touch=True, is_mobile=True)
    page = phone.new_page()
    begin(page, server, "touch, always real")
    for number in range(1, COUNT + 1):
        ready(page, number)
        page.locator("button[value=real]").tap()
    page.get_by_role("heading", name="Thank you").wait_for()

    assert said == []
    assert [url for url in requested if not url.startswith((server.address, "data:"))] == []
    file = tmp_path / "score.json"
    assert CliRunner().invoke(app, ["turing", "score", str(built), "--json", str(file)]).exit_code == 0
    readers = {reader["name"]: reader["all"] for reader in json.loads(file.read_text())["readers"]}
    values = {name: [one[m]["value"] for m in ("accuracy", "sensitivity", "specificity")] for name, one in readers.items()}
    assert values == {"mouse and keyboard, right": [1, 1, 1], "touch, always real": [5 / COUNT, 1, 0]}
    desktop.close()
    phone.close()


def test_a_reader_goes_on_in_another_browser_by_the_personal_link(browser, server):
    first, second = browser.new_context(), browser.new_context()
    page = first.new_page()
    begin(page, server, "Ada")
    page.keyboard.press("r")
    ready(page, 2)
    page.get_by_text("Stop and go on later").click()
    link = page.locator(".link").inner_text()
    page = second.new_page()
    page.goto(link)
    ready(page, 2)
    # the first browser, whose page is now behind, cannot answer image 2 again
    page.keyboard.press("s")
    ready(page, 3)
    behind = first.pages[0]
    behind.locator("button[value=real]").click()
    ready(behind, 3)
    assert behind.get_by_role("status").inner_text() == "Image 2 was answered before; the first answer stands."
    first.close()
    second.close()


def test_a_press_right_after_an_image_came_up_answers_nothing(browser, server):
    """The second press of a slow double click, which lands on the next page; its timer is held back here."""
    context = browser.new_context()
    context.add_init_script("window.timers = []; window.setTimeout = (call, wait) => timers.push({ call, wait });")
    page = context.new_page()
    page.goto(server.address)
    page.get_by_label("Your name or an alias").fill("Impatient")
    page.get_by_role("button", name="Begin").click()
    # asked again and again: the page's policy blocks what playwright's own waiting evaluates
    wanted, until = "window.timers.length === 1 && document.getElementById('picture')?.complete", time.monotonic() + 30
    while not page.evaluate(wanted) and time.monotonic() < until:
        time.sleep(0.05)
    assert page.evaluate(wanted)
    assert page.evaluate("timers[0].wait") >= 300
    page.keyboard.press("r")
    page.evaluate("document.querySelector('button[value=real]').click()")
    page.evaluate("timers[0].call()")
    ready(page, 1)
    page.keyboard.press("r")
    page.get_by_role("heading", name=f"Image 2 of {COUNT}").wait_for()
    context.close()


@pytest.mark.parametrize("size", [(360, 560), (390, 844), (844, 390), (1280, 800)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_image_and_buttons_fit_on_one_screen(browser, server, size, scheme):
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    begin(page, server, f"{width} {height} {scheme}")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    for name in ("button[value=real]", "button[value=synthetic]", "#picture"):
        box = page.locator(name).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= height, name
    assert page.locator("button[value=real]").bounding_box()["height"] >= 44
    picture = page.locator("#picture").bounding_box()
    assert min(picture["width"], picture["height"]) >= 0.5 * min(size)
    context.close()


def test_the_test_can_be_answered_without_scripts(browser, server):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(server.address)
    page.get_by_label("Your name or an alias").fill("No scripts")
    page.get_by_role("button", name="Begin").click()
    page.get_by_role("button", name="Synthetic").click()
    page.get_by_role("heading", name=f"Image 2 of {COUNT}").wait_for()
    context.close()
