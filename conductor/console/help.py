"""Help: the product's documentation, as the release carries it, within the console."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from posixpath import normpath

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_GET
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from conductor.console.doors import door
from conductor.lib.errors import NotFound
from conductor.tenancy.requests import TenantRequest

DOCS = Path(settings.BASE_DIR) / "docs"
INDEX = "index"
FILES = {"reference/openapi.json": "/api/v1/openapi.json"}
"""What the documentation links to and the product serves itself."""
_NAME = re.compile(r"[a-z0-9-]+(/[a-zA-Z0-9-]+)?")
_UNSPOKEN = re.compile(r"[^\w\- ]")


@require_GET
@door(permission="view_incidents")
def page(request: TenantRequest, tenant: str, name: str = INDEX) -> HttpResponse:
    """A page of the documentation; its links lead to pages of the console's help."""
    title, html = _read(name)
    root = request.path.removesuffix(f"{name}/") if name != INDEX else request.path
    shown = mark_safe(html.replace(_ROOT, root))  # noqa: S308 - our own files, and no HTML in them is passed on
    return render(
        request, "console/help.html", {"title": title, "name": name, "html": shown, "is_index": name == INDEX}
    )


_ROOT = "help-root:"
"""Stands in the kept HTML for the tenant's own address of the help."""


@lru_cache(maxsize=128)
def _read(name: str) -> tuple[str, str]:
    path = DOCS / f"{name}.md"
    if not _NAME.fullmatch(name) or not path.is_file():
        raise NotFound(f"There is no page {name} in the help of this release.")
    reader = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table").disable("image")
    reader.validateLink = lambda url: True  # type: ignore[method-assign] # our own files; _lead rewrites every link
    tokens = reader.parse(path.read_text(encoding="utf-8"))
    title = name
    for before, token in pairwise(tokens):
        if before.type == "heading_open" and token.children is not None:
            before.attrs = {"id": anchor_of(token.content)}
            title = token.content if before.tag == "h1" else title
        _lead(token.children or [], name)
    return title, str(reader.renderer.render(tokens, reader.options, {}))


def anchor_of(heading: str) -> str:
    """Return the anchor that links to a heading use, as GitHub makes it."""
    return _UNSPOKEN.sub("", heading.lower()).replace(" ", "-")


def address_of(link: str, *, on: str) -> str:
    """Return where a link of the page `on` leads in the console; empty for what the console does not show."""
    if link.startswith(("https://", "http://", "#")):
        return link
    path, _, anchor = link.partition("#")
    found = normpath(f"{on.rpartition('/')[0]}/{path}".lstrip("/"))
    if found in FILES:
        return FILES[found]
    name = found.removesuffix(".md")
    if found == name or found.startswith("../") or not (DOCS / found).is_file():
        return ""
    return f"{_ROOT}{'' if name == INDEX else f'{name}/'}" + (f"#{anchor}" if anchor else "")


def _lead(tokens: list[Token], name: str) -> None:
    opened: list[Token] = []
    for token in tokens:
        if token.type == "link_open":
            opened.append(token)
            href = address_of(str(token.attrs["href"]), on=name)
            token.attrs = {"class": "link", "href": href} if href else {}
            token.tag = "a" if href else "span"
        elif token.type == "link_close":
            token.tag = opened.pop().tag


class _Renderer(RendererHTML):
    def table_open(self, *_: object) -> str:
        return '<div class="scroll-x" role="region" aria-label="Table" tabindex="0"><table class="table" data-flush>'

    def table_close(self, *_: object) -> str:
        return "</table></div>"
