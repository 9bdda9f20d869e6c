"""What schemathesis does not know of the product that it calls. Loaded by its own process."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any
from uuid import uuid4

import schemathesis

KNOWN = json.loads(Path("known.json").read_text(encoding="utf-8"))
MOSTLY = 0.8
KEY = "Idempotency-Key"
LONGEST_KEY = 200
_random = random.Random(7)


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Give each call a key of its own, as a second one under a used key is refused unread, and name what there is.

    What was made invalid on purpose stays as it is.
    """
    key = str((case.headers or {}).get(KEY, ""))
    if key and len(key) <= LONGEST_KEY:
        case.headers[KEY] = (str(uuid4()) + key[36:])[:LONGEST_KEY]
    for name in case.path_parameters or {}:
        if name in KNOWN and _is_valid(case, "path") and _random.random() < MOSTLY:
            case.path_parameters[name] = _random.choice(KNOWN[name])


def _is_valid(case: Any, where: str) -> bool:
    """Whether the part was drawn from the document; links that lead to a record name one already."""
    if case.meta is None or case.meta.phase.name.value == "stateful":
        return False
    return all(part.mode == "positive" for place, part in case.meta.components.items() if place.value == where)
