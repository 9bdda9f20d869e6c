"""Rules that are not in force: a draft, or files that somebody brings, as the whole that would decide."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from conductor.lib.canonical import canonical_json, sha256_hex
from conductor.lib.errors import Invalid
from conductor.policy.bundle import TEST_SUFFIX, Bundle, bundle_of, policy_bundle
from conductor.policy.engine import EngineFailure, Reason, Verdict, path_of, verdict_of
from conductor.policy.sandbox import SANDBOX
from conductor.policy.tenant_rules import PACKAGE, OwnRules, TenantRules, digest_of, reasons_of

FILES = 40
FILE_BYTES = 256 * 1024
SECONDS = 20.0
"""For one request of at most CHUNK documents."""
CHUNK = 250
_BUILT_IN, _OWN = "data.conductor.", f"data.{PACKAGE}."

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Candidate:
    """The rules that would decide, and which of them are new."""

    built_in: Bundle
    own: TenantRules
    changed: tuple[str, ...]
    """What differs from the rules in force: file names of built-in rules, names of own policies."""

    @property
    def digest(self) -> str:
        """Names the whole: built-in revision, own revision, data."""
        parts = {"built-in": self.built_in.digest, "tenant": self.own.digest, "data": self.own.data_digest}
        return sha256_hex(canonical_json(parts))

    @property
    def changes_built_in(self) -> bool:
        return self.built_in.digest != policy_bundle().digest

    @property
    def changed_own(self) -> list[OwnRules]:
        """The own policies that are new, by name."""
        return [each for each in self.own.policies if each.name in self.changed]

    def as_json(self) -> dict[str, Any]:
        """Return what `candidate_from_json` reads. The built-in files only where they differ."""
        return {
            "built_in": dict(self.built_in.files) if self.changes_built_in else None,
            "own": [dataclasses.asdict(each) for each in self.own.policies],
            "changed": list(self.changed),
        }


def candidate_from_json(kept: Mapping[str, Any]) -> Candidate:
    """Return the candidate of `as_json`; without built-in files those in force are meant."""
    built_in = bundle_of(kept["built_in"]) if kept["built_in"] else policy_bundle()
    return Candidate(built_in, TenantRules(tuple(OwnRules(**each) for each in kept["own"])), tuple(kept["changed"]))


def candidate_with(policy: OwnRules, *, in_force: TenantRules) -> Candidate:
    """Return the rules in force with `policy` in the place of the active one of its name."""
    return Candidate(policy_bundle(), _with(in_force, [policy]), (policy.name,))


def candidate_of_files(
    files: Mapping[str, str], *, data: Mapping[str, Any], in_force: TenantRules, tenant: str
) -> Candidate:
    """Return the rules in force with `files` (name to Rego text) in the place of those of the same package.

    `package conductor.…` takes the place of a built-in file, `package tenant.<name>` of an own policy, which reads
    `data[<name>]`. Tests are left out. Raise Invalid, in the engine's words, for what does not compile together.
    """
    rules = {name: text for name, text in files.items() if not name.endswith(TEST_SUFFIX)}
    _refuse_size(rules)
    packages = _packages(rules, tenant)
    built_in, own = dict(policy_bundle().files), []
    names = {package: name for name, package in _packages(built_in, tenant).items()}
    for name, text in rules.items():
        package = packages[name]
        if package.startswith(_OWN) and "." not in package.removeprefix(_OWN):
            short = package.removeprefix(_OWN)
            given = dict(data.get(short, {}))
            own.append(OwnRules(short, 0, digest_of(text, given), text, given))
        elif package.startswith(_BUILT_IN):
            built_in[names.get(package, name)] = text
        else:
            raise Invalid(fields={"files": [f"{name}: the package is neither conductor.… nor {PACKAGE}.<name>."]})
    _packages(built_in, tenant)
    changed = [name for name, text in built_in.items() if policy_bundle().files.get(name) != text]
    return Candidate(bundle_of(built_in), _with(in_force, own), (*changed, *(each.name for each in own)))


def verdicts(candidate: Candidate, documents: Sequence[Document], *, tenant: str) -> list[Verdict | EngineFailure]:
    """Return what the candidate says of each document: its built-in rules, restricted by its own ones."""
    answers = built_in_verdicts(candidate.built_in, documents, tenant=tenant)
    if not candidate.own.policies:
        return answers
    allowed = [number for number, answer in enumerate(answers) if isinstance(answer, Verdict) and answer.allow]
    if allowed:
        said = own_reasons(candidate.own, [documents[number] for number in allowed], tenant=tenant)
        for number, reasons in zip(allowed, said, strict=True):
            failed = isinstance(reasons, EngineFailure)
            answers[number] = reasons if failed else Verdict(not reasons, reasons)  # type: ignore[arg-type, assignment]
    return answers


def own_reasons(
    own: TenantRules, documents: Sequence[Document], *, tenant: str
) -> list[tuple[Reason, ...] | EngineFailure]:
    """Return what own policies alone say of each document."""
    return [
        answer
        for start in range(0, len(documents), CHUNK)
        for answer in reasons_of(own, documents[start : start + CHUNK], tenant=tenant, seconds=SECONDS)
    ]


def built_in_verdicts(bundle: Bundle, documents: Sequence[Document], *, tenant: str) -> list[Verdict | EngineFailure]:
    """Return what the built-in rules of `bundle` alone say of each document. One question per action."""
    answers: dict[int, Verdict | EngineFailure] = {}
    numbered = sorted(enumerate(documents), key=lambda each: str(each[1].get("action")))
    for action, group in groupby(numbered, key=lambda each: str(each[1].get("action"))):
        some = list(group)
        for (number, _), answer in zip(some, _asked(bundle, action, [each for _, each in some], tenant), strict=True):
            answers[number] = answer
    return [answers[number] for number in range(len(documents))]


def _asked(bundle: Bundle, action: str, documents: list[Document], tenant: str) -> list[Verdict | EngineFailure]:
    try:
        path = path_of(action)
    except EngineFailure as failure:
        return [failure] * len(documents)
    query = f"allow := {path}.allow; deny := {path}.deny"
    request = {"op": "query", "key": bundle.digest, "files": bundle.files, "data": {}, "query": query}
    answers: list[Verdict | EngineFailure] = []
    for start in range(0, len(documents), CHUNK):
        asked = {**request, "documents": documents[start : start + CHUNK]}
        answers += [_verdict(each) for each in SANDBOX.ask(asked, seconds=SECONDS, tenant=tenant)["answers"]]
    return answers


def _verdict(answer: Mapping[str, Any]) -> Verdict | EngineFailure:
    if "error" in answer:
        return EngineFailure(answer["error"])
    try:
        return verdict_of(answer["bindings"])
    except EngineFailure as failure:
        return failure


def _with(in_force: TenantRules, own: Sequence[OwnRules]) -> TenantRules:
    by_name = {each.name: each for each in (*in_force.policies, *own)}
    return TenantRules(tuple(by_name[name] for name in sorted(by_name)))


def _packages(files: Mapping[str, str], tenant: str) -> dict[str, str]:
    try:
        found = SANDBOX.ask({"op": "inspect", "files": dict(files)}, seconds=SECONDS, tenant=tenant)
    except EngineFailure as failure:
        raise Invalid(fields={"files": [f"The engine does not accept this: {failure}"]}) from failure
    packages: dict[str, str] = found["packages"]
    return packages


def _refuse_size(files: Mapping[str, str]) -> None:
    if not files:
        raise Invalid(fields={"files": ["Bring at least one file of rules."]})
    if len(files) > FILES or sum(len(text.encode()) for text in files.values()) > FILE_BYTES:
        raise Invalid(fields={"files": [f"At most {FILES} files of {FILE_BYTES} bytes together."]})
