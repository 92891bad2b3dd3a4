from __future__ import annotations

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mcp_host.protocol.pattern import MAX_STATES, UnsupportedPattern, compile_pattern

ATOMS = st.sampled_from(["a", "b", "-", ".", "[ab]", "[^a]", r"\d", r"\w", r"\b", "^", "$", "(?:a|b)", "(a)"])


def repeated(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    quantifiers = st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{1,}", "{0}", "*?"])
    return st.one_of(
        st.tuples(inner, quantifiers).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
        st.lists(inner, max_size=3).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: "(?:" + "|".join(parts) + ")"),
    )


PATTERNS = st.recursive(ATOMS, repeated, max_leaves=6)


@settings(max_examples=300)
@given(PATTERNS, st.text("ab-1", max_size=8))
def test_matches_agrees_with_re(pattern: str, text: str) -> None:
    wanted = re.search(pattern.replace("$", r"\Z"), text, re.ASCII) is not None
    assert compile_pattern(pattern).matches(text, anywhere=True) == wanted


@given(st.text(r"ab()[]{}|*+?^$\.-,1", max_size=12))
def test_compile_pattern_any_text_compiles_or_is_unsupported(pattern: str) -> None:
    try:
        compiled = compile_pattern(pattern)
    except UnsupportedPattern:
        return
    assume(compiled.size < 500)
    assert compiled.matches("ab1-", anywhere=True) in (True, False)


@pytest.mark.parametrize(
    ("pattern", "fits", "fails"),
    [
        ("^[a-z0-9]+(?:-[a-z0-9]+)*$", ["a-b2-c"], ["a--b", "A", ""]),
        (r"^\d{4}-\d{2}$", ["2025-11"], ["2025-1", "2025-11\n", "\uff12025-11"]),
        (r"^[^@\s]+@[^@\s]+\.[^@\s]+$", ["a@b.c"], ["a b@c.d", "@b.c"]),
        (r"^\p{Lu}\P{L}$", ["É1"], ["é1", "ÉÉ"]),
        (r"^[\d\-\]x]+$", ["1-]x"], ["y"]),
        (r"^\u{1F600}\u00e9\x41$", ["\U0001f600éA"], ["x"]),
        (r"^\ud83d\ude00$", ["\U0001f600"], [""]),
        (r"^(?<year>\d+)\/$", ["12/"], ["12"]),
        (r"\bcat\b", ["the cat sat"], ["concat"]),
        ("^(a|ab)(c|bcd)$", ["abcd", "abc", "ac"], ["abd"]),
        ("", ["", "x"], []),
        ("[]", [], ["", "x"]),
        ("^[^]$", ["\n"], ["", "xy"]),
        (r"^.\n\cJ$", ["x\n\n"], ["\n\n\n"]),
    ],
)
def test_matches_patterns_of_real_schemas(pattern: str, fits: list[str], fails: list[str]) -> None:
    compiled = compile_pattern(pattern)
    assert [text for text in fits if not compiled.matches(text, anywhere=True)] == []
    assert [text for text in fails if compiled.matches(text, anywhere=True)] == []


def test_matches_whole_text_without_anywhere() -> None:
    assert compile_pattern("ab*").matches("abb", anywhere=False)
    assert not compile_pattern("ab*").matches("abbc", anywhere=False)


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "(a*)*b", "a*a*a*a*a*a*a*b"])
def test_matches_catastrophic_pattern_takes_linear_steps(pattern: str) -> None:
    spent: list[int] = []
    compile_pattern(pattern).matches("a" * 5000 + "!", anywhere=True, spend=spent.append)
    assert sum(spent) < 20_000


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(?=a)b", "look-around isn't supported"),
        ("(?<!a)b", "look-around isn't supported"),
        (r"(a)\1", r"the escape \\1 isn't supported"),
        (r"\k<a>", r"the escape \\k isn't supported"),
        ("(a", "unmatched '\\('"),
        ("a)", "unmatched '\\)'"),
        ("[a", "unexpected end"),
        ("*a", "unexpected '\\*'"),
        ("a{2,1}", "wrong order"),
        ("[z-a]", "malformed range"),
        (r"\p{Script=Greek}", "general categories"),
        ("\\", "unexpected end"),
        ("(" * 60 + ")" * 60, "nested groups"),
        ("a" * 3000, "more than 2000 characters"),
        ("((a{100}){100}){100}", f"more than {MAX_STATES} states"),
        ("a{5000}", f"more than {MAX_STATES} states"),
        ("a{99999999}", "at most six digits"),
    ],
)
def test_compile_pattern_beyond_an_automaton_is_unsupported(pattern: str, reason: str) -> None:
    with pytest.raises(UnsupportedPattern, match=reason):
        compile_pattern(pattern)


def test_compile_pattern_huge_repeat_of_nothing_is_small() -> None:
    assert compile_pattern("(?:(?:){999999}){999999}x").matches("x", anywhere=True)
