"""House rules of templates and static files: no inline code or style, budgets, contrast, vendored files untouched."""

from __future__ import annotations

import gzip
import hashlib
import math
import re
from pathlib import Path

import pytest
from django.template.loader import get_template

ROOT = Path(__file__).resolve().parents[2]
STATIC, TEMPLATES = ROOT / "static", ROOT / "templates"
PAGES = sorted(TEMPLATES.rglob("*.html"))
BUDGET_JS, BUDGET_CSS, BUDGET_FONTS = 20_000, 20_000, 90_000
"""Gzipped bytes of what every page loads; the two fonts before first paint as they are."""
BREAKS_THE_POLICY = {
    "style attribute": r"<[^>]*\sstyle\s*=",
    "style element": r"<style\b",
    "inline script": r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>",
    "event handler": r"<[^>]*\son[a-z]+\s*=",
    "hx-on": r"\bhx-on\b",
    "javascript address": r"javascript:",
    "js: value": r"=\s*[\"']js:",
    "trigger filter": r"hx-trigger=[\"'][^\"']*\[",
}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_a_template_keeps_to_the_content_security_policy(path: Path) -> None:
    source = path.read_text()
    broken = [name for name, pattern in BREAKS_THE_POLICY.items() if re.search(pattern, source, re.IGNORECASE)]

    assert not broken


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_a_template_compiles_and_leaks_no_comment(path: Path) -> None:
    source = path.read_text()
    get_template(str(path.relative_to(TEMPLATES)))

    assert not [line for line in source.splitlines() if line.count("{#") != line.count("#}")], "a comment spans lines"


def test_scripts_hold_no_eval_and_fit_their_budget() -> None:
    scripts = [STATIC / "js" / "htmx.js", STATIC / "js" / "console.js"]
    ours = scripts[1].read_text()

    assert not re.search(r"\beval\(|new Function|innerHTML|outerHTML|insertAdjacentHTML|document\.write", ours)
    assert sum(_gzipped(path) for path in scripts) <= BUDGET_JS


def test_styles_and_fonts_fit_their_budgets() -> None:
    fonts = ["inter-latin-wght-normal.woff2", "jetbrains-mono-latin-wght-normal.woff2"]

    assert sum(_gzipped(path) for path in (STATIC / "css").glob("*.css")) <= BUDGET_CSS
    assert sum((STATIC / "fonts" / name).stat().st_size for name in fonts) <= BUDGET_FONTS


def test_the_layers_are_in_one_order() -> None:
    tokens = (STATIC / "css" / "tokens.css").read_text()
    layers = re.search(r"@layer ([a-z, ]+);", tokens)
    used = set(re.findall(r"@layer ([a-z]+) {", tokens + (STATIC / "css" / "components.css").read_text()))

    assert layers
    assert used <= set(layers[1].split(", "))


def test_every_token_that_a_style_uses_is_declared() -> None:
    tokens, components = ((STATIC / "css" / name).read_text() for name in ("tokens.css", "components.css"))
    declared = set(re.findall(r"(--[a-z0-9-]+)\s*:", tokens + components))
    used = set(re.findall(r"var\((--[a-z0-9-]+)", tokens + components))

    assert used <= declared


def test_files_that_a_style_refers_to_are_there() -> None:
    for sheet in (STATIC / "css" / "tokens.css", STATIC / "css" / "components.css", STATIC / "pdf" / "pdf.css"):
        for address in re.findall(r"url\(\"?([^\")]+)\"?\)", sheet.read_text()):
            assert address.startswith("data:") or (sheet.parent / address).is_file(), f"{sheet.name}: {address}"


def test_vendored_files_are_as_they_were_published() -> None:
    for line in (STATIC / "vendor" / "SHA256SUMS").read_text().splitlines():
        digest, _, name = line.partition("  ")
        assert hashlib.sha256((ROOT / name).read_bytes()).hexdigest() == digest, name


def test_every_vendored_part_has_its_licence() -> None:
    licences = {path.stem for path in (STATIC / "vendor" / "LICENSES").iterdir()}

    assert licences == {"htmx", "lucide", "inter", "jetbrains-mono", "source-serif-4"}


# Contrast ----------------------------------------------------------------------------------------
SURFACES = ["bg-canvas", "bg-surface", "bg-raised", "bg-subtle", "bg-hover", "bg-selected"]
TONES = ["accent", "red", "orange", "amber", "green", "violet"]
SOLIDS = ["accent-solid", "accent-hover", "red-solid", "orange-solid", "amber-solid", "green-solid"]
PAIRS: list[tuple[str, str, float]] = [
    *((ink, surface, 4.5) for ink in ("ink", "ink-2", "ink-3") for surface in SURFACES),
    *((ink, "bg-press", 4.5) for ink in ("ink", "ink-2")),
    *((tone, ground, 4.5) for tone in TONES for ground in [*SURFACES, f"{tone}-tint"]),
    *((ink, f"{tone}-tint", 4.5) for ink in ("ink", "ink-2") for tone in TONES),
    *(("ink-on-solid", solid, 4.5) for solid in SOLIDS),
    *(("ink", f"heat-{step}", 4.5) for step in (1, 2, 3)),
    *(("heat-ink-hi", f"heat-{step}", 4.5) for step in (4, 5)),
    *(("line-control", surface, 3.0) for surface in ("bg-surface", "bg-raised")),
    *(("focus", surface, 3.0) for surface in SURFACES),
]


@pytest.mark.parametrize("side", [0, 1], ids=["light", "dark"])
def test_every_pair_of_colours_that_is_used_can_be_read(side: int) -> None:
    tokens = _tokens()
    ratios = [(front, back, _contrast(tokens[front][side], tokens[back][side]), need) for front, back, need in PAIRS]

    assert not [each for each in ratios if each[2] < each[3]]


def _tokens() -> dict[str, tuple[str, str]]:
    """Colour tokens in light and dark, without those of `prefers-contrast: more`, which stand further down."""
    source = (STATIC / "css" / "tokens.css").read_text().split("@media (prefers-contrast")[0]
    colour = r"oklch\([^)]*\)"
    alike = re.findall(rf"--([a-z0-9-]+):\s*({colour});", source)
    apart = re.findall(rf"--([a-z0-9-]+):\s*light-dark\(\s*({colour})\s*,\s*({colour})\s*\)", source)
    return {name: (both, both) for name, both in alike} | {name: (light, dark) for name, light, dark in apart}


def _contrast(one: str, other: str) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    """WCAG's relative luminance of an oklch() colour, clipped to sRGB."""
    lightness, chroma, hue = (float(number) for number in re.findall(r"-?[\d.]+", colour)[:3])
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = 4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short
    clipped = [min(1.0, max(0.0, channel)) for channel in (red, green, blue)]
    return 0.2126 * clipped[0] + 0.7152 * clipped[1] + 0.0722 * clipped[2]


def _gzipped(path: Path) -> int:
    return len(gzip.compress(path.read_bytes(), 9))
