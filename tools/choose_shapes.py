"""Choose the trees of tools/shapes.txt by how often compiled code has them.

    python tools/choose_shapes.py [--count N] [--coverage FILE] FILE...

Each FILE is a core module or a component; every function in it is lowered with a transition table that
knows all trees of up to `MAX_OPERATORS` operators, and the statements that come out are counted, each
file as much as any other. The N commonest trees, those in several files before those of one compiler's habit,
go to tools/shapes.txt, each with how often it is a statement and how often a condition. `--coverage` prints
instead how much of FILE the library as it is covers.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from pywrt.config import ALL_FEATURES, Config  # noqa: E402
from pywrt.engine import access, flow, instructions, lowering, references, trees  # noqa: E402
from pywrt.engine.instantiation import CompiledModule  # noqa: E402
from pywrt.engine.operators import EFFECTS, INVERSE, READS_MEMORY, SWAPPED, TRAPS  # noqa: E402
from pywrt.wasm.binary.decoder import decode_module  # noqa: E402

MAX_OPERATORS = 6


def core_modules(data: bytes, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """The core modules in a file: itself, or those nested in a component at any depth."""
    end = len(data) if end is None else end
    if data[start + 4 : start + 8] == b"\1\0\0\0":
        yield data[start:end]
        return
    position = start + 8
    while position < end:
        section = data[position]
        size = shift = 0
        while True:
            position += 1
            size |= (data[position] & 0x7F) << shift
            shift += 7
            if data[position] < 0x80:
                break
        position += 1
        if section in (1, 4):
            yield from core_modules(data, position, position + size)
        position += size


class Everything(dict):
    """A transition table that has every tree up to the size limit, numbered as they come."""

    def __init__(self) -> None:
        super().__init__()
        self.trees: list = ["R", "C"]
        self.nodes: list = ["R", "C"]
        self.sizes = [0, 0]
        self.traps = [False, False]
        for key in trees.TRANSITIONS:  # the library's own numbers, in order
            self._add(key)

    def _add(self, key) -> int:
        self[key] = number = len(self.trees)
        self.nodes.append(key)
        self.trees.append((key[0], *(self.trees[i] for i in key[1:])))
        self.sizes.append(1 + sum(self.sizes[i] for i in key[1:]))
        own = bool(EFFECTS.get(key[0].removesuffix(".0"), 0) & (READS_MEMORY | TRAPS))
        self.traps.append(own or any(self.traps[i] for i in key[1:]))
        return number

    def get(self, key, default=None):
        found = super().get(key)
        if found is None:
            size = 1 + sum(self.sizes[i] for i in key[1:])
            if key[0] in SWAPPED and 1 < key[2] > key[1] and not self.traps[key[1]] & self.traps[key[2]]:
                return default  # lowering finds it with its operands swapped: the larger number first
            if size > MAX_OPERATORS or (key not in trees.TRANSITIONS and not self._plausible(key)):
                return default
            found = self._add(key)
        return found

    def _plausible(self, key) -> bool:
        """Whether lowering would ever ask for these leaves: an operator over constants alone it reduces."""
        leaves = (key[0], *(min(i, 1) if i < 2 else 0 for i in key[1:]))
        return leaves in trees.TRANSITIONS

    def __contains__(self, key) -> bool:
        return self.get(key) is not None

    def __getitem__(self, key):
        found = self.get(key)
        if found is None:
            raise KeyError(key)
        return found


class Inverted:
    """Stands for INVERTED: every integer comparison has an inverse."""

    def __init__(self, everything: Everything) -> None:
        self.everything = everything

    def __contains__(self, tree: int) -> bool:
        return self.everything.trees[tree][0] in INVERSE

    def __getitem__(self, tree: int) -> int:
        key = self.everything.nodes[tree]
        return self.everything[INVERSE[key[0]], *key[1:]]


class Recorder:
    """Stands for STATEMENTS or CONDITIONS: counts the trees it is asked for."""

    def __init__(self, counts: Counter) -> None:
        self.counts = counts

    def __contains__(self, tree: int) -> bool:
        return True

    def __getitem__(self, tree: int):
        self.counts[tree] += 1
        return lambda *operands: None


def functions(path: str) -> Iterator[tuple]:
    for data in core_modules(Path(path).read_bytes()):
        module = CompiledModule(decode_module(data, features=ALL_FEATURES), Config())
        for i in range(len(module.module.funcs)):
            index = i + module.imported_funcs
            yield module.signatures, index, module.code_of(index)


def text_of(tree) -> str:
    if isinstance(tree, str):
        return tree
    return f"{tree[0]}({','.join(map(text_of, tree[1:]))})"


def choose(paths: list[str], count: int) -> None:
    everything = Everything()
    statements: Counter = Counter()
    conditions: Counter = Counter()
    shares: Counter = Counter()
    files: Counter = Counter()
    for path in paths:
        of_statements, of_conditions = record(path, everything)
        statements += of_statements
        conditions += of_conditions
        sites = of_statements + of_conditions
        for tree, n in sites.items():
            if everything.sizes[tree] > 1:
                shares[tree] += n / sites.total()
                files[tree] += 1
    chosen = sorted(shares, key=lambda tree: -shares[tree] * files[tree])[:count]
    lines = [f"{text_of(everything.trees[t])} {statements[t]} {conditions[t]}\n" for t in chosen]
    (ROOT / "tools/shapes.txt").write_text("".join(lines))
    sites = statements + conditions
    singles = sum(n for tree, n in sites.items() if everything.sizes[tree] <= 1)
    covered = sum(sites[tree] for tree in chosen) + singles
    print(f"{len(sites)} trees at {sites.total()} sites; chosen ones cover {covered / sites.total():.1%}")


def record(path: str, everything: Everything) -> tuple[Counter, Counter]:
    """Lower all functions of a file with every tree at hand; count those of statements and of conditions."""
    statements: Counter = Counter()
    conditions: Counter = Counter()
    for module in (access, lowering, instructions, references):
        module.TRANSITIONS = everything
        module.STATEMENTS = Recorder(statements)
    lowering.CONDITIONS = ConditionRecorder(conditions, everything)
    instructions.INVERTED = Inverted(everything)
    for signatures, index, code in functions(path):
        instructions.lower(signatures, index, code)
    return statements, conditions


class ConditionRecorder(Recorder):
    """Conditions are comparisons; other trees become statements."""

    def __init__(self, counts: Counter, everything: Everything) -> None:
        super().__init__(counts)
        self.everything = everything

    def __contains__(self, tree: int) -> bool:
        if tree == 0:
            return True
        if tree == 1:
            return False
        operator = self.everything.trees[tree][0]
        leaves = (operator, *([0] * (len(self.everything.trees[tree]) - 1)))
        wanted = trees.TRANSITIONS.get(leaves) in trees.CONDITIONS
        if wanted:
            self.counts[tree] += 1
        return wanted


def choose_pairs(paths: list[str], count: int) -> None:
    """Count which statements of the library follow each other in a block."""
    names: dict = {0: "R", 1: "C"}
    for key, tree in trees.TRANSITIONS.items():
        names[tree] = f"{key[0]}({','.join(names[i] for i in key[1:])})"
    tree_of = {factory: tree for tree, factory in trees.STATEMENTS.items()}
    counts: Counter = Counter()
    weights: Counter = Counter()
    flow.PAIRS.clear()
    for path in paths:
        of_path: Counter = Counter()
        for signatures, index, code in functions(path):
            for block in flow.tidy(instructions.lower(signatures, index, code)).blocks:
                found = [tree_of.get(getattr(s, "factory", None)) for s in block.statements]
                of_path.update(pair for pair in pairwise(found) if None not in pair)
        counts += of_path
        for pair, n in of_path.items():
            weights[pair] += n / of_path.total()
    lines = [f"{names[a]} {names[b]} {counts[a, b]}\n" for (a, b), _ in weights.most_common(count)]
    (ROOT / "tools/pairs.txt").write_text("".join(lines))
    print(f"{len(counts)} pairs at {counts.total()} places; chosen {len(lines)}")


def coverage(path: str) -> None:
    """How many whole trees of FILE are shapes of the library as it is."""
    library = len(trees.TRANSITIONS) + 2
    statements, conditions = record(path, Everything())
    sites = statements + conditions
    covered = sum(n for tree, n in sites.items() if tree < library)
    print(f"{path}: {covered / sites.total():.1%} of {sites.total()} statements and conditions are shapes")


def main() -> None:
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=formatter)
    parser.add_argument("--count", type=int, default=2500)
    parser.add_argument("--pairs", type=int, help="choose N pairs of the library's statements instead")
    parser.add_argument("--coverage", metavar="FILE")
    parser.add_argument("files", nargs="*", metavar="FILE")
    options = parser.parse_args()
    if options.coverage:
        coverage(options.coverage)
    elif options.pairs:
        choose_pairs(options.files, options.pairs)
    else:
        choose(options.files, options.count)


if __name__ == "__main__":
    main()
