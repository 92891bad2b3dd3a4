"""The tables hold every function and resource of the WIT files of wasi 0.2.12."""

import re
from pathlib import Path

import pytest

from pywrt.api import Engine
from pywrt.canonical_abi.handles import HostResource
from pywrt.component.linker import Linker
from pywrt.errors import LinkError
from pywrt.wasi.preview2 import VERSION, WasiCtx, add_to_linker, interfaces

WIT = Path(__file__).resolve().parents[3] / "shared" / "suites" / "wit" / "wasi-0.2.12"

#: Interfaces that a component exports.
EXPORTED = {"wasi:cli/run", "wasi:http/incoming-handler"}

_TOKEN = re.compile(
    r"(?P<interface>interface\s+(?P<iname>[\w-]+)\s*\{)"
    r"|(?P<resource>resource\s+(?P<rname>[\w-]+)\s*(?P<open>[{;]))"
    r"|(?P<constructor>constructor\s*\()"
    r"|(?P<func>%?(?P<fname>[\w-]+)\s*:\s*(?P<static>static\s+)?func\b)"
    r"|(?P<brace>[{}])"
)


def declared(directory: Path) -> dict[str, set[str]]:
    """The names that each interface of a WIT package declares, as a component imports them."""
    found: dict[str, set[str]] = {}
    for path in sorted(directory.glob("*.wit")):
        text = re.sub(r"//[^\n]*", "", path.read_text())
        names: set[str] = set()
        depth, resource, resource_depth = 0, "", 0
        for token in _TOKEN.finditer(text):
            if token["interface"]:
                names = found.setdefault(f"wasi:{directory.name}/{token['iname']}", set())
                depth += 1
            elif token["resource"]:
                names.add(token["rname"])
                if token["open"] == "{":
                    depth += 1
                    resource, resource_depth = token["rname"], depth
            elif token["constructor"]:
                names.add(f"[constructor]{resource}")
            elif token["func"]:
                kind = "static" if token["static"] else "method"
                names.add(f"[{kind}]{resource}.{token['fname']}" if resource else token["fname"])
            else:
                depth += 1 if token["brace"] == "{" else -1
                if depth < resource_depth:
                    resource, resource_depth = "", 0
    return {name: names for name, names in found.items() if name not in EXPORTED}


@pytest.mark.parametrize("package", ["cli", "clocks", "filesystem", "http", "io", "random", "sockets"])
def test_tables_hold_what_the_wit_package_declares(package: str) -> None:
    if not WIT.is_dir():
        pytest.skip(f"the WIT files of wasi 0.2.12 are not at {WIT}")
    tables = interfaces(WasiCtx())
    expected = declared(WIT / package)
    assert {name for name in tables if name.startswith(f"wasi:{package}/")} == set(expected)
    for name, members in expected.items():
        assert members <= set(tables[name]), name
        functions = {member for member, item in tables[name].items() if not isinstance(item, HostResource)}
        assert functions <= members, name


def test_tables_give_one_resource_type_for_one_name() -> None:
    resources: dict[str, set[HostResource]] = {}
    for table in interfaces(WasiCtx()).values():
        for name, item in table.items():
            if isinstance(item, HostResource):
                resources.setdefault(name, set()).add(item)
    assert {name for name, items in resources.items() if len(items) != 1} == set()
    assert {"input-stream", "output-stream", "pollable", "error", "descriptor"} <= set(resources)


def test_add_to_linker_defines_each_interface_once_under_the_version() -> None:
    linker = Linker(Engine())
    add_to_linker(linker, WasiCtx())
    with linker.root() as root:
        for name, table in interfaces(WasiCtx()).items():
            with root.add_instance(f"{name}@{VERSION}") as instance:
                for member in table:
                    with pytest.raises(LinkError, match=re.escape(f"`{member}` is defined twice")):
                        instance.add_func(member, lambda: None)
