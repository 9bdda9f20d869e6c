"""A sequencer process that is killed: `python -m tests.attacks.worker <database> <tenant> <before|after> <marker>`.

It numbers what is pending and stops, before the commit or after it, until somebody kills it.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from uuid import UUID


def main() -> None:
    database, tenant, where, marker = sys.argv[1:5]
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    from django.db import connections

    from conductor.ledger.log import sequencer
    from conductor.lib.clock import now

    for connection in connections.all():
        connection.settings_dict["NAME"] = database
    sign = sequencer._sign_checkpoint

    def stop(*given: object) -> None:
        sign(*given)  # type: ignore[arg-type]
        Path(marker).write_text("before the commit")
        time.sleep(60)

    if where == "before":
        sequencer._sign_checkpoint = stop  # type: ignore[assignment]
    sequencer.sequence(tenant_id=UUID(tenant), now=now())
    Path(marker).write_text("after the commit")
    time.sleep(60)


if __name__ == "__main__":
    main()
