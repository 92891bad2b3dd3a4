"""The chapters of docs/: each example runs and prints what it says, and the tables are complete.

Strategy: a chapter's blocks run in their order, in a fresh folder that the examples' files are linked
into. Python blocks of one chapter share a namespace. `# > line` in a block is a line that it prints.
"""

import ast
import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from pywrt.config import DEFAULT_FEATURES, NEEDS, Config
from pywrt.engine.backtrace import _MEANINGS

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
COMPONENTS = ROOT.parent / "shared" / "components"
CHAPTERS = sorted(path.name for path in DOCS.glob("*.md"))

_FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PRINTED = re.compile(r"^ *# > ?(.*)$", re.MULTILINE)


class Block:
    """A fenced block of a chapter: its language, the words behind that, its text, and its first line."""

    def __init__(self, match: re.Match[str]) -> None:
        self.language, words, self.text = match.groups()
        self.options = dict(word.partition("=")[::2] for word in words.split())
        self.line = match.string[: match.start()].count("\n") + 2


def blocks(chapter: str) -> Iterator[Block]:
    for match in _FENCE.finditer((DOCS / chapter).read_text()):
        yield Block(match)


def run_python(block: Block, chapter: str, namespace: dict[str, object]) -> None:
    code = compile("\n" * (block.line - 1) + block.text, str(DOCS / chapter), "exec", dont_inherit=True)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, namespace)
    expected = "".join(f"{line}\n" for line in _PRINTED.findall(block.text))
    assert printed.getvalue() == expected, f"{chapter}:{block.line} prints something else"


def run_console(block: Block, chapter: str) -> None:
    """Each `$ command` prints the lines below it; `...` stands for any lines."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        program, *arguments = shlex.split(command)
        modules = {"pywrt": ["-m", "pywrt"], "python": []}
        done = subprocess.run(
            [sys.executable, *modules[program], *arguments],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
        pattern = re.escape(expected.rstrip("\n")).replace(re.escape("..."), ".*")
        assert re.fullmatch(pattern, done.stdout.rstrip("\n"), re.DOTALL), (
            f"{chapter}:{block.line}: {command!r} prints\n{done.stdout}"
        )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder that examples run in; it has `examples/`, and real components as they are needed.

    As the folder of a script, it is where Python imports from.
    """
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_docs_examples_of_chapter_run_as_shown(chapter: str, folder: Path) -> None:
    namespace: dict[str, object] = {"__name__": "docs"}
    for block in blocks(chapter):
        needed = block.options.get("needs")
        if needed is not None:
            if not (COMPONENTS / needed).is_file():
                continue  # the components' own tests skip with the reason
            if not (folder / needed).exists():
                (folder / needed).symlink_to(COMPONENTS / needed)
        if block.language in ("wat", "c", "python") and "file" in block.options:
            (folder / block.options["file"]).write_text(block.text)
        elif block.language == "python":
            run_python(block, chapter, namespace)
        elif block.language == "console" and "unchecked" not in block.options:
            run_console(block, chapter)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_docs_blocks_of_chapter_have_a_known_language(chapter: str) -> None:
    known = {"python", "console", "wat", "text"}
    assert {block.language for block in blocks(chapter)} <= known


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_docs_links_of_chapter_lead_to_files(chapter: str) -> None:
    prose = _FENCE.sub("", (DOCS / chapter).read_text())
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", prose):
        assert (DOCS / target).exists(), f"{chapter} links to {target}"


def test_docs_index_names_each_chapter() -> None:
    linked = set(re.findall(r"\]\((\w+\.md)\)", (DOCS / "README.md").read_text()))
    assert linked == set(CHAPTERS) - {"README.md"}


def table(chapter: str, heading: str) -> dict[str, list[str]]:
    """The rows of the table under `heading`: first cell without backquotes -> the others."""
    text = (DOCS / chapter).read_text().split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return {cells[0].strip(" `"): [cell.strip() for cell in cells[1:]] for cells in rows}


def raised_codes() -> Iterator[str]:
    """A regular expression for each code that the sources give a trap: a word, but where it is computed."""
    for package in ("pywrt", "mcp_host"):
        for path in (ROOT / package).rglob("*.py"):
            source = path.read_text()
            if "Trap(" not in source:
                continue
            tree = ast.parse(source)
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield from _codes_in(node, tree)
    yield from {re.escape(code) for meaning in _MEANINGS.values() for _, code in meaning.values()}
    yield from ("exit", "uncaught\\-exception")  # the subclasses' own


def _codes_in(function: ast.FunctionDef | ast.AsyncFunctionDef, tree: ast.Module) -> Iterator[str]:
    for call in _calls_of("Trap", function):
        if any(isinstance(argument, ast.Starred) for argument in call.args):
            continue  # what `_MEANINGS` has
        given = [*call.args[1:2], *(k.value for k in call.keywords if k.arg == "code")]
        if not given:
            yield "host"
        elif isinstance(given[0], ast.Name):  # a parameter: what the function's callers give
            names = [argument.arg for argument in function.args.args if argument.arg != "self"]
            for caller in _calls_of(function.name, tree):
                yield _pattern(caller.args[names.index(given[0].id)])
        else:
            yield _pattern(given[0])


def _calls_of(name: str, tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == name:
            yield node


def _pattern(code: ast.expr) -> str:
    parts = code.values if isinstance(code, ast.JoinedStr) else [code]
    assert isinstance(code, ast.JoinedStr | ast.Constant), ast.unparse(code)
    return "".join(
        re.escape(str(part.value)) if isinstance(part, ast.Constant) else "[a-z]+" for part in parts
    )


def test_docs_table_of_traps_has_each_code_that_is_raised_and_no_other() -> None:
    patterns = set(raised_codes())
    documented = set(table("traps.md", "The codes"))
    assert len(patterns) > 40
    unmatched = {p for p in patterns if not any(re.fullmatch(p, code) for code in documented)}
    assert unmatched == set()
    assert {code for code in documented if not any(re.fullmatch(p, code) for p in patterns)} == set()


def test_docs_table_of_traps_has_four_full_cells_a_row() -> None:
    for code, cells in table("traps.md", "The codes").items():
        assert len(cells) == 3, code
        assert all(cells), code


def test_docs_table_of_features_is_that_of_config() -> None:
    rows = table("limits.md", "Features")
    assert set(rows) == set(NEEDS)
    for name, (default, needs, _) in rows.items():
        assert default == ("on" if name in DEFAULT_FEATURES else "off"), name
        assert set(re.findall(r"`([\w-]+)`", needs)) == NEEDS[name], name


def test_docs_table_of_limits_is_that_of_config() -> None:
    rows = table("limits.md", "Limits")
    limits = {name for name in Config.__slots__ if name.startswith("max_")}
    assert set(rows) == limits
    for name, (default, _) in rows.items():
        assert eval(default.replace(",", "").strip("`")) == getattr(Config(), name), name


def test_docs_readme_of_the_project_links_to_the_index() -> None:
    assert "(docs/README.md)" in (ROOT / "README.md").read_text()


def test_docs_line_of_printed_text_is_found_in_nested_code() -> None:
    text = textwrap.dedent("""\
        for i in range(2):
            print(i)
        # > 0
            # > 1
        """)
    assert _PRINTED.findall(text) == ["0", "1"]
