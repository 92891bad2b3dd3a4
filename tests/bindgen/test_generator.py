"""The text of generated modules: what mypy and ruff say of it, and how names and types are written."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pywrt.api import Engine
from pywrt.bindgen.generator import generate
from pywrt.component import Component
from pywrt.component.text import parse_component

ROOT = Path(__file__).resolve().parents[2]
COMPONENTS = ROOT.parent / "shared" / "components"
FILES = sorted([*COMPONENTS.glob("*.wasm"), *ROOT.glob("examples/*/*.wasm")])


def component_of(source: bytes | str) -> Component:
    data = source if isinstance(source, bytes) else parse_component(source)
    return Component(Engine(), data)


def generated(source: bytes | str, name: str = "bound") -> str:
    return generate(component_of(source).type, name, f"{name}.wasm")


def is_component(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(8)[4:] == b"\x0d\0\1\0"


def run(*command: str, cwd: Path) -> str:
    """What a tool prints, which is its complaints."""
    environment = {**os.environ, "MYPYPATH": str(ROOT), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=cwd, env=environment, capture_output=True, text=True
    )
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the module of every component there is, of ones that the test has, and programs."""
    folder = tmp_path_factory.mktemp("modules")
    sources = {
        path.stem.replace("-", "_").replace(".", "_"): path.read_bytes()
        for path in FILES
        if is_component(path)
    }
    sources["everything"] = parse_component(Path(__file__).with_name("everything.wat").read_bytes())
    for name, data in sources.items():
        (folder / f"{name}.py").write_text(generated(data, name))
    (folder / "right.py").write_text(RIGHT)
    (folder / "wrong.py").write_text(WRONG)
    return folder


#: A program that mypy has nothing against.
RIGHT = '''\
"""Uses all kinds of types."""

from pywrt import Engine, Store
from pywrt.bindgen.runtime import Err, Ok, Some
from everything import ChoiceLeaf, ChoiceNone, ChoiceNumber, Choice, Counter, Level, Leaf, instantiate


class Disk:
    def __init__(self, name: str) -> None:
        self.name = name

    def size(self) -> int:
        return len(self.name)

    def drop_(self) -> int:
        return 0

    @staticmethod
    def count() -> int:
        return 0


class Host:
    File = Disk

    def echo_leaf(self, leaf: Leaf) -> Leaf:
        if leaf.note is None:
            raise Err(leaf)
        return leaf

    def open(self, name: str) -> Disk:
        return Disk(name)


class Imports:
    def ask(self, question: int) -> int:
        return question


def area(choice: Choice) -> float:
    match choice:
        case ChoiceNone():
            return 0.0
        case ChoiceNumber(number):
            return number
        case ChoiceLeaf(leaf):
            return leaf.max_size
        case _:
            return -1.0


async def main() -> int:
    guest = instantiate(Store(Engine()), "everything.wasm", host=Host(), imports=Imports())
    level: Level = guest.echo_level("high-up")
    leaf = guest.echo_leaf(Leaf(1, 2))
    perms = guest.echo_perms({"read", "write-all"})
    with guest.counters.Counter(5) as counter:
        total: int = counter.add(n=1) + guest.counters.value(counter)
    other: Counter = guest.counters.Counter.try_new(5)
    async for part in guest.echo_stream([leaf]):
        total += part.max_size
    for chunk in guest.echo_bytes(b"abc"):
        total += len(chunk)
    total += (await guest.echo_future(leaf)).max_size + await guest.twice_async(2) + guest.twice(2)
    everything = guest.echo(guest.echo_all)  # type: ignore[attr-defined]
    if isinstance(everything.r2, Ok):
        none: None = everything.r2.value
    else:
        text: str = everything.r2.payload
    nested = everything.nested
    if isinstance(nested, Some) and nested.value is not None:
        inner: int | None = nested.value.value
    return total + ("read" in perms) + len(level) + int(area(everything.choice)) + other.add(1)
'''

#: A program in which mypy finds every marked line wrong, and no other.
WRONG = """\
from pywrt import Engine, Store
from everything import ChoiceNumber, Leaf, instantiate


class Disk:
    def __init__(self, name: str) -> None: ...

    def size(self) -> str:
        return ""

    def drop_(self) -> int:
        return 0

    @staticmethod
    def count() -> int:
        return 0


class Host:
    File = Disk

    def echo_leaf(self, leaf: str) -> Leaf:
        raise NotImplementedError

    def open(self, name: str) -> Disk:
        return Disk(name)


class Imports:
    def ask(self, question: int) -> int:
        return question


guest = instantiate(
    Store(Engine()),
    "x.wasm",
    host=Host(),  # wrong
    imports=Imports(),
)
guest.echo_level("middle")  # wrong
guest.echo_perms({"fly"})  # wrong
guest.echo_strings([1])  # wrong
guest.def_(1, self_="2")  # wrong
guest.counters.Counter("5")  # wrong
guest.no_such()  # wrong
guest.echo_leaf(ChoiceNumber(1.0))  # wrong
Leaf(1, 2, 3)  # wrong
x: str = guest.asked(1)  # wrong
"""


def test_modules_and_a_program_pass_mypy_strict(modules: Path) -> None:
    pytest.importorskip("mypy")
    names = sorted(path.name for path in modules.glob("*.py") if path.name != "wrong.py")
    assert (
        run("mypy", "--strict", *names, cwd=modules)
        == f"Success: no issues found in {len(names)} source files\n"
    )


def test_mypy_finds_what_does_not_fit(modules: Path) -> None:
    pytest.importorskip("mypy")
    complaints = run("mypy", "--strict", "wrong.py", cwd=modules)
    found = {int(line.split(":")[1]) for line in complaints.splitlines() if ": error:" in line}
    marked = {number for number, line in enumerate(WRONG.splitlines(), 1) if "# wrong" in line}
    assert found == marked, complaints


def test_modules_are_formatted_and_clean_for_ruff(modules: Path) -> None:
    pytest.importorskip("ruff")
    names = sorted(path.name for path in modules.glob("*.py") if path.name not in ("wrong.py", "right.py"))
    assert run("ruff", "format", "--isolated", "--diff", *names, cwd=modules).startswith(
        f"{len(names)} files already"
    )
    rules = "E4,E7,E9,F,I,UP,B,W,SIM,RUF100"
    assert (
        run("ruff", "check", "--isolated", "--select", rules, *names, cwd=modules) == "All checks passed!\n"
    )


def test_module_does_not_depend_on_hash_seeds() -> None:
    program = (
        "import sys; from pathlib import Path; from pywrt.api import Engine\n"
        "from pywrt.component import Component\n"
        "from pywrt.component.text import parse_component; from pywrt.bindgen.generator import generate\n"
        "print(generate(Component(Engine(), parse_component(Path(sys.argv[1]).read_bytes())).type, 'x'))"
    )
    texts = set()
    for seed in "1", "2":
        done = subprocess.run(
            [sys.executable, "-c", program, str(Path(__file__).with_name("everything.wat"))],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        texts.add(done.stdout)
    assert len(texts) == 1


TWO_LEVELS = """(component
  (import "a:b/content" (instance
    (type $l (enum "low")) (export "level" (type $m (eq $l))) (export "f" (func (param "x" $m)))))
  (import "a:b/risk" (instance
    (type $l (enum "high")) (export "level" (type $m (eq $l))) (export "f" (func (param "x" $m)))))
  (import "a:b/same" (instance
    (type $l (enum "high")) (export "level" (type $m (eq $l))) (export "f" (func (param "x" $m))))))"""


def test_types_of_one_name_have_their_interface_in_it_unless_they_are_equal() -> None:
    text = generated(TWO_LEVELS)
    assert 'ContentLevel: TypeAlias = Literal["low"]' in text
    assert 'RiskLevel: TypeAlias = Literal["high"]' in text
    assert "SameLevel" not in text
    assert text.count("def f(self, x: RiskLevel, /) -> None:") == 2
    assert "content: Content, risk: Risk, same: Same" in text.replace("\n    ", " ").replace(",,", ",")


def test_type_that_is_used_under_another_name_is_the_same_class() -> None:
    text = generated(
        """(component
          (import "a:b/types" (instance $types
            (type $p (record (field "x" u8))) (export "point" (type (eq $p)))))
          (alias export $types "point" (type $point))
          (import "a:b/draw" (instance
            (alias outer 1 $point (type $p)) (export "dot" (type $dot (eq $p)))
            (export "draw" (func (param "at" $dot))))))"""
    )
    assert "class Dot" not in text
    assert "def draw(self, at: Point, /) -> None:" in text
    assert "`draw: func(at: dot)`" in text
    assert '"a:b/draw": {"dot": Point},' in text


def test_names_of_the_module_itself_are_left_alone() -> None:
    text = generated(
        """(component
          (import "a:b/store" (instance
            (type $s (record (field "dataclass" u8) (field "str" string) (field "any" string)))
            (export "store" (type $t (eq $s)))
            (type $n (variant (case "none") (case "some" $t)))
            (export "some" (type $u (eq $n)))
            (export "list" (func (param "list" $u) (result (list string))))
            (export "property" (func (param "property" $t) (result (list (list string))))))))"""
    )
    assert "class StoreStore:" in text
    assert "    any: builtins.str\n" in text
    assert "StoreSome: TypeAlias = StoreSomeNone | StoreSomeSome" in text
    assert "def list(self, list: StoreSome, /) -> Sequence[str]:" in text
    assert "def property_(self, property_: StoreStore, /) -> Sequence[Sequence[str]]:" in text
    assert "b_store: StoreInterface," in text


def test_async_import_may_be_a_coroutine_function() -> None:
    text = generated('(component (import "fetch" (func async (param "url" string) (result u8))))')
    assert "def fetch(self, url: str, /) -> Answer[int]:" in text


def test_option_behind_others_is_a_default_of_what_the_component_exports() -> None:
    text = generated(
        """(component
          (import "f" (func $f (param "a" (option u8)) (param "b" u8) (param "c" (option u8))))
          (export "g" (func $f)))"""
    )
    assert "def f(self, a: int | None, b: int, c: int | None, /) -> None:" in text
    assert "def g(self, a: int | None, b: int, c: int | None = None) -> None:" in text


def test_wasi_is_no_argument_and_its_types_are_there_if_they_are_needed() -> None:
    text = generated(
        """(component
          (import "wasi:io/streams@0.2.3" (instance $io (export "input-stream" (type (sub resource)))))
          (alias export $io "input-stream" (type $in))
          (import "a:b/c" (instance
            (alias outer 1 $in (type $i)) (export "input-stream" (type $j (eq $i)))
            (export "read" (func (param "from" (borrow $j)))))))"""
    )
    assert "InputStream: TypeAlias = object" in text
    assert "def read(self, from_: InputStream, /) -> None:" in text
    assert "wasi: WasiCtx | None = None" in text
    assert "streams" not in text.partition("def instantiate")[2]


def test_long_lines_have_their_parts_on_lines_of_their_own() -> None:
    pair = "(tuple " + "u32 " * 30 + ")"
    text = generated(
        f"""(component
          (import "f" (func async (param "a" {pair}) (result (list {pair}))))
          (import "a:b/c" (instance
            (type $r (record (field "x" {pair}) (field "y" (list {pair}))))
            (export "r" (type (eq $r))))))"""
    )
    assert max(map(len, text.splitlines())) <= 88
    assert text.count(" int,\n") == 4 * 30


def test_nested_instances_are_attributes_of_their_own() -> None:
    inner = '(export "inner" (instance (export "f" (func (result u8)))))'
    text = generated(f'(component (import "outer" (instance $o {inner})) (export "again" (instance $o)))')
    assert "def inner(self) -> ImportedInner: ..." in text
    assert "    inner: ExportedInner\n" in text


def test_interface_with_types_alone_is_no_argument(bind: Any) -> None:
    source = b"""(component (import "a:b/types" (instance
      (type $p (record (field "x" u8))) (export "point" (type (eq $p))))))"""
    text = generated(source.decode())
    assert "class Point:" in text
    assert "types:" not in text.partition("def instantiate")[2]
    assert bind(source).Point(1).x == 1
