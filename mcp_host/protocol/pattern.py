"""Regular expressions that can't hang: the `pattern` of a guest's schema runs in the host.

Strategy: Python's `re` backtracks, and no check of a pattern from outside tells apart the ones that take for
ever (the harmless `^[a-z]+(-[a-z]+)*$` looks like the harmful `^([a-z]+-?)*$`). So a pattern is compiled
here to a nondeterministic automaton, whose set of live states is stepped through the text: each character
costs at most the automaton's size, whatever the pattern. Sets are numbered and their steps remembered, so
that most characters cost one look-up. The price is that look-around and back-references have no automaton:
they raise `UnsupportedPattern`, and the caller treats such a pattern as an annotation.

The dialect is ECMA-262's with the u flag, as JSON Schema asks, and matches anywhere in the text.
Spec: https://json-schema.org/draft/2020-12/json-schema-core#section-6.4
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Sequence

MAX_LENGTH = 2000
MAX_GROUPS = 50
MAX_STATES = 4000
MAX_REMEMBERED = 2000

CharTest = Callable[[str], bool]
Spend = Callable[[int], None]
# A tree: ("char", test) | ("cat", [nodes]) | ("alt", [nodes]) | ("repeat", node, low, high or None) |
# ("assert", kind)
Node = tuple[object, ...]


class UnsupportedPattern(ValueError):
    """A pattern that isn't one, or that needs more than an automaton can do; the message says which."""


# --- tests of one character -------------------------------------------------------------------------------


def _is_digit(c: str) -> bool:
    return "0" <= c <= "9"


def _is_word(c: str) -> bool:
    return c == "_" or (c.isascii() and c.isalnum())


def _is_space(c: str) -> bool:
    return c in "\t\n\v\f\r \xa0\ufeff\u2028\u2029" or unicodedata.category(c) == "Zs"


def _is_any(c: str) -> bool:
    return c not in "\n\r\u2028\u2029"


def _negated(test: CharTest) -> CharTest:
    return lambda c: not test(c)


def is_char(wanted: str) -> CharTest:
    """A test for this very character."""
    return lambda c: c == wanted


def in_ranges(ranges: Sequence[tuple[str, str]], classes: Sequence[CharTest] = ()) -> CharTest:
    """A test for the characters in any of the ranges (both ends included) or classes."""
    # Merged and sorted, so that a class of a thousand ranges costs one bisection.
    lows: list[str] = []
    highs: list[str] = []
    for low, high in sorted(ranges):
        if highs and low <= highs[-1]:
            highs[-1] = max(highs[-1], high)
        else:
            lows.append(low)
            highs.append(high)
    named = tuple(dict.fromkeys(classes))

    def test(c: str) -> bool:
        index = bisect_right(lows, c) - 1
        return (index >= 0 and c <= highs[index]) or any(is_member(c) for is_member in named)

    return test


def none_of(chars: str) -> CharTest:
    """A test for the characters that aren't in `chars`."""
    return lambda c: c not in chars


_CLASSES: dict[str, CharTest] = {
    "d": _is_digit,
    "D": _negated(_is_digit),
    "w": _is_word,
    "W": _negated(_is_word),
    "s": _is_space,
    "S": _negated(_is_space),
}
_CONTROLS = {"t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "0": "\0"}


class _Parser:
    """Pattern text -> tree. Recursion is bounded by MAX_GROUPS."""

    __slots__ = ("groups", "pos", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.pos = 0
        self.groups = 0

    def parse(self) -> Node:
        node = self.alternatives()
        if self.pos < len(self.text):
            raise self.error("unmatched ')'")
        return node

    def error(self, what: str) -> UnsupportedPattern:
        return UnsupportedPattern(f"{what} at character {self.pos}")

    def peek(self) -> str:
        return self.text[self.pos : self.pos + 1]

    def take(self) -> str:
        c = self.peek()
        if not c:
            raise self.error("unexpected end")
        self.pos += 1
        return c

    def accept(self, prefix: str) -> bool:
        if self.text.startswith(prefix, self.pos):
            self.pos += len(prefix)
            return True
        return False

    def alternatives(self) -> Node:
        branches = [self.sequence()]
        while self.accept("|"):
            branches.append(self.sequence())
        return branches[0] if len(branches) == 1 else ("alt", branches)

    def sequence(self) -> Node:
        parts: list[Node] = []
        while self.peek() not in ("", "|", ")"):
            parts.append(self.quantified())
        return ("cat", parts)

    def quantified(self) -> Node:
        node = self.atom()
        bounds = self.quantifier()
        if bounds is None:
            return node
        if node[0] == "assert":
            raise self.error("a quantifier after an assertion")
        low, high = bounds
        if high is not None and high < low:
            raise self.error("quantifier bounds in the wrong order")
        self.accept("?")  # lazy or greedy: whether it matches is the same
        return ("repeat", node, low, high)

    def quantifier(self) -> tuple[int, int | None] | None:
        simple: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        c = self.peek()
        if c in simple:
            self.pos += 1
            return simple[c]
        if c != "{":
            return None
        self.pos += 1
        low = self.number()
        high: int | None = low
        if self.accept(","):
            high = None if self.peek() == "}" else self.number()
        if not self.accept("}"):
            raise self.error("malformed quantifier")
        return low, high

    def number(self) -> int:
        start = self.pos
        while _is_digit(self.peek() or " "):
            self.pos += 1
        if not 0 < self.pos - start <= 6:
            raise self.error("expected a number of at most six digits")
        return int(self.text[start : self.pos])

    def atom(self) -> Node:
        c = self.take()
        if c == "(":
            return self.group()
        if c == "[":
            return ("char", self.char_class())
        if c == ".":
            return ("char", _is_any)
        if c in "^$":
            return ("assert", c)
        if c == "\\":
            return self.escape()
        if c in "*+?{}])":
            self.pos -= 1
            raise self.error(f"unexpected {c!r}")
        return ("char", is_char(c))

    def group(self) -> Node:
        self.groups += 1
        if self.groups > MAX_GROUPS:
            raise self.error(f"more than {MAX_GROUPS} nested groups")
        if self.accept("?"):
            if self.accept("<") and self.peek() not in ("=", "!"):
                while self.take() != ">":
                    pass
            elif not self.accept(":"):
                raise self.error("look-around isn't supported")
        node = self.alternatives()
        if not self.accept(")"):
            raise self.error("unmatched '('")
        self.groups -= 1
        return node

    def escape(self) -> Node:
        if self.peek() in ("b", "B"):
            return ("assert", self.take())
        test = self.class_escape()
        return ("char", test if test is not None else is_char(self.char_escape()))

    def class_escape(self) -> CharTest | None:
        """What follows a backslash, if it is a class of characters."""
        c = self.peek()
        if c in _CLASSES:
            self.pos += 1
            return _CLASSES[c]
        if c not in ("p", "P"):
            return None
        self.pos += 1
        start = self.pos
        while self.take() != "}":
            pass
        name = self.text[start : self.pos].removeprefix("{").removesuffix("}").removeprefix("gc=")
        if not 1 <= len(name) <= 2 or name[0] not in "LMNPSZC":
            raise self.error("only general categories are supported in \\p{...}")
        has_category: CharTest = lambda c: unicodedata.category(c).startswith(name)  # noqa: E731
        return has_category if c == "p" else _negated(has_category)

    def char_escape(self) -> str:
        """What follows a backslash, if it is one character."""
        c = self.take()
        if c in _CONTROLS and not (c == "0" and _is_digit(self.peek() or " ")):
            return _CONTROLS[c]
        if c == "x":
            return self.hexadecimal(2)
        if c == "u":
            if self.accept("{"):
                end = self.text.find("}", self.pos)
                char = self.hexadecimal(end - self.pos)
                self.pos += 1
                return char
            high = self.hexadecimal(4)
            if "\ud800" <= high <= "\udbff" and self.accept("\\u"):
                return (
                    (high + self.hexadecimal(4))
                    .encode("utf-16", "surrogatepass")
                    .decode("utf-16", "replace")[:1]
                )
            return high
        if c == "c" and self.peek().isascii() and self.peek().isalpha():
            return chr(ord(self.take()) % 32)
        if c.isascii() and not c.isalnum():  # more than the u flag lets pass, and harmless
            return c
        raise self.error(f"the escape \\{c} isn't supported")

    def hexadecimal(self, count: int) -> str:
        digits = self.text[self.pos : self.pos + max(count, 0)]
        if (
            not 0 < len(digits) <= 6
            or len(digits) != count
            or any(d not in "0123456789abcdefABCDEF" for d in digits)
        ):
            raise self.error("expected hexadecimal digits")
        if int(digits, 16) > 0x10FFFF:
            raise self.error("no such character")
        self.pos += count
        return chr(int(digits, 16))

    def char_class(self) -> CharTest:
        negate = self.accept("^")
        ranges: list[tuple[str, str]] = []
        classes: list[CharTest] = []
        while not self.accept("]"):
            low = self.class_member(classes)
            if self.peek() == "-" and self.text[self.pos + 1 : self.pos + 2] != "]":
                self.pos += 1
                high = self.class_member(classes)
                if low is None or high is None or high < low:
                    raise self.error("malformed range")
                ranges.append((low, high))
            elif low is not None:
                ranges.append((low, low))
        test = in_ranges(ranges, classes)
        return _negated(test) if negate else test

    def class_member(self, classes: list[CharTest]) -> str | None:
        """A character, or None after adding a class to `classes`."""
        c = self.take()
        if c != "\\":
            return c
        test = self.class_escape()
        if test is not None:
            classes.append(test)
            return None
        return "\b" if self.accept("b") else self.char_escape()


def _spend_nothing(_steps: int) -> None:
    """For texts that are short enough."""


# --- the automaton ----------------------------------------------------------------------------------------

_ACCEPT = 0
_START, _END, _WORD_EDGE = 1, 2, 4  # what is true of a place in the text


def size(node: Node) -> int:
    """How many states a tree needs."""
    match node:
        case ("cat", list(parts)):
            return sum(size(part) for part in parts)
        case ("alt", list(branches)):
            return 1 + sum(size(branch) for branch in branches)
        case ("repeat", tuple(body), int(low), None):
            return size(body) * (low + 1) + 1
        case ("repeat", tuple(body), int(low), int(high)):
            return size(body) * high + high - low
    return 1


class Automaton:
    """A tree made ready to match: its states are built at the first match. State 0 accepts."""

    __slots__ = ("_assertions", "_entry", "_sets", "_splits", "_steps", "_tests", "_tree", "size")

    def __init__(self, tree: Node) -> None:
        """Raises UnsupportedPattern for a tree of more than MAX_STATES states."""
        self.size = size(tree)
        if self.size > MAX_STATES:
            raise UnsupportedPattern(f"the pattern has more than {MAX_STATES} states")
        self._tree: Node | None = tree
        self._entry = _ACCEPT
        self._tests: dict[int, tuple[CharTest, int]] = {}
        self._splits: dict[int, tuple[int, ...]] = {_ACCEPT: ()}
        self._assertions: dict[int, tuple[str, int]] = {}
        self._sets: dict[tuple[frozenset[int], int], tuple[frozenset[int], bool]] = {}
        self._steps: dict[tuple[frozenset[int], str], frozenset[int]] = {}

    def _new(self) -> int:
        return len(self._tests) + len(self._splits) + len(self._assertions)

    def _build(self, node: Node, then: int) -> int:
        """Add states for `node` that go on at state `then`; return where they start."""
        match node:
            case ("char", test):
                state = self._new()
                self._tests[state] = (test, then)  # type: ignore[assignment]
                return state
            case ("assert", kind):
                state = self._new()
                self._assertions[state] = (str(kind), then)
                return state
            case ("cat", list(parts)):
                for part in reversed(parts):
                    then = self._build(part, then)
                return then
            case ("alt", list(branches)):
                state = self._new()
                self._splits[state] = ()
                self._splits[state] = tuple(self._build(branch, then) for branch in branches)
                return state
            case ("repeat", tuple(body), int(low), high):
                return self._build_repeat(body, low, high if isinstance(high, int) else None, then)
        raise TypeError(f"no such node: {node!r}")

    def _build_repeat(self, body: Node, low: int, high: int | None, then: int) -> int:
        if high is None:
            loop = self._new()
            self._splits[loop] = ()
            self._splits[loop] = (self._build(body, loop), then)
            entry = loop
        else:
            entry = then
            for _ in range(high - low):
                option = self._new()
                self._splits[option] = ()
                self._splits[option] = (self._build(body, entry), then)
                entry = option
        for _ in range(low):
            before = self._build(body, entry)
            if before == entry:  # an empty body: more copies change nothing
                break
            entry = before
        return entry

    def _closure(self, states: frozenset[int], place: int, spend: Spend) -> tuple[frozenset[int], bool]:
        """The states with tests reached without a character at such a place; whether one accepts."""
        key = (states, place)
        known = self._sets.get(key)
        if known is not None:
            return known
        seen: set[int] = set()
        work = list(states)
        while work:
            state = work.pop()
            if state in seen:
                continue
            seen.add(state)
            work.extend(self._splits.get(state, ()))
            if state in self._assertions:
                kind, then = self._assertions[state]
                holds = {
                    "^": place & _START,
                    "$": place & _END,
                    "b": place & _WORD_EDGE,
                    "B": not place & _WORD_EDGE,
                }
                if holds[kind]:
                    work.append(then)
        spend(len(seen))
        result = (frozenset(state for state in seen if state in self._tests), _ACCEPT in seen)
        if len(self._sets) >= MAX_REMEMBERED:
            self._sets.clear()
        self._sets[key] = result
        return result

    def _step(self, states: frozenset[int], c: str, spend: Spend) -> frozenset[int]:
        key = (states, c)
        known = self._steps.get(key)
        if known is not None:
            return known
        spend(len(states))
        result = frozenset(then for test, then in (self._tests[state] for state in states) if test(c))
        if len(self._steps) >= MAX_REMEMBERED:
            self._steps.clear()
        self._steps[key] = result
        return result

    def matches(self, text: str, *, anywhere: bool, spend: Spend = _spend_nothing) -> bool:
        """Whether the text, or with `anywhere` some part of it, matches.

        `spend` is told the steps taken, some 200 ns each, and may raise to end the matter.
        """
        if self._tree is not None:
            spend(self.size)
            self._entry = self._build(self._tree, _ACCEPT)
            self._tree = None
        states = frozenset((self._entry,))
        before = ""
        for index in range(len(text) + 1):
            c = text[index : index + 1]
            place = (_START if index == 0 else 0) | (_END if not c else 0)
            if (before != "" and _is_word(before)) != (c != "" and _is_word(c)):
                place |= _WORD_EDGE
            spend(1 + len(states) // 32)  # what hashing the set costs
            live, accepts = self._closure(states, place, spend)
            if accepts and (anywhere or not c):
                return True
            if not c or not (live or anywhere):
                return False
            states = self._step(live, c, spend)
            if anywhere:
                states |= {self._entry}
            before = c
        return False


def compile_pattern(text: str) -> Automaton:
    """Compile a pattern of ECMA-262. Raises UnsupportedPattern, which says what is wrong with it."""
    if len(text) > MAX_LENGTH:
        raise UnsupportedPattern(f"the pattern has more than {MAX_LENGTH} characters")
    return Automaton(_Parser(text).parse())
