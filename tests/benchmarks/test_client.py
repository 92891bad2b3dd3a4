"""The raw client, against servers of a few lines and the native one."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.client import REVISION, Client
from benchmarks.figures import Failed
from benchmarks.process import python
from benchmarks.server import native

#: Answers initialize; `handle` has the rest.
SERVER = """
import json, sys
def send(**message):
    print(json.dumps({{"jsonrpc": "2.0", **message}}), flush=True)
def handle(method, id, params):
{handler}
for line in sys.stdin:
    request = json.loads(line)
    method, id = request["method"], request.get("id")
    if method == "initialize":
        send(id=id, result={{"protocolVersion": request["params"]["protocolVersion"]}})
    elif id is not None:
        handle(method, id, request["params"])
"""

Start = Callable[..., Client]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Starts a server whose `handle` has the given body."""

    def server(handler: str, patience: float = 30) -> Client:
        script = tmp_path / "server.py"
        script.write_text(SERVER.format(handler="\n".join(f"    {line}" for line in handler.splitlines())))
        return Client(python(str(script)), patience)

    return server


def test_client_initializes_and_passes_over_notifications_and_other_answers(start: Start) -> None:
    handler = """
send(method="notifications/message", params={})
send(id=id + 100, result="another's")
send(id=id, result={"content": [{"type": "text", "text": params["name"]}]})"""
    with start(handler) as client:
        assert client.server == {"protocolVersion": REVISION}
        assert client.call("calc", expression="1") == "calc"


def test_client_error_answer_fails(start: Start) -> None:
    handler = "send(id=id, error={'code': -32601, 'message': 'no method'})"
    with start(handler) as client, pytest.raises(Failed, match=r"nope: .*no method"):
        client.request("nope", {})


def test_client_tool_error_fails_with_its_text(start: Start) -> None:
    handler = "send(id=id, result={'isError': True, 'content': [{'type': 'text', 'text': 'no such sum'}]})"
    with start(handler) as client, pytest.raises(Failed, match="calc: no such sum"):
        client.call("calc")


def test_client_server_that_ends_fails_with_its_last_words(start: Start) -> None:
    with start("raise ValueError('broken')") as client:
        with pytest.raises(Failed, match="ended before it answered ping: ValueError: broken"):
            client.request("ping", {})
        with pytest.raises(Failed, match="ValueError: broken"):
            client.request("ping", {})


def test_client_silent_server_is_given_up(start: Start) -> None:
    with start("pass", patience=1.5) as client, pytest.raises(Failed, match="ended before it answered ping"):
        client.request("ping", {})


def test_client_server_that_cannot_start_fails() -> None:
    with pytest.raises(Failed, match="No module named 'no_such_module'"):
        Client(python("-c", "import no_such_module"))


@pytest.mark.skipif(
    importlib.util.find_spec("mcp") is None, reason="the extra `interop` (the mcp library) is not installed"
)
def test_native_server_calculates() -> None:
    with Client(native()) as client:
        assert client.server["serverInfo"]["name"] == "native"
        assert client.call("calc", expression="2+3") == "5"
        assert client.call("calc", expression="2 * (7 - 1) / 8") == "1.5"
        with pytest.raises(Failed, match="Error executing tool calc"):
            client.call("calc", expression="__import__('os')")
