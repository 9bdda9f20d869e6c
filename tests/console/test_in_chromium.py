"""The console in a real browser: keyboard, palette, live timeline, forms that keep what was typed, phone, axe."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from playwright.sync_api import Browser, Page, expect, sync_playwright

from conductor.lib.clock import now as clock_now
from conductor.tenancy.database.scope import tenant_scope
from incidents.models.incident import Incident
from incidents.timeline.lifecycle import post_update
from tests import database, world
from tests.console import screenshots
from tests.console.browsing import CHROMIUM, aside, axe_source, serving
from tests.console.town import Town, build, member

pytestmark = pytest.mark.counterpart("chromium")

Open = Callable[..., Page]

SIX = (
    "/t/northwind/incidents/",
    "/t/northwind/incidents/INC-1/",
    "/t/northwind/evidence/EVB-1/",
    "/t/northwind/controls/",
    "/t/northwind/runs/R-1/",
    "/t/northwind/incidents/declare/",
)
MORE = (
    "/t/northwind/incidents/?view=all",
    "/t/northwind/incidents/INC-1/?tab=graph",
    "/t/northwind/incidents/INC-1/postmortem/",
    "/t/northwind/evidence/",
    "/t/northwind/controls/SOC2_A1.2/",
    "/t/northwind/runs/",
    "/t/northwind/receipts/",
    "/t/northwind/palette?q=queue",
    "/t/northwind/nowhere",
    "/accounts/login/",
)


@pytest.fixture(scope="module")
def stage(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[str, Town, dict[str, str]]]:
    """Address of a server with a busy Northwind, and a session for each of its people."""
    with django_db_blocker.unblock():
        town = aside(build)
        sessions = aside(lambda: {name: _session(name) for name in ("ben", "cora", "cleo")})
        with serving() as address:
            yield address, town, sessions
        connections.close_all()
        database.create_clone()


@pytest.fixture(scope="module")
def chromium(stage: Any) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = screenshots.open_browser(playwright, executable=str(CHROMIUM))
        yield browser
        browser.close()


@pytest.fixture
def town(stage: tuple[str, Town, dict[str, str]]) -> Town:
    return stage[1]


@pytest.fixture
def browse(chromium: Browser, stage: tuple[str, Town, dict[str, str]]) -> Iterator[Open]:
    """`browse("/t/northwind/incidents/", who="cleo", width=390, theme="dark")`: a page; what it complains of fails."""
    address, _town, sessions = stage
    contexts, complaints = [], []

    def make(path: str, *, who: str = "cora", width: int = 1440, theme: str = "light") -> Page:
        cookie = [f"{settings.SESSION_COOKIE_NAME}={sessions[who]}"]
        context = screenshots.open_context(chromium, base=address, theme=theme, width=width, sign_in="", cookies=cookie)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console", lambda message: complaints.append(message.text) if "Security Policy" in message.text else None
        )
        page.goto(path)
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


def _session(name: str) -> str:
    client = Client()
    client.force_login(User.objects.get(username=name), backend="django.contrib.auth.backends.ModelBackend")
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def _post(number: int, text: str, who: str = "ben") -> None:
    """Ben posts an update elsewhere."""

    def act() -> None:
        with tenant_scope(world.NORTHWIND):
            incident = Incident.objects.get(number=number)
            post_update(incident=incident, text=text, actor=member(who), now=clock_now())

    aside(act)


def test_the_palette_declares_by_keyboard_alone(browse: Open) -> None:
    page = browse("/t/northwind/incidents/")

    page.keyboard.press("Control+k")
    expect(page.locator("#palette-q")).to_be_focused()
    page.keyboard.type("decl")
    expect(page.locator("#palette-list [role=option][aria-selected=true]")).to_contain_text("Declare incident")
    page.keyboard.press("Enter")
    page.wait_for_url("**/incidents/declare/")
    expect(page.locator("#title")).to_be_focused()
    page.keyboard.type("Refunds are slow")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(r"/incidents/INC-\d+/$"))

    expect(page.locator("h1")).to_have_text("Refunds are slow")


def test_the_palette_finds_and_closes_and_gives_the_focus_back(browse: Open, town: Town) -> None:
    page = browse("/t/northwind/runs/")
    page.locator(".find").focus()
    page.keyboard.press("Control+k")
    page.keyboard.type(f"INC-{town.told}")
    expect(page.locator("#palette-list")).to_contain_text("Card authorisations failing")
    page.keyboard.press("Escape")

    expect(page.locator("#palette")).to_be_hidden()
    expect(page.locator(".find")).to_be_focused()


def test_single_keys_filter_move_and_open(browse: Open) -> None:
    page = browse("/t/northwind/incidents/")
    page.keyboard.press("/")
    expect(page.locator("input[name=q]").first).to_be_focused()
    page.keyboard.type("authorisations")
    expect(page.locator("#rows .rowlink")).to_have_count(1)
    page.locator("main").focus()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/incidents/INC-\d+/$"))

    expect(page.locator("h1")).to_have_text("Card authorisations failing in eu-west-1")


def test_a_new_entry_arrives_by_itself(browse: Open, town: Town) -> None:
    page = browse(f"/t/northwind/incidents/INC-{town.burning}/")
    expect(page.locator("#conn")).to_contain_text("Live")
    before = page.locator("#feed > .feed-item").count()
    _post(town.burning, "The vendor is on the phone")

    expect(page.locator("#feed > .feed-item").first).to_contain_text("The vendor is on the phone")
    expect(page.locator("#feed > .feed-item")).to_have_count(before + 1)


def test_what_is_being_read_does_not_move(browse: Open, town: Town) -> None:
    page = browse(f"/t/northwind/incidents/INC-{town.told}/")
    expect(page.locator("#conn")).to_contain_text("Live")
    page.locator("#feed > .feed-item").nth(20).evaluate("el => el.scrollIntoView({block: 'center'})")
    read = page.locator("#feed > .feed-item").nth(20).get_attribute("id")
    where = page.locator(f"#{read}").bounding_box()
    _post(town.told, "One more thing")
    expect(page.locator("#feed > .feed-item").first).to_contain_text("One more thing")

    moved = page.locator(f"#{read}").bounding_box()
    assert where is not None and moved is not None
    assert abs(moved["y"] - where["y"]) < 2


def test_an_update_is_posted_with_the_keyboard(browse: Open, town: Town) -> None:
    page = browse(f"/t/northwind/incidents/INC-{town.burning}/")
    page.keyboard.press("n")
    page.keyboard.type("Traffic is back")
    page.keyboard.press("Control+Enter")
    page.wait_for_load_state()

    expect(page.locator("#feed > .feed-item").first).to_contain_text("Traffic is back")


def test_a_refused_declaration_keeps_what_was_typed(browse: Open) -> None:
    page = browse("/t/northwind/incidents/declare/")
    page.locator("form.form-page").evaluate("form => form.noValidate = true")
    page.fill("#summary", "Half of Europe")
    page.fill("#service", "service-07")
    page.uncheck("[name=take_command]")
    page.get_by_role("button", name="Declare incident").click()
    expect(page.locator("#title-error")).to_be_visible()

    expect(page.locator("#summary")).to_have_value("Half of Europe")
    expect(page.locator("#service")).to_have_value("service-07")
    expect(page.locator("[name=take_command]")).not_to_be_checked()
    expect(page.locator("#title")).to_have_attribute("aria-invalid", "true")


def test_the_phone_has_a_dock_that_thumbs_reach(browse: Open, town: Town) -> None:
    page = browse(f"/t/northwind/incidents/INC-{town.burning}/", width=390)
    buttons = page.locator(".dock .button")
    for index in range(buttons.count()):
        box = buttons.nth(index).bounding_box()
        assert box is not None and box["height"] >= 44 and box["y"] + box["height"] <= 844

    page.get_by_text("Post update").tap()
    expect(page.locator("#upd")).to_be_focused()


@pytest.mark.parametrize("width", [390, 320])
def test_the_phone_shows_the_next_step_inside_its_own_column(browse: Open, town: Town, width: int) -> None:
    page = browse(f"/t/northwind/incidents/INC-{town.burning}/", width=width)
    steps = page.locator(".stepper .step")
    edges = [steps.nth(n).bounding_box() for n in range(steps.count())]
    inside = page.locator(".stepper .step").filter(has=page.locator("button, .step-needs"))
    column, held = inside.bounding_box(), inside.locator("button, .step-needs").bounding_box()

    assert column is not None and held is not None
    assert column["x"] <= held["x"] and held["x"] + held["width"] <= column["x"] + column["width"]
    assert column["y"] <= held["y"] and held["y"] + held["height"] <= column["y"] + column["height"]
    label = inside.locator("b").bounding_box()
    assert label is not None and label["y"] + label["height"] <= held["y"]
    assert all(one and next_ and one["x"] + one["width"] <= next_["x"] + 0.5 for one, next_ in pairwise(edges))


def test_the_phone_opens_its_navigation_without_a_script(browse: Open) -> None:
    page = browse("/t/northwind/incidents/", width=390)
    expect(page.locator("#side")).to_be_hidden()
    page.get_by_role("button", name="Open navigation").tap()

    expect(page.locator("#side")).to_be_visible()


def test_a_role_is_given_from_its_menu(browse: Open, town: Town) -> None:
    page = browse(f"/t/northwind/incidents/INC-{town.burning}/")
    page.get_by_role("button", name="Assign scribe").click()
    page.locator("#role-scribe").get_by_role("button", name="Ben Responder").click()
    page.wait_for_load_state()

    expect(page.locator(".rail .list").first).to_contain_text("Ben Responder")


def test_a_theme_is_chosen_and_kept(browse: Open) -> None:
    page = browse("/t/northwind/runs/")
    page.keyboard.press("t")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()

    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_axe_finds_nothing_on_the_six_pages(browse: Open) -> None:
    """In light at 1440 px on every push; the other themes and widths, and every other page, with `full`."""
    assert _violations(browse, SIX, "light", 1440) == {}


@pytest.mark.full
@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 1440), ("light", 390), ("dark", 390)])
def test_axe_finds_nothing_on_any_page(browse: Open, theme: str, width: int) -> None:
    assert _violations(browse, (*SIX, *MORE), theme, width) == {}


@pytest.mark.full
@pytest.mark.parametrize("width", [390, 320])
def test_no_page_scrolls_sideways(browse: Open, width: int) -> None:
    page = browse(SIX[0], width=width)
    wide = []
    for path in (*SIX, *MORE):
        page.goto(path)
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if over > 0:
            wide.append((path, over))
    assert wide == []


def _violations(browse: Open, paths: tuple[str, ...], theme: str, width: int) -> dict[str, list[str]]:
    page = browse(paths[0], theme=theme, width=width)
    found = {}
    for path in paths:
        page.goto(path)
        page.evaluate(axe_source())  # the debugger's channel, which the page's policy does not bind
        result = page.evaluate("rules => axe.run(document, {runOnly: rules})", screenshots.AXE_RULES)
        if result["violations"]:
            found[path] = [f"{each['id']}: {each['nodes'][0]['target']}" for each in result["violations"]]
    return found
