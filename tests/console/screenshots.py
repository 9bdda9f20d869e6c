"""Photograph pages of a running console in both themes and widths, and let axe-core look at them.

    python -m tests.console.screenshots http://127.0.0.1:8484 /t/northwind/incidents/ /t/northwind/runs/ \\
        --sign-in /signin/link/<token>/ --out shots --axe node_modules/axe-core/axe.min.js

Needs Debian's chromium package (or --browser PATH). Each picture is named path-theme-width.png. Beside it are
reported: sideways overflow, messages on the browser's console, refusals by the content security policy and, with
--axe, every violation. Exits with 1 when there was any of them, so that CI can use it.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--font-render-hinting=none",
]
HEIGHTS = {1440: 900, 1120: 800, 390: 844, 320: 640}
PHONE_BELOW = 600
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
THEME_COOKIE = "conductor_theme"


@dataclass
class Shot:
    """One picture and what was wrong on the page."""

    name: str
    complaints: list[str] = field(default_factory=list)


def open_browser(playwright: Any, *, executable: str) -> Browser:
    """Launch Chromium the way that works as root in a container without a GPU."""
    # The suite's own fonts and libraries are for documents; with those fonts alone Chromium ends at its first page.
    env = {name: value for name, value in os.environ.items() if name not in {"FONTCONFIG_FILE", "LD_LIBRARY_PATH"}}
    return playwright.chromium.launch(executable_path=executable, args=FLAGS, env=env)  # type: ignore[no-any-return]


def open_context(
    browser: Browser, *, base: str, theme: str, width: int, sign_in: str, cookies: Sequence[str]
) -> BrowserContext:
    """Return a browser context of this theme and width, signed in if a link was given."""
    phone = width < PHONE_BELOW
    context = browser.new_context(
        base_url=base,
        viewport={"width": width, "height": HEIGHTS.get(width, 900)},
        color_scheme="dark" if theme == "dark" else "light",
        has_touch=phone,
        is_mobile=phone,
        reduced_motion="reduce",
        bypass_csp=False,
    )
    pairs = [THEME_COOKIE + "=" + theme, *cookies]
    context.add_cookies(
        [{"name": name, "value": value, "url": base} for name, _, value in (p.partition("=") for p in pairs)]
    )
    if sign_in:
        page = context.new_page()
        page.goto(sign_in)
        page.close()
    return context


def photograph(context: BrowserContext, *, path: str, name: str, out: Path, full: bool, axe: str) -> Shot:
    """Open `path`, wait for its fonts, save the picture, and collect complaints."""
    shot = Shot(name)
    page = context.new_page()
    page.on("console", lambda message: _note(shot, message))
    page.on("pageerror", lambda error: shot.complaints.append(f"script: {error}"))
    response = page.goto(path, wait_until="load")
    page.evaluate("document.fonts.ready")
    page.wait_for_timeout(150)
    if response is None or response.status >= 400:
        shot.complaints.append(f"answered {response.status if response else 'nothing'}")
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if overflow > 0:
        shot.complaints.append(f"scrolls sideways by {overflow} px")
    page.screenshot(path=out / f"{name}.png", full_page=full)
    if axe:
        shot.complaints.extend(_violations(page, axe))
    page.close()
    return shot


def _note(shot: Shot, message: ConsoleMessage) -> None:
    if message.type in {"error", "warning"}:
        shot.complaints.append(f"console: {message.text}")


def _violations(page: Page, axe: str) -> list[str]:
    page.evaluate(axe)  # the debugger's channel, which the page's policy does not bind
    result = page.evaluate("rules => axe.run(document, {runOnly: rules})", AXE_RULES)
    return [f"axe {each['impact']} {each['id']}: {_places(each)}" for each in result["violations"]]


def _places(violation: dict[str, Any]) -> str:
    return ", ".join(" ".join(map(str, node["target"])) for node in violation["nodes"][:4])


def _slug(path: str) -> str:
    return re.sub(r"[^a-zA-Z0-9]+", "-", path).strip("-") or "home"


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", help="address of the running console, for example http://127.0.0.1:8484")
    parser.add_argument("paths", nargs="+", help="paths to photograph")
    parser.add_argument("--sign-in", default="", metavar="PATH", help="a sign-in link to open first")
    parser.add_argument("--cookie", action="append", default=[], metavar="NAME=VALUE", help="a cookie to send")
    parser.add_argument("--out", type=Path, default=Path("shots"), help="folder for the pictures")
    parser.add_argument("--themes", nargs="+", default=["light", "dark"], choices=["light", "dark"])
    parser.add_argument("--widths", nargs="+", type=int, default=[1440, 390])
    parser.add_argument("--full", action="store_true", help="the whole page, not the first screen")
    parser.add_argument("--axe", type=Path, metavar="FILE", help="axe.min.js of axe-core")
    parser.add_argument("--browser", default="/usr/bin/chromium", metavar="FILE")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Photograph everything; return 1 when anything was wrong."""
    given = _arguments(argv)
    given.out.mkdir(parents=True, exist_ok=True)
    axe = given.axe.read_text(encoding="utf-8") if given.axe else ""
    wrong = 0
    with sync_playwright() as playwright:
        browser = open_browser(playwright, executable=given.browser)
        for theme in given.themes:
            for width in given.widths:
                context = open_context(
                    browser, base=given.base, theme=theme, width=width, sign_in=given.sign_in, cookies=given.cookie
                )
                for path in given.paths:
                    name = f"{_slug(path)}-{theme}-{width}"
                    shot = photograph(context, path=path, name=name, out=given.out, full=given.full, axe=axe)
                    wrong += bool(shot.complaints)
                    print("\n    ".join([f"{'FAIL' if shot.complaints else 'ok  '} {shot.name}", *shot.complaints]))
                context.close()
        browser.close()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
