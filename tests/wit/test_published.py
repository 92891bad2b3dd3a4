"""Every WIT file of the suites and of the shared components: what is accepted, what is refused, and why."""

from pathlib import Path

import pytest

from pywrt.errors import InvalidError, MalformedError
from pywrt.wit.folder import read_dependencies, read_package, resolve_folder
from pywrt.wit.parser import parse_wit
from pywrt.wit.printer import print_package
from pywrt.wit.resolver import resolve
from pywrt.wit.syntax import Scope, TypeDef

SHARED = Path(__file__).resolve().parents[3] / "shared"
SUITES, COMPONENTS = SHARED / "suites/wit", SHARED / "components/wit"
FILES = sorted(path for root in (SUITES, COMPONENTS) for path in root.rglob("*.wit"))
FOLDERS = sorted({path.parent for path in FILES})

pytestmark = pytest.mark.skipif(
    not FILES, reason=f"needs the published WIT in {SHARED}: see suites/README.md there"
)

#: `types.protocol-version`, a path in the place of a type: never was WIT.
NOT_WIT = "preview2-server-protocol-faithful.wit"
PUBLISHED, PREVIEW2 = SUITES / "pulseengine-wasi-mcp/wit", SUITES / "pulseengine-wasi-mcp/wit/preview2"
WASI_0_2_3, WASI_0_2_0 = COMPONENTS / "wasi-mcp-buildable/deps", COMPONENTS / "mcp-server-world/deps"


def shown(path: Path) -> str:
    return str(path.relative_to(SHARED))


def dependencies(folder: Path) -> list[Path]:
    """The folder beside which a package's dependencies stand."""
    beside = folder.parent.name == "deps" or folder.parent.name.startswith("wasi-0.")
    return [folder.parent] if beside else []


#: What the folder lacks, or breaks, as it is published.
REFUSED = {
    "suites/wit/pulseengine-wasi-mcp/archive": (MalformedError, "unexpected `.`, expected `,` or `}`"),
    "suites/wit/pulseengine-wasi-mcp/wit": (InvalidError, "package `wasi:io@0.2.3` is not here"),
    "suites/wit/pulseengine-wasi-mcp/wit/preview2": (InvalidError, "package `wasi:clocks@0.2.0` is not here"),
    "suites/wit/wasi-mcp-v1/wit": (InvalidError, "package `wasi:io@0.2.0` is not here"),
    "suites/wit/wasmcp/spec/2025-11-25/wit": (InvalidError, "package `wasi:io@0.2.8` is not here"),
}


@pytest.mark.parametrize("path", FILES, ids=shown)
def test_published_file_parses_and_prints_to_the_same(path: Path) -> None:
    if path.name == NOT_WIT:
        with pytest.raises(MalformedError, match=r"unexpected `\.`, expected `,` or `}`"):
            parse_wit(path.read_bytes(), str(path))
        return
    tree = parse_wit(path.read_bytes(), str(path))
    assert parse_wit(print_package(tree)) == tree


@pytest.mark.parametrize("folder", FOLDERS, ids=shown)
def test_published_folder_resolves_or_is_refused_with_the_reason(folder: Path) -> None:
    refused = REFUSED.get(shown(folder))
    if refused is not None:
        with pytest.raises(refused[0]) as caught:
            resolve_folder(folder, dependencies(folder))
        assert refused[1] in str(caught.value)
        return
    wit = resolve_folder(folder, dependencies(folder))
    others = [p.syntax for p in wit.packages.values() if p is not wit.package]
    whole = parse_wit(print_package(wit.package.syntax, others))
    again = resolve([whole])
    assert list(again.packages) == list(wit.packages)
    assert again.package.syntax == wit.package.syntax
    for name, world in wit.package.worlds.items():
        assert list(again.package.worlds[name].imports) == list(world.imports)
        assert list(again.package.worlds[name].exports) == list(world.exports)


def empty_records(folder: Path) -> list[str]:
    return [
        item.name
        for tree in read_package(folder)
        for scope in tree.items
        if isinstance(scope, Scope)
        for item in scope.items
        if isinstance(item, TypeDef) and item.kind == "record" and not item.members
    ]


def test_published_wasi_mcp_is_refused_for_three_empty_records() -> None:
    assert empty_records(PUBLISHED) == [
        "completions-capability",
        "sampling-capability",
        "elicitation-capability",
    ]
    with pytest.raises(InvalidError, match="record `completions-capability` has no fields") as caught:
        resolve_folder(PUBLISHED, [WASI_0_2_3])
    assert (caught.value.file, caught.value.line) == (str(PUBLISHED / "capabilities.wit"), 49)


def test_published_wasi_mcp_resolves_with_fields_in_its_empty_records() -> None:
    files = []
    for path in sorted(PUBLISHED.glob("*.wit")):
        text = path.read_text()
        for name in empty_records(PUBLISHED):
            head, found, rest = text.partition(f"record {name} {{")
            text = head + found + (" unused: bool," if found else "") + rest
        files.append(parse_wit(text, str(path)))
    wit = resolve(files, [*read_dependencies(WASI_0_2_3), *read_dependencies(PUBLISHED / "deps")])
    assert wit.package.name == "wasi:mcp@0.1.0"
    assert "wasi:mcp/runtime@0.1.0" in wit.package.worlds["mcp-backend"].imports


def test_published_preview2_is_refused_for_two_missing_interfaces_and_gates_above_its_version() -> None:
    added = ""
    missing = []
    files = read_package(PREVIEW2)
    dependencies = read_dependencies(COMPONENTS / "wasi-mcp-preview2-buildable/deps")
    for _ in range(2):
        extra = [parse_wit(added, "added.wit")] if added else []
        with pytest.raises(InvalidError, match="has no interface") as caught:
            resolve([*files, *extra], dependencies)
        name = caught.value.message.split("no interface `")[1].split("`")[0]
        missing.append(name)
        added += f"interface {name} {{ type x = u8; }} "
    assert sorted(missing) == ["capabilities", "content"]
    with pytest.raises(InvalidError) as caught:
        resolve([*files, parse_wit(added, "added.wit")], dependencies)
    assert caught.value.message == (
        "`@since` of 0.1.0 is above the package's version 0.1.0-preview2: change one of them"
    )
