"""A loopback server that speaks the part of OPA's Data API that Conductor uses. For tests only.

    python opa_server.py BUNDLE {double|real}

`double` is ours: it evaluates with regorus, and is no OPA. `real` evaluates with OPA itself, through its Go library
(package opa-golib-python-bindings), and only the HTTP round it is ours. Prints its port, serves until it is killed.
"""

from __future__ import annotations

import json
import sys
import tarfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


def double(files: dict[str, str]) -> Any:
    """Return an evaluator by regorus; a new engine for each question, because threads share none."""
    import regorus

    def evaluate(package: str, document: Any) -> Any:
        engine = regorus.Engine()
        for name, text in files.items():
            engine.add_policy(name, text)
        engine.set_input_json(json.dumps(document))
        rows = json.loads(engine.eval_query_as_json(f"x := data.{package}")).get("result", [])
        return rows[0]["bindings"]["x"] if rows else None

    return evaluate


def real(files: dict[str, str]) -> Any:
    """Return an evaluator by OPA."""
    from opa_bindings import OpaEngine, OpaUndefinedError

    engine = OpaEngine()
    for name, text in files.items():
        engine.add_policy(name, text)

    def evaluate(package: str, document: Any) -> Any:
        try:
            return engine.eval_document(package, document)
        except OpaUndefinedError:
            return None

    return evaluate


def main() -> None:
    with tarfile.open(sys.argv[1]) as bundle:
        read = {each.name: bundle.extractfile(each).read().decode() for each in bundle}  # type: ignore[union-attr]
    revision = json.loads(read.pop(".manifest"))["revision"]
    evaluate = {"double": double, "real": real}[sys.argv[2]](read)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16  # one packet an answer: two of them wait for each other's acknowledgement

        def do_POST(self) -> None:
            address = urlsplit(self.path)
            given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer: dict[str, Any] = {}
            try:
                result = evaluate(address.path.removeprefix("/v1/data/").replace("/", "."), given["input"])
                status = 200
                if result is not None:
                    answer["result"] = result
            except Exception as error:  # noqa: BLE001 - OPA answers every failure
                status, answer = 500, {"code": "internal_error", "message": str(error)[:200]}
            if parse_qs(address.query).get("provenance") == ["true"]:
                about = {"version": f"{sys.argv[2]}-1", "bundles": {"conductor": {"revision": revision}}}
                answer["provenance"] = about
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
