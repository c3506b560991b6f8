"""The server: HTTP/1.1 on loopback, one thread a connection, moto behind one lock.

moto's own development server closes the connection after every answer and cannot cut one on purpose. AWS's SDKs pool
connections, and a client must survive one that breaks at the worst moment, so this server keeps connections alive and can
reset exactly the one that carries a given request.
"""

from __future__ import annotations

import contextlib
import io
import re
import socket
import struct
import sys
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, cast

from groundwork_aws import admin, hazards, wire
from groundwork_aws.clock import CLOCK
from groundwork_aws.faults import FAULTS
from groundwork_aws.journal import CURRENT, JOURNAL, Call
from groundwork_aws.registry import application, not_found
from groundwork_aws.wire import Answer, Http

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from groundwork_aws.faults import Fault

# moto's backends are plain dictionaries; a lock makes every call atomic. Python runs one thread at a time anyway.
WORLD = threading.RLock()
NEW_ID = re.compile(rb"\b[a-z]+(?:-[a-z]+)*-[0-9a-f]{17}\b")
NAMED_BY_CALLER = {
    "CreateRole": "RoleName",
    "CreatePolicy": "PolicyName",
    "CreateInstanceProfile": "InstanceProfileName",
}


class Reset(Exception):
    """The connection is to be cut without an answer."""


class Exchange:
    """One call on its way through the faults to moto and back."""

    def __init__(self, http: Http) -> None:
        self.http = http
        with WORLD:
            self.call = wire.identify(http)

    def answer(self, send: Callable[[Answer], None]) -> None:
        """Answer the call, or raise `Reset`."""
        call = self.call
        JOURNAL.open(call)
        faults = FAULTS.strike(call)
        call.fault = ",".join(fault.kind for fault in faults) or None
        try:
            answer = self._refusal(faults) or self._act(faults)
            JOURNAL.acted(call, answer.status, wire.error_code(answer))
            for fault in faults:
                if fault.kind == "delay_response":
                    time.sleep(fault.seconds)
                elif fault.kind == "reset_after":
                    raise Reset
            JOURNAL.close(call, answered=True)  # before the client can know, so that it never finds it open
            send(answer)
        except (Reset, OSError):
            JOURNAL.close(call, answered=False)
            raise

    def _refusal(self, faults: list[Fault]) -> Answer | None:
        call = self.call
        for fault in faults:
            match fault.kind:
                case "delay":
                    time.sleep(fault.seconds)
                case "reset_before":
                    raise Reset
                case "throttle" | "denied" | "error":
                    code, status = {"throttle": wire.throttled, "denied": wire.denied}.get(fault.kind, _broken)(call)
                    message = fault.message or f"{fault.kind} on purpose: {call.service}:{call.operation}"
                    return wire.error(call, fault.code or code, message, fault.status or status)
        if refused := wire.bad_credentials(call):
            return refused
        for name in FAULTS.any_hidden():
            # The call that created the thing may be repeated with its token; every other one cannot see it.
            repeats = call.operation.startswith(("Create", "Run", "Allocate"))
            if not repeats and _mentions(call.params, name.removeprefix(f"{call.service}/")):
                return wire.error(call, *not_found(call, name.rpartition("/")[2]))
        return None

    def _act(self, faults: list[Fault]) -> Answer:
        call = self.call
        call.doom = next((fault for fault in faults if fault.kind == "fail_state"), None)
        token = CURRENT.set(call)
        try:
            with WORLD:
                CLOCK.tick()
                answer = _moto(self.http, call)
                hazards.after(call, answer)
        finally:
            CURRENT.reset(token)
        if answer.status < 300:
            for fault in faults:
                self._leave_trace(fault, answer)
        return answer

    def _leave_trace(self, fault: Fault, answer: Answer) -> None:
        named = self.call.params.get(NAMED_BY_CALLER.get(self.call.operation, ""), "")
        if fault.kind == "not_found_after_create":
            born = set(NEW_ID.findall(answer.body)) - set(NEW_ID.findall(repr(self.call.params).encode()))
            FAULTS.hide({name.decode() for name in born} | ({f"{self.call.service}/{named}"} if named else set()), fault.seconds)
        elif fault.kind == "role_not_assumable" and (arn := re.search(rb"<Arn>([^<]+)</Arn>", answer.body)):
            FAULTS.bar(arn[1].decode(), fault.seconds)


def _broken(_: Call) -> tuple[str, int]:
    return "InternalError", 500


def _mentions(params: Any, name: str) -> bool:
    if isinstance(params, dict):
        return any(_mentions(value, name) for value in params.values())
    if isinstance(params, list):
        return any(_mentions(value, name) for value in params)
    return isinstance(params, str) and (params == name or params.endswith("/" + name))


def _moto(http: Http, call: Call) -> Answer:
    """Let moto's application answer."""
    environ = http.environ
    environ["HTTP_X_MOTO_ACCOUNT_ID"] = call.account
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
        started[:] = [int(status.split(" ", 1)[0]), headers]

    try:
        chunks: Iterable[bytes] = application()(environ, start_response)
        body = b"".join(chunks)
        if close := getattr(chunks, "close", None):
            close()
    except NotImplementedError as missing:
        return wire.error(call, "NotImplemented", f"not in the local cloud: {missing}", 501)
    except Exception as crash:  # whatever moto trips over must reach the client as an error of AWS, and stay visible
        import traceback

        traceback.print_exc(file=sys.stderr)
        return wire.error(call, "InternalFailure", f"the local cloud failed: {type(crash).__name__}: {crash}", 500)
    return Answer(started[0], list(started[1]), body)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 300

    def serve(self) -> None:
        """Answer one request."""
        http = Http(self.command, self.path, cast("Mapping[str, str]", self.headers), self._body())
        try:
            if http.path.startswith(admin.PREFIX):
                with WORLD:
                    CLOCK.tick()
                    answer = admin.answer(http)
                self._send(answer)
                return
            http.environ = self._environ(http)
            Exchange(http).answer(self._send)
        except Reset:
            self._cut()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = serve  # noqa: N815 - http.server's names

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def _environ(self, http: Http) -> dict[str, Any]:
        host, port = cast("tuple[str, int]", self.server.server_address)
        environ: dict[str, Any] = {
            "REQUEST_METHOD": http.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": _unquoted(http.path),
            "QUERY_STRING": http.query,
            "REQUEST_URI": http.target,
            "RAW_URI": http.target,
            "SERVER_NAME": host,
            "SERVER_PORT": str(port),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": self.client_address[0],
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(http.body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in http.headers.items():
            key = name.upper().replace("-", "_")
            if key not in ("CONTENT_TYPE", "CONTENT_LENGTH", "TRANSFER_ENCODING"):
                key = f"HTTP_{key}"
            environ[key] = f"{environ[key]},{value}" if key in environ else value
        environ.pop("TRANSFER_ENCODING", None)
        environ["CONTENT_LENGTH"] = str(len(http.body))
        return environ

    def _send(self, answer: Answer) -> None:
        status = answer.status
        try:
            reason = HTTPStatus(status).phrase
        except ValueError:
            reason = ""
        lines = [f"HTTP/1.1 {status} {reason}"]
        length = len(answer.body)
        for name, value in answer.headers:
            if name.lower() == "content-length":
                length = int(value) if self.command == "HEAD" else length
            elif name.lower() not in ("connection", "transfer-encoding", "status"):
                lines.append(f"{name}: {value}")
        if status >= 200 and status != HTTPStatus.NO_CONTENT:
            lines.append(f"Content-Length: {length}")
        if self.close_connection:
            lines.append("Connection: close")
        head = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
        self.wfile.write(head if self.command == "HEAD" else head + answer.body)
        self.wfile.flush()

    def _cut(self) -> None:
        """End the connection with a TCP reset: with a linger time of 0, `close` sends RST."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def finish(self) -> None:
        """A connection that has been cut has nothing left to flush."""
        with contextlib.suppress(OSError, ValueError):
            super().finish()

    def log_message(self, *_: Any) -> None:
        """The journal is the log."""


def _unquoted(path: str) -> str:
    from urllib.parse import unquote_to_bytes

    return unquote_to_bytes(path).decode("latin-1")


class Server(ThreadingHTTPServer):
    """The local cloud's AWS."""

    daemon_threads = True
    request_queue_size = 256

    def shutdown_request(self, request: Any) -> None:
        """A connection that has been cut is closed already."""
        with contextlib.suppress(OSError):
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is its own affair; anything else is ours."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)
