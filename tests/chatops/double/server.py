"""The double's HTTP: tokens, argument checks, injected faults and limits, and a record of every request."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from slack_sdk.errors import SlackObjectFormationError

from tests.chatops import blocks
from tests.chatops.double import document
from tests.chatops.double.methods import METHODS
from tests.chatops.double.socket import SocketMode, accept_key
from tests.chatops.double.state import SlackError, Workspace

CLIENT_ID, CLIENT_SECRET = "1234.5678", "client-secret"
JSON_ARGUMENTS = {"view", "blocks", "attachments", "metadata"}
RESPONSE_USES = 5


@dataclass(frozen=True)
class Call:
    """One request that the double has seen, and how it was answered."""

    method: str
    arguments: dict[str, Any]
    team_id: str
    status: int
    answer: dict[str, Any]


@dataclass
class Fault:
    """An answer that is given in place of the real one, to the next `times` calls that it is for."""

    method: str
    times: int
    error: str = ""
    retry_after: int = 0
    where: Callable[[dict[str, Any]], bool] = lambda arguments: True


@dataclass
class SlackDouble:
    """Slack for one test: `workspaces` by token; `calls` is what it was asked."""

    url: str = ""
    workspaces: dict[str, Workspace] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    """What Slack's types or limits would have refused. A test that ends with any fails."""
    codes: dict[str, dict[str, Any]] = field(default_factory=dict)
    socket: SocketMode = field(default_factory=SocketMode)
    _faults: list[Fault] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def install(self, team_id: str, *, token: str = "", users: tuple[str, ...] = ()) -> Workspace:
        """Add a workspace in which the app is installed."""
        made = Workspace(team_id, token or f"xoxb-{team_id}")
        made.users = {each: {"id": each, "profile": {"email": f"{each.lower()}@example.test"}} for each in users}
        self.workspaces[made.token] = made
        return made

    def fail(self, method: str, error: str, *, times: int = 1, where: Any = None) -> None:
        """Refuse the next calls with this error."""
        self._faults.append(Fault(method, times, error=error, **({"where": where} if where else {})))

    def limit(self, method: str, *, retry_after: int, times: int = 1, where: Any = None) -> None:
        """Answer the next calls 429 with Retry-After."""
        self._faults.append(Fault(method, times, retry_after=retry_after, **({"where": where} if where else {})))

    def issue_code(self, code: str, answer: dict[str, Any]) -> None:
        """Have `oauth.v2.access` exchange this code, once."""
        self.codes[code] = answer

    def called(self, method: str) -> list[dict[str, Any]]:
        """Return the arguments of every call of the method that Slack took, oldest first."""
        return [call.arguments for call in self.calls if call.method == method and call.answer.get("ok")]

    def handle(self, method: str, arguments: dict[str, Any], token: str) -> tuple[int, dict[str, str], dict[str, Any]]:
        """Answer one call as Slack does: 200 with ok true or false, or 429."""
        with self._lock:
            status, headers, answer = self._answer(method, arguments, token)
            team = self.workspaces[token].team_id if token in self.workspaces else ""
            self.calls.append(Call(method, arguments, team, status, answer))
            return status, headers, answer

    def _answer(self, method: str, arguments: dict[str, Any], token: str) -> tuple[int, dict[str, str], dict[str, Any]]:
        if fault := self._fault(method, arguments):
            if fault.retry_after:
                return 429, {"Retry-After": str(fault.retry_after)}, {"ok": False, "error": "ratelimited"}
            return 200, {}, {"ok": False, "error": fault.error}
        if method == "apps.connections.open":  # newer than the document
            return 200, {}, self._open_connection(token)
        if not document.knows(method):
            return 200, {}, {"ok": False, "error": "unknown_method", "req_method": method}
        try:
            return 200, {}, {**document.example(method), **self._do(method, arguments, token), "ok": True}
        except SlackError as refused:
            return 200, {}, {"ok": False, "error": refused.error, **refused.more}

    def _do(self, method: str, arguments: dict[str, Any], token: str) -> dict[str, Any]:
        if wrong := document.complaints(method, arguments):
            self.violations += [f"{method}: {each}" for each in wrong]
            raise SlackError("invalid_arguments", response_metadata={"messages": wrong})
        if method == "oauth.v2.access":
            return self._exchange(arguments)
        workspace = self.workspaces.get(token)
        if workspace is None:
            raise SlackError("invalid_auth" if token else "not_authed")
        if workspace.revoked:
            raise SlackError("token_revoked")
        self._check_shown(method, arguments)
        return METHODS[method](workspace, arguments)

    def _open_connection(self, token: str) -> dict[str, Any]:
        if token not in self.socket.app_tokens:
            return {"ok": False, "error": "invalid_auth"}
        address = self.url.replace("http://", "ws://").removesuffix("api/")
        return {"ok": True, "url": f"{address}link/?ticket={self.socket.ticket()}"}

    def _exchange(self, arguments: dict[str, Any]) -> dict[str, Any]:
        if (arguments.get("client_id"), arguments.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            raise SlackError("bad_client_secret")
        granted = self.codes.pop(arguments["code"], None)
        if granted is None:
            raise SlackError("invalid_code")
        return granted

    def _check_shown(self, method: str, arguments: dict[str, Any]) -> None:
        try:
            if view := arguments.get("view"):
                blocks.check_view(view)
                self._hold_to_schema(view)
            if shown := arguments.get("blocks"):
                blocks.check_message({"text": arguments.get("text") or "x", "blocks": shown})
                self._hold_to_schema({"blocks": shown})
        except (AssertionError, KeyError, TypeError, SlackObjectFormationError) as wrong:
            self.violations.append(f"{method}: {wrong!r}")
            raise SlackError("invalid_arguments" if "view" in arguments else "invalid_blocks") from wrong

    def _hold_to_schema(self, shown: dict[str, Any]) -> None:
        found = list(blocks.schema_complaints(shown))
        assert not found, found

    def _fault(self, method: str, arguments: dict[str, Any]) -> Fault | None:
        for fault in self._faults:
            if fault.method == method and fault.times > 0 and fault.where(arguments):
                fault.times -= 1
                return fault
        return None

    def respond(self, path: str, message: dict[str, Any]) -> int:
        """Take what is posted to a response URL, `/response/<team>/<name>`; 404 when it is used up."""
        team = path.split("/")[2]
        with self._lock:
            for workspace in self.workspaces.values():
                if workspace.team_id == team:
                    uses = sum(1 for used, _ in workspace.responses if used == path)
                    if uses >= RESPONSE_USES:
                        return 404
                    workspace.responses.append((path, message))
                    if message.get("blocks"):
                        self._note(message)
                    return 200
        return 404

    def _note(self, message: dict[str, Any]) -> None:
        try:
            blocks.check_message(message)
            self._hold_to_schema(message)
        except AssertionError as wrong:
            self.violations.append(f"response_url: {wrong}")


@contextmanager
def running_double() -> Iterator[SlackDouble]:
    """Run a double on a free loopback port; `url` ends with a slash, as SLACK_API_URL does."""
    double = SlackDouble()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """Upgrade to a WebSocket, for `/link/?ticket=…` alone."""
            self.close_connection = True
            ticket = self.path.partition("ticket=")[2]
            if not self.path.startswith("/link/") or self.headers.get("Upgrade", "").lower() != "websocket":
                self._send(404, {}, b"")
                return
            self.send_response(101, "Switching Protocols")
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "Upgrade")
            self.send_header("Sec-WebSocket-Accept", accept_key(self.headers["Sec-WebSocket-Key"]))
            self.end_headers()
            double.socket.serve(self.connection, ticket)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            arguments = _arguments(body, self.headers.get("Content-Type", ""))
            if self.path.startswith("/response/"):
                self._send(double.respond(self.path, arguments), {}, b"ok")
                return
            token = self.headers.get("Authorization", "").removeprefix("Bearer ") or arguments.pop("token", "")
            status, headers, answer = double.handle(self.path.removeprefix("/api/"), arguments, token)
            self._send(status, headers, json.dumps(answer).encode())

        def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: Any) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    double.url = f"http://127.0.0.1:{server.server_port}/api/"
    try:
        yield double
    finally:
        for session in list(double.socket.sessions):
            session.end()
        server.shutdown()
        server.server_close()
        thread.join()


def _arguments(body: bytes, content_type: str) -> dict[str, Any]:
    """Return a call's arguments; Slack takes forms and JSON, and nested values as JSON in a form's field."""
    if content_type.startswith("application/json"):
        loaded: dict[str, Any] = json.loads(body or b"{}")
        return loaded
    fields: dict[str, Any] = dict(parse_qsl(body.decode(), keep_blank_values=True))
    for name in JSON_ARGUMENTS & set(fields):
        fields[name] = json.loads(fields[name])
    return fields
