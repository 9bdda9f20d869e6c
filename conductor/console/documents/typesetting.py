"""What a document's text needs before it is set: what belongs together stays on one line. Plain functions, no Django.

docs/reference/documents.md gives the rules; conductor/templatetags/paper.py has the filters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

TIED = 22
"""Characters: a longer id is wider than a column may be, so it may break."""
DIGEST_GROUP = 8
_VERBATIM = ("head", "title", "style", "pre", "svg", "code")
_TAG = re.compile(r"(<[^>]*>)")
_NAME = re.compile(r"[a-z0-9]+")
_UNITS = re.compile(r"(\d) (min|ms|s|h|d|B|kB|MB|GB|TB|hours?|minutes?|seconds?|days?|items?|of \d)\b")
_DATES = re.compile(r"\b(\d{1,2}) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b")
_TOKEN = re.compile(r"[A-Za-z0-9_.:-]+")
_ID = re.compile(r"[A-Za-z0-9_]+(?:[.:-][A-Za-z0-9_]+)+")
_PIECES = re.compile(r"(?<=[/:?&,])")
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


def tie(html: str) -> str:
    """Return the document with number and unit, day and month, and every id such as EVB-0001 or A.5.27 unbreakable.

    Only text between tags is touched; `pre`, `code`, `svg` and the head stay. Takes time linear in the document.
    """
    verbatim, out = 0, []
    for part in _TAG.split(html):
        if part.startswith("<"):
            verbatim += _depth(part)
            out.append(part)
        else:
            out.append(part if verbatim or not part.strip() else _tied(part))
    return "".join(out)


def runs(numbers: Iterable[int]) -> str:
    """Return "1, 4–7, 9": sorted, once each, three and more in a row as a range."""
    return ",".join(_run(first, last) for first, last in _ranges(numbers))


def digest_groups(digest: str) -> list[str]:
    """Return the digest in groups of eight, for two tones of grey; joined they are the digest, so a copy is whole."""
    return [digest[at : at + DIGEST_GROUP] for at in range(0, len(digest), DIGEST_GROUP)]


def path_pieces(text: str) -> list[str]:
    """Return a path, request or key in pieces between which it may break: after / : ? & and the comma."""
    return [piece for piece in _PIECES.split(text) if piece]


def _depth(tag: str) -> int:
    """Return how an opening or closing tag changes the depth of text that stays as it is."""
    closing = tag.startswith("</")
    named = _NAME.match(tag, 2 if closing else 1)
    if named is None or named[0] not in _VERBATIM or tag.endswith("/>"):
        return 0
    return -1 if closing else 1


def _tied(text: str) -> str:
    text = _UNITS.sub(rf"\1{NO_BREAK_SPACE}\2", text)
    text = _DATES.sub(rf"\1{NO_BREAK_SPACE}\2", text)
    return _TOKEN.sub(_whole, text)


def _whole(found: re.Match[str]) -> str:
    token = found[0].rstrip(".:-")
    is_id = len(token) <= TIED and any(map(str.isdigit, token)) and _ID.fullmatch(token)
    return f'<span class="nw">{token}</span>{found[0][len(token) :]}' if is_id else found[0]


def _ranges(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    first = last = None
    for number in sorted(set(numbers)):
        if last is None or number != last + 1:
            if first is not None and last is not None:
                yield first, last
            first = number
        last = number
    if first is not None and last is not None:
        yield first, last


def _run(first: int, last: int) -> str:
    if first == last:
        return str(first)
    return f"{first},{last}" if last == first + 1 else f"{first}–{last}"
