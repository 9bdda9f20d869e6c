"""The process that evaluates rules which people uploaded: it holds no secret, and dies when it takes too long.

Run by conductor.policy.sandbox as `python -m conductor.policy.sandbox_child`; imports no Django. Messages on standard
input and output are a length of four bytes, big endian, and JSON. A request is

    {"op": "inspect", "files"}                           -> {"packages": {file: package}, "rules": {file: [name]},
                                                                   "references": {file: [name]}}
    {"op": "test", "files"}                              -> {"tests": [...], "coverage": [...]}
    {"op": "query", "key", "files", "data", "query", "documents", "seconds"}  -> {"answers": [{"bindings"} | {"error"}]}

and any of them may be answered by {"error": what the engine said}.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import resource
import signal
import struct
import sys
from typing import Any, BinaryIO

import regorus

from conductor.policy.engine import without_backtrace
from conductor.policy.opatest import rules_by_file, run_tests
from conductor.policy.references import references

HEADER = struct.Struct(">I")
MEMORY_BYTES = 512 << 20
"""What evaluating may take beyond what is reserved at the start: the engine's allocator alone reserves a gigabyte."""
ANSWER_BYTES = 8 << 20
_KEPT_ENGINES = 8


def main() -> None:
    """Answer requests until standard input ends."""
    _confine()
    engines: dict[str, Any] = {}
    _write(sys.stdout.buffer, {"ready": True})
    while (request := _read(sys.stdin.buffer)) is not None:
        # The default action of SIGALRM ends the process, inside of the engine too, should the parent be gone.
        signal.setitimer(signal.ITIMER_REAL, 2 * float(request["seconds"]))
        answer = _answer(request, engines)
        signal.setitimer(signal.ITIMER_REAL, 0)
        _write(sys.stdout.buffer, answer)


def _confine() -> None:
    """Bound what an uploaded policy can take: memory, files, core dumps."""
    for limit, value in (
        (resource.RLIMIT_AS, _reserved_bytes() + MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 16),
    ):
        with contextlib.suppress(ValueError, OSError):  # the machine's own limit is lower
            resource.setrlimit(limit, (value, value))


def _reserved_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[0]) * resource.getpagesize()


def _answer(request: dict[str, Any], engines: dict[str, Any]) -> dict[str, Any]:
    try:
        if request["op"] == "inspect":
            return _inspect(request["files"])
        if request["op"] == "test":
            return _test(request["files"])
        return _query(request, engines)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as failure:  # noqa: BLE001 - a panic of the Rust side is no Exception
        engines.clear()
        return {"error": without_backtrace(failure)}


def _inspect(files: dict[str, str]) -> dict[str, Any]:
    packages, rules, named = {}, {}, {}
    for name, text in files.items():
        engine = regorus.Engine()
        packages[name] = engine.add_policy(name, text)
        rules[name] = rules_by_file(engine)[name]
        named[name] = references(engine)
    together = regorus.Engine()
    for name, text in files.items():
        together.add_policy(name, text)
    return {"packages": packages, "rules": rules, "references": named}


def _test(files: dict[str, str]) -> dict[str, Any]:
    report = run_tests(files)
    return {
        "tests": [dataclasses.asdict(test) for test in report.tests],
        "coverage": [dataclasses.asdict(file) for file in report.coverage],
    }


def _query(request: dict[str, Any], engines: dict[str, Any]) -> dict[str, Any]:
    key = request["key"]
    if key not in engines:
        if len(engines) >= _KEPT_ENGINES:
            engines.clear()
        engines[key] = _compiled(request["files"], request["data"])
    return {"answers": [_ask(engines[key], request["query"], document) for document in request["documents"]]}


def _compiled(files: dict[str, str], data: dict[str, Any]) -> Any:
    engine = regorus.Engine()
    for name, text in files.items():
        engine.add_policy(name, text)
    engine.add_data_json(json.dumps(data))
    return engine


def _ask(engine: Any, query: str, document: Any) -> dict[str, Any]:
    engine.set_input_json(json.dumps(document))
    try:
        rows = json.loads(engine.eval_query_as_json(query)).get("result", [])
    except RuntimeError as failure:
        return {"error": without_backtrace(failure)}
    return {"bindings": rows[0]["bindings"] if len(rows) == 1 else None}


def _read(source: BinaryIO) -> dict[str, Any] | None:
    header = source.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    message: dict[str, Any] = json.loads(source.read(HEADER.unpack(header)[0]))
    return message


def _write(sink: BinaryIO, message: dict[str, Any]) -> None:
    body = json.dumps(message).encode()
    if len(body) > ANSWER_BYTES:
        body = json.dumps({"error": "the answer is too large"}).encode()
    sink.write(HEADER.pack(len(body)) + body)
    sink.flush()


if __name__ == "__main__":
    main()
