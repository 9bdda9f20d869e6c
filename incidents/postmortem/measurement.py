"""Asks the tenant's metrics sources about an incident. Not inside a transaction: every question goes outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from adapters.configuration import opening
from adapters.models.adapter import AdapterConfig
from adapters.ports.protocols import AdapterError, Measure, MetricsPort, Port, Reading, Unit
from conductor.tenancy.database.scope import tenant_scope
from incidents.models.incident import Incident
from incidents.postmortem.measures import Chart, Window, chart_of, missing_chart, window_of


def read_charts(*, incident: Incident, now: datetime, beat: Callable[[], None], give_up: bool) -> list[Chart]:
    """Return a chart for each measure of each enabled source of the incident's environment, by source.

    `beat` is called before each question. A source that cannot tell leaves a chart that says so; one that may be able
    to tell later raises its AdapterError instead, unless `give_up`.
    """
    window = window_of(incident=incident, now=now)
    with tenant_scope(incident.tenant_id):
        configs = AdapterConfig.serving(port=Port.METRICS.value, environment_id=incident.environment_id)
        sources = [(config.name, _opened(config, give_up)) for config in configs]
    charts: list[Chart] = []
    for name, source in sources:
        charts += _charts_of(source, name, incident, window, beat, give_up)
    return charts


def _opened(config: AdapterConfig, give_up: bool) -> MetricsPort:
    try:
        return opening.metrics(config)
    except AdapterError as error:
        if not (error.permanent or give_up):
            raise
        return _Unopened(error)


class _Unopened:
    """A source that cannot be used as it is configured. It has one measure, of which it can only say why."""

    def __init__(self, error: AdapterError) -> None:
        self.error, self.source = error, ""

    def measures(self) -> tuple[Measure, ...]:
        return (Measure(key="source", label="All measures", unit=Unit.COUNT),)

    def read(self, **asked: Any) -> Reading:
        raise AdapterError(self.error.message, permanent=True, code=self.error.code)


def _charts_of(
    source: MetricsPort, name: str, incident: Incident, window: Window, beat: Callable[[], None], give_up: bool
) -> Iterator[Chart]:
    environment = incident.environment.slug if incident.environment else ""
    for measure in source.measures():
        beat()
        try:
            reading = source.read(
                measure=measure.key,
                service=incident.service,
                environment=environment,
                start=window.start,
                end=window.end,
                step=window.step,
            )
        except AdapterError as error:
            if not (error.permanent or give_up):
                raise
            yield missing_chart(measure=measure, source=name, window=window, why=f"{name}: {error.message}.")
        else:
            yield chart_of(measure=measure, source=name, window=window, reading=reading)
