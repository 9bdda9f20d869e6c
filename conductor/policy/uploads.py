"""What an upload must be before it is kept: small, Rego that compiles here, its own package, and quick."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from conductor.lib.canonical import canonical_json
from conductor.lib.errors import Invalid
from conductor.policy.bundle import policy_bundle
from conductor.policy.engine import EngineFailure
from conductor.policy.inputs import RESOURCES
from conductor.policy.references import COMPUTED
from conductor.policy.samples import sample
from conductor.policy.sandbox import SANDBOX
from conductor.policy.tenant_rules import PACKAGE, SECONDS, SHARED_FILE, OwnRules, TenantRules, digest_of, reasons_of

REGO_BYTES = 64 * 1024
DATA_BYTES = 64 * 1024
NAME = re.compile(r"[a-z][a-z0-9_]{1,39}")
COMPILE_SECONDS = 5.0
FORBIDDEN = ("http.send", "opa.runtime", "rand.intn", "time.now_ns", "uuid.rfc4122", "net.lookup_ip_addr", "walk")
"""A decision must follow from its input alone, and in every engine alike: `walk` answers differently in regorus."""
_COMPUTED = {f"{each.partition('.')[0]}.{COMPUTED}" for each in FORBIDDEN if "." in each}


def name_problems(name: str) -> list[str]:
    """Say what is wrong with a policy's name."""
    if NAME.fullmatch(name):
        return []
    return ["Two to forty small letters, digits and underscores, beginning with a letter: change_freeze."]


def data_problems(data: object) -> list[str]:
    """Say what is wrong with a policy's data."""
    if not isinstance(data, Mapping):
        return ['The data is a JSON object: {"services": ["payments"]}.']
    try:
        size = len(canonical_json(dict(data)))
    except ValueError as error:
        return [f"JSON cannot say this exactly: {error}."]
    return [f"{size} bytes; at most {DATA_BYTES} are kept."] if size > DATA_BYTES else []


def rego_problems(*, name: str, rego: str, data: Mapping[str, Any], tenant: str) -> list[str]:
    """Say what is wrong with a policy's text, in the engine's own words where it has any. Runs it on samples."""
    if not rego.strip():
        return ["Write the rules, or choose a file."]
    if "\x00" in rego or (not rego.isprintable() and not _is_text(rego)):
        return ["This is not text."]
    size = len(rego.encode())
    if size > REGO_BYTES:
        return [f"{size} bytes; at most {REGO_BYTES} are kept."]
    return _compile_problems(name, rego, tenant) or _trial_problems(name, rego, data, tenant)


def _is_text(rego: str) -> bool:
    return all(letter.isprintable() or letter in "\n\r\t" for letter in rego)


def _compile_problems(name: str, rego: str, tenant: str) -> list[str]:
    file, package = f"{PACKAGE}/{name}.rego", f"data.{PACKAGE}.{name}"
    files = {file: rego, SHARED_FILE: policy_bundle().files[SHARED_FILE]}
    try:
        found = SANDBOX.ask({"op": "inspect", "files": files}, seconds=COMPILE_SECONDS, tenant=tenant)
    except EngineFailure as failure:
        return [f"The engine does not accept this: {failure}"]
    if used := sorted({*FORBIDDEN, *_COMPUTED} & set(found["references"][file])):
        return [f"{', '.join(used)}: rules answer from their input alone."]
    if found["packages"][file] != package:
        return [f"The first line must be `package {PACKAGE}.{name}`."]
    if f"{package}.deny" not in found["rules"][file]:
        return ['There is no `deny contains {"code": …, "message": …} if …`: rules of your own can only deny.']
    return []


def _trial_problems(name: str, rego: str, data: Mapping[str, Any], tenant: str) -> list[str]:
    rules = TenantRules((OwnRules(name, 0, digest_of(rego, data), rego, data),))
    problems = []
    for action in RESOURCES:
        try:
            (said,) = reasons_of(rules, [sample(action)], tenant=tenant)
        except EngineFailure as failure:
            return [f"Tried on a sample of {action}: {failure} (they have {SECONDS:g} s)."]
        if isinstance(said, EngineFailure):
            problems.append(f"Tried on a sample of {action}: {said}")
    return problems


def checked(*, name: str, rego: str, data: object, tenant: str) -> dict[str, Any]:
    """Return the data of an upload that may be kept; raise Invalid naming every field at fault."""
    fields = {"name": name_problems(name), "data": data_problems(data)}
    if not any(fields.values()):
        assert isinstance(data, Mapping)
        fields["rego"] = rego_problems(name=name, rego=rego, data=data, tenant=tenant)
    if faults := {field: why for field, why in fields.items() if why}:
        raise Invalid("These rules were not kept.", fields=faults)
    assert isinstance(data, Mapping)
    return dict(data)
