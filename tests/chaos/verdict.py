"""What is left after the chaos: runs that did not end, effects that are missing or doubled, rows that nobody owns."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

from django.db.models import Count, Q

from conductor.engine.models import Run, Step, Try
from conductor.ledger.keys.keyring import keyring
from conductor.ledger.log.sequencer import sequence
from conductor.ledger.models import Receipt
from conductor.ledger.verify.verification import verify_ledger
from conductor.lib.clock import now
from conductor.tenancy.database.scope import snapshot_scope
from tests.chaos import counterpart, workflows
from tests.world import NORTHWIND


@dataclass
class Verdict:
    """Counts. Everything that must be zero is in `must_be_zero`."""

    runs: int = 0
    effects: int = 0
    requests: int = 0
    lost_tries: int = 0
    complaints: list[str] = field(default_factory=list)
    """What is wrong with the ledger, in words."""
    must_be_zero: dict[str, int] = field(default_factory=dict)

    @property
    def is_clean(self) -> bool:
        return not any(self.must_be_zero.values())

    def as_dict(self) -> dict[str, object]:
        return {**asdict(self), "clean": self.is_clean}


def judge(effects: Path) -> Verdict:
    """Compare the rows and the counterpart's account with what should have happened."""
    while sequence(tenant_id=NORTHWIND, now=now()):
        pass
    with snapshot_scope(NORTHWIND):  # the workers are still there, and sequence what ended last
        runs = list(Run.objects.filter(workflow__startswith="chaos."))
        wanted = Counter(what for run in runs for what in workflows.expected(run.workflow, run.id))
        done = Counter(counterpart.done(effects))
        report = verify_ledger(tenant_id=NORTHWIND, keyring=keyring())
        return Verdict(
            runs=len(runs),
            effects=sum(done.values()),
            requests=counterpart.asked(effects),
            lost_tries=Try.objects.filter(outcome=Try.Outcome.LOST).count(),
            complaints=report.faults,
            must_be_zero={
                "runs that did not end": sum(not run.is_over for run in runs),
                "runs that ended otherwise": sum(
                    run.is_over and run.status != workflows.ENDS[run.workflow] for run in runs
                ),
                "effects lost": sum((wanted - done).values()),
                "effects doubled": sum(count - 1 for count in done.values() if count > 1),
                "effects nobody wanted": sum(count for what, count in done.items() if what not in wanted),
                **_orphans(),
                "faults in the ledger": len(report.faults),
            },
        )


def _orphans() -> dict[str, int]:
    """Rows that belong to nothing any more, and acts without their receipt or with two."""
    over = Q(run__status__in=Run.OVER)
    open_steps = Step.objects.filter(over, status__in=["RUNNING", "WAITING"])
    held = Step.objects.filter(over).exclude(lease_owner="", wake_at=None)
    leases = Run.objects.filter(status__in=Run.OVER).exclude(lease_owner="", lease_expires_at=None, wake_at=None)
    open_tries = Try.objects.filter(outcome__in=["RUNNING", "WAITING"], step__run__status__in=Run.OVER)
    ends = Receipt.objects.filter(action__in=["conductor.run.succeeded", "conductor.run.failed"])
    succeeded = set(Step.objects.filter(status="SUCCEEDED").values_list("id", flat=True))
    told = Counter(
        subject.partition(":")[2]
        for subject in Receipt.objects.filter(action="conductor.step.succeeded").values_list("subject", flat=True)
    )
    return {
        "steps left at work": open_steps.count(),
        "leases left": held.count() + leases.count(),
        "tries left open": open_tries.count(),
        "runs with two ends": ends.values("subject").annotate(n=Count("id")).filter(n__gt=1).count(),
        "runs without an end on record": Run.objects.filter(status__in=["SUCCEEDED", "FAILED"]).count()
        - ends.values("subject").distinct().count(),
        "steps without one receipt": sum(told[str(each)] != 1 for each in succeeded)
        + sum(each not in {str(one) for one in succeeded} for each in told),
    }
