"""An MCP client of a few lines, so that what is measured is the server: JSON-RPC lines over pipes."""

import json
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from benchmarks.figures import Failed
from benchmarks.process import PATIENCE, environment, last_line

REVISION = "2025-06-18"


class Client:
    """A session with the server that `command` starts; it is initialized when this is made.

    `start_seconds` is the time from the start of the process to the answer of `initialize`. A server that
    ends, says an error or is silent for PATIENCE seconds raises Failed with what it said last.
    """

    def __init__(self, command: Sequence[str], patience: float = PATIENCE) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the client
        self._last_id = 0
        begin = time.perf_counter()
        self._child = subprocess.Popen(
            command, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors
        )
        self._watchdog = threading.Timer(patience, self._child.kill)
        self._watchdog.daemon = True
        self._watchdog.start()
        try:
            about = {"name": "benchmarks", "version": "1"}
            hello = {"protocolVersion": REVISION, "capabilities": {}, "clientInfo": about}
            self.server = self.request("initialize", hello)
            self.start_seconds = time.perf_counter() - begin
            self.notify("notifications/initialized", {})
        except BaseException:
            self.close()
            raise

    def send(self, method: str, params: dict[str, Any]) -> int:
        """Send a request; returns its id."""
        self._last_id += 1
        self._write({"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params})
        return self._last_id

    def notify(self, method: str, params: dict[str, Any]) -> None:
        self._write({"jsonrpc": "2.0", "method": method, "params": params})

    def request(self, method: str, params: dict[str, Any]) -> Any:
        """The result of a request. Notifications are passed over; so are answers to what was cancelled."""
        id = self.send(method, params)
        assert self._child.stdout is not None
        for line in self._child.stdout:
            message = json.loads(line)
            if message.get("id") == id:
                if "error" in message:
                    raise Failed(f"{method}: {message['error']}")
                return message["result"]
        raise Failed(f"the server ended before it answered {method}: {self._said()}")

    def call(self, tool: str, **arguments: Any) -> str:
        """The text that a tool answers with."""
        result = self.request("tools/call", {"name": tool, "arguments": arguments})
        text: str = result["content"][0]["text"]
        if result.get("isError"):
            raise Failed(f"{tool}: {text}")
        return text

    def close(self) -> None:
        """End the input, which ends a server; then make sure of it."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        try:
            self._child.stdin.close()
        except OSError:
            pass  # it has ended
        try:
            self._child.wait(5)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._watchdog.cancel()
        self._child.stdout.close()
        self._errors.close()

    def _write(self, message: dict[str, Any]) -> None:
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(json.dumps(message).encode() + b"\n")
            self._child.stdin.flush()
        except OSError:
            raise Failed(f"the server ended: {self._said()}") from None

    def _said(self) -> str:
        self._child.kill()
        self._child.wait()
        self._errors.seek(0)
        return last_line(self._errors.read())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
