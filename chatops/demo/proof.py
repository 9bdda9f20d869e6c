"""The main job's second half: the running database is backed up, restored, compared; evidence is sealed and packed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatops.demo.doors import Api, DoorShut, wait_until
from conductor.embedded.progress import Progress, Stage

CONTROL = "SOC2_A1.2"
ENVIRONMENT = "production"
WORKFLOW = "controls.backup_restore_verification"
OVER = ("SUCCEEDED", "FAILED", "CANCELLED")


@dataclass(frozen=True)
class Proved:
    """What the second half left behind."""

    bundle: str
    pack_pdf: Path
    pack_zip: Path


def prove(*, api: Api, number: int, out: Path, progress: Progress, seconds: float) -> Proved:
    """Follow the run that `start` has begun, to its pack; raise DoorShut where anything is not as it must be."""
    with progress.stage("restore check") as stage:
        run = wait_until(f"the end of R-{number}", _follow(api, number, stage), seconds=seconds)
        outputs = _outputs(run)
        compared = outputs["evidence.compare_restore"]
        stage.result = f"{compared['tables']} tables, {compared['rows']} rows, {compared['differences']} differences"
    with progress.stage("evidence") as stage:
        code = str(outputs["evidence.open_restore_bundle"]["bundle"])
        artifacts = _sealed(api, code)
        stage.result = f"{code} sealed for {CONTROL}, {artifacts} artifacts, chain verified"
    with progress.stage("pack") as stage:
        pack = _pack(api, str(outputs["evidence.request_pack"]["pack_id"]), seconds)
        name = f"{code}-pack-{pack['number']}"
        pdf = api.download(f"/packs/{pack['id']}/pdf", out / f"{name}.pdf")
        archive = api.download(f"/packs/{pack['id']}/zip", out / f"{name}.zip")
        stage.result = f"{pdf.stat().st_size // 1024} kB of PDF, {archive.stat().st_size // 1024} kB of ZIP"
    return Proved(code, pdf, archive)


def start(api: Api) -> int:
    """Start the restore check and return its run's number; raise DoorShut unless the control is bound to it."""
    bindings = api.get(f"/controls/{CONTROL}")["bindings"]
    if WORKFLOW not in [binding["workflow"] for binding in bindings if not binding["valid_to"]]:
        raise DoorShut(f"{CONTROL} is not bound to {WORKFLOW}")
    return int(api.post("/controls/restore-verifications", {"environment": ENVIRONMENT})["number"])


def _follow(api: Api, number: int, stage: Stage) -> Any:
    """Return a probe that tells each step as it ends, and the run once it is over."""
    told: set[int] = set()

    def probe() -> dict[str, Any] | None:
        run: dict[str, Any] = api.get(f"/runs/{number}")
        for step in run["steps"]:
            if step["status"] in {"SUCCEEDED", "FAILED"} and step["seq"] not in told:
                told.add(step["seq"])
                stage.say(f"  {step['status'].lower():<10} {step['name']}")
        return run if run["status"] in OVER else None

    return probe


def _outputs(run: dict[str, Any]) -> dict[str, dict[str, Any]]:
    if run["status"] != "SUCCEEDED":
        raise DoorShut(f"{run['code']} is {run['status']}: {run['error']}")
    return {step["name"]: step["output"] for step in run["steps"] if step["output"] is not None}


def _sealed(api: Api, code: str) -> int:
    """Return the number of artifacts; raise DoorShut unless the bundle is sealed, whole and without exceptions."""
    detail = api.get(f"/bundles/{code}")
    bundle = detail["bundle"]
    if bundle["status"] != "SEALED" or CONTROL not in [cover["alias"] for cover in detail["controls"]]:
        raise DoorShut(f"{code} is {bundle['status']} and covers {[cover['alias'] for cover in detail['controls']]}")
    if bundle["conclusion"] != "NO_EXCEPTIONS":
        odd = [f"{each['title']}: {each['detail']}" for each in detail["findings"] if each["result"] != "pass"]
        raise DoorShut(f"{code} concluded {bundle['conclusion']}: {'; '.join(odd)}")
    # The seal's receipt is signed and logged within seconds of the sealing.
    wait_until(f"the chain of {code}", lambda: _verified(api, code), seconds=60)
    return len(detail["artifacts"])


def _verified(api: Api, code: str) -> bool | None:
    chain = api.get(f"/bundles/{code}/verification")
    if "bad" in [link["state"] for link in chain["links"]]:
        raise DoorShut(f"{code} is {chain['verdict']}: {chain['links']}")
    return chain["is_verified"] or None


def _pack(api: Api, pack_id: str, seconds: float) -> dict[str, Any]:
    pack: dict[str, Any] = wait_until("the pack", lambda: _over(api.get(f"/packs/{pack_id}")), seconds=seconds)
    if pack["status"] != "READY" or not pack["verified"]:
        raise DoorShut(f"the pack is {pack['status']}, verified: {pack['verified']}. {pack['error']}")
    return pack


def _over(pack: dict[str, Any]) -> dict[str, Any] | None:
    return pack if pack["status"] != "RENDERING" else None
