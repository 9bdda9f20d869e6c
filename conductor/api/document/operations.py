"""The operations that are mounted, one by one."""

from __future__ import annotations

from collections.abc import Iterator

from ninja import NinjaAPI
from ninja.operation import Operation


def operations_of(api: NinjaAPI) -> Iterator[Operation]:
    """Yield every operation of the API, as it is bound."""
    for router in api._get_bound_routers():
        for view in router.path_operations.values():
            yield from view.operations
