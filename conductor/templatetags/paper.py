"""`{% load paper %}`: digests, paths and citations of documents on paper: they break where they may, nowhere else."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django import template
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from conductor.console.documents import typesetting

register = template.Library()

LONGEST_PIECE = 30
"""Characters of a path between two slashes; a longer one may also break after - _ and the full stop."""
_WIDEST_WORD = 40
"""Characters of a last word that its citation is tied to: a longer one must be able to break."""


@register.filter
def sha(digest: str) -> SafeString:
    """`{{ artifact.digest|sha }}`: the digest whole, in groups of eight by tone. No space is put in."""
    groups = enumerate(typesetting.digest_groups(digest))
    marked = ((format_html("<i>{}</i>", group) if place % 2 else group,) for place, group in groups)
    return format_html('<span class="sha">{}</span>', format_html_join("", "{}", marked))


@register.filter
def path(text: str) -> SafeString:
    """`{{ artifact.path|path }}`: breaks after / : ? & and the comma, inside a long piece after - _ and the stop."""
    return format_html_join(mark_safe("<wbr>"), "{}", ((_piece(each),) for each in typesetting.path_pieces(text)))


@register.filter
def cited(text: str, sources: Iterable[int]) -> SafeString:
    """`{{ block.text|cited:block.sources }}`: raised numbers after the text, on the line of its last word.

    More than two in a row become a range. Line ends become breaks. Without sources it is the text alone.
    """
    listed = list(sources or ())
    if not listed:
        return _lines(text)
    text = text.rstrip()
    word = text[-_WIDEST_WORD - 1 :].split()[-1] if text else ""
    word = word if len(word) <= _WIDEST_WORD else ""
    before = text[: len(text) - len(word)]
    numbers = format_html('<sup class="cite">{}</sup>', typesetting.runs(listed))
    return format_html('{}<span class="nw">{}&#8288;{}</span>', _lines(before), word, numbers)


def _piece(piece: str) -> SafeString:
    if len(piece) > LONGEST_PIECE:
        return format_html_join(mark_safe("<wbr>"), "{}", ((each,) for each in re.split(r"(?<=[-_.])(?=.)", piece)))
    return format_html('<span class="nw">{}</span>', piece) if "-" in piece else conditional_escape(piece)


def _lines(text: str) -> SafeString:
    return format_html_join(mark_safe("<br>"), "{}", ((line,) for line in text.split("\n")))
