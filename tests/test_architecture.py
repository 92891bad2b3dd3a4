"""The tree is the architecture (DESIGN 2): import ranks, a small standard library, short files."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("pywrt", "mcp_host", "spectests")

RANKS = {
    "pywrt.errors": 0,
    "pywrt.config": 0,
    "pywrt.version": 0,
    "pywrt.wasm": 1,
    "pywrt.wit": 1,
    "pywrt.runtime": 2,
    "pywrt.engine": 3,
    "pywrt.api": 4,
    "pywrt.canonical_abi": 5,
    "pywrt.component": 6,
    "pywrt.wasi": 7,
    "pywrt.bindgen": 8,
    "pywrt.loader": 9,
    "pywrt.cli": 9,
    "pywrt.__main__": 10,
    "mcp_host": 10,
    "spectests": 11,
    "pywrt": 11,  # the root, which only re-exports
}

#: What the interpreter's own packages may import of the standard library (`os` for `os.PathLike`).
INTERPRETER = (
    "pywrt.wasm",
    "pywrt.wit",
    "pywrt.runtime",
    "pywrt.engine",
    "pywrt.canonical_abi",
    "pywrt.component",
)
ALLOWED = {
    "__future__",
    "array",
    "bisect",
    "collections",
    "dataclasses",
    "enum",
    "functools",
    "gc",
    "itertools",
    "math",
    "operator",
    "os",
    "select",
    "struct",
    "sys",
    "time",
    "types",
    "typing",
}
#: Text is read before a guest runs; its lexers use regular expressions, and its numbers exact fractions.
ALLOWED_IN_TEXT = {"re", "fractions", "decimal", "unicodedata"}
#: Equal types are one object in the process: the table of them is weak, and locked.
ALLOWED_IN_TYPES = {"threading", "weakref"}

MAX_LINES = 700
#: Tables, parsers and generated code may be longer.
LONG_FILES = ("pywrt/engine/shapes/", "pywrt/wasm/text/", "pywrt/wit/parser.py")

MAX_DATACLASSES = 80


def sources() -> Iterator[tuple[str, Path, ast.Module]]:
    """(module name, path, syntax tree) of every source file."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            yield name, path, ast.parse(path.read_text())


SOURCES = list(sources())
NAMES = {name for name, _, _ in SOURCES}


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imports(tree: ast.AST) -> Iterator[str]:
    """Full names of what is imported at run time; `from a import b` gives a.b where that is a module."""
    for node in ast.iter_child_nodes(tree):
        if is_type_checking(node):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in NAMES else node.module
        else:
            yield from imports(node)


def rank(module: str) -> int:
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        if name in RANKS and (name != "pywrt" or module == "pywrt"):
            return RANKS[name]
    raise AssertionError(f"{module} has no rank")


def unit(module: str) -> str:
    """The ranked part of the tree that a module is in."""
    return (
        module if module in RANKS else ".".join(module.split(".")[: 2 if module.startswith("pywrt.") else 1])
    )


def test_imports_go_to_lower_ranks():
    wrong = []
    for name, _, tree in SOURCES:
        for target in imports(tree):
            if target.split(".")[0] in PACKAGES and unit(target) != unit(name) and rank(target) > rank(name):
                wrong.append(f"{name} (rank {rank(name)}) imports {target} (rank {rank(target)})")
    assert wrong == []


def test_nobody_inside_imports_the_package_root():
    assert [name for name, _, tree in SOURCES if name.startswith("pywrt") and "pywrt" in imports(tree)] == []


def test_modules_import_each_other_without_cycles():
    graph = {name: {t for t in imports(tree) if t in NAMES and t != name} for name, _, tree in SOURCES}
    done: set[str] = set()
    while len(done) < len(graph):
        ready = {name for name, targets in graph.items() if name not in done and targets <= done}
        assert ready, f"in or behind a cycle: {sorted(set(graph) - done)}"
        done |= ready


def test_interpreter_imports_little_of_the_standard_library():
    wrong = []
    for name, _, tree in SOURCES:
        if name.startswith(INTERPRETER):
            allowed = ALLOWED
            if name.startswith(("pywrt.wasm.text", "pywrt.wit")):
                allowed = ALLOWED | ALLOWED_IN_TEXT
            elif name == "pywrt.wasm.deftypes":
                allowed = ALLOWED | ALLOWED_IN_TYPES
            for target in imports(tree):
                top = target.split(".")[0]
                if top not in (*PACKAGES, "leb128") and top not in allowed:
                    wrong.append(f"{name} imports {target}")
    assert wrong == []


def test_no_import_stands_inside_a_function():
    wrong = []
    for name, _, tree in SOURCES:
        for node in ast.walk(tree):
            is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            if is_function and any(isinstance(x, ast.Import | ast.ImportFrom) for x in ast.walk(node)):
                wrong.append(f"{name}: {getattr(node, 'name', '')}")
    assert wrong == []


def test_nothing_compiles_code():
    wrong = []
    for name, _, tree in SOURCES:
        for node in ast.walk(tree):
            called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
            if called in ("exec", "eval", "compile", "namedtuple", "make_dataclass"):
                wrong.append(f"{name}:{node.lineno} calls {called}")
    assert wrong == []


def test_files_are_short():
    long = []
    for _, path, _ in SOURCES:
        relative = str(path.relative_to(ROOT))
        lines = len(path.read_text().splitlines())
        if lines > MAX_LINES and not relative.startswith(LONG_FILES):
            long.append(f"{relative}: {lines} lines")
    assert long == []


def run(program: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return result.stdout.strip()


@pytest.mark.parametrize(
    "module", ["asyncio", "logging", "socket", "pathlib", "mcp_host", "pywrt.wit.syntax"]
)
def test_importing_pywrt_leaves_out(module):
    program = (
        f"import sys; before = set(sys.modules); import pywrt; print({module!r} in {{*sys.modules}} - before)"
    )
    assert run(program) == "False"


def test_importing_pywrt_makes_few_dataclasses():
    count = run(
        "import sys, pywrt\nfrom dataclasses import is_dataclass\n"
        "print(len({id(value) for name, module in list(sys.modules.items()) if name.startswith('pywrt')\n"
        "  for value in vars(module).values() if isinstance(value, type) and is_dataclass(value)\n"
        "  and '__dataclass_fields__' in vars(value)}))"
    )
    assert 0 < int(count) <= MAX_DATACLASSES


def test_root_only_re_exports():
    tree = next(tree for name, _, tree in SOURCES if name == "pywrt")
    kinds = {type(node).__name__ for node in tree.body}
    assert kinds <= {"Expr", "ImportFrom", "Assign", "AnnAssign"}
