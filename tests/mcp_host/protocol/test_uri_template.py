from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_host.protocol.uri_template import MAX_URI, TemplateError, UriTemplate


@pytest.mark.parametrize(
    ("template", "serves", "refuses"),
    [
        ("lab://readme", ["lab://readme"], ["lab://readme/", "lab://readm", ""]),
        (
            "lab://square/{n}",
            ["lab://square/12", "lab://square/a%20b"],
            ["lab://square/", "lab://square/1/2"],
        ),
        ("file:///{+path}", ["file:///a/b.txt", "file:///a?b#c"], ["file:///"]),
        ("x://{a,b}/c", ["x://1,2/c"], ["x://1/2/c"]),
        ("x://h{/seg*}", ["x://h", "x://h/a", "x://h/a/b"], ["x://ha", "x://h/a?b"]),
        ("x://h{?q,r*}", ["x://h", "x://h?q=1&r=2"], ["x://h#q", "x://hq"]),
        ("x://h?f=1{&q}", ["x://h?f=1", "x://h?f=1&q=2"], ["x://h?f=12"]),
        ("x://h{#part}", ["x://h", "x://h#a/b"], ["x://ha"]),
        ("x://h{.ext:3}", ["x://h", "x://h.txt"], ["x://h/txt"]),
        ("x://h{;a}", ["x://h;a=1"], ["x://h?a=1"]),
        ("x://{a}-{b}", ["x://1-2", "x://1-2-3"], ["x://-", "x://12"]),
    ],
)
def test_matches_each_operator(template: str, serves: list[str], refuses: list[str]) -> None:
    checked = UriTemplate(template)
    assert [uri for uri in serves if not checked.matches(uri)] == []
    assert [uri for uri in refuses if checked.matches(uri)] == []


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("x://{a", "'{' at character 4 isn't closed"),
        ("x://a}", "'}' at character 5 can't stand in a URI"),
        ("x://{}", "empty expression at character 4"),
        ("x://{?}", "no variable"),
        ("x://{=a}", "the operator '=' at character 5 is reserved"),
        ("x://{a b}", "'a b' in the expression at character 4 is no variable"),
        ("x://{a:0}", "no variable"),
        ("x://{a,}", "no variable"),
        ("x:// {a}", "' ' at character 4"),
        ("x://%zz", "'%' at character 4"),
        ("x" * 3000, "longer than 2000"),
        ("{a}" * 60, "more than 50 expressions"),
    ],
)
def test_init_what_is_no_template_raises(template: str, reason: str) -> None:
    with pytest.raises(TemplateError) as caught:
        UriTemplate(template)
    assert reason in str(caught.value)


@given(st.text(max_size=20))
def test_init_any_text_is_a_template_or_an_error(text: str) -> None:
    try:
        template = UriTemplate(text)
    except TemplateError:
        return
    assert template.matches(text) is (text == "" or "{" not in text)


@given(st.text(st.characters(exclude_characters="/?#", exclude_categories=("Cs",)), min_size=1, max_size=20))
def test_matches_every_simple_value(value: str) -> None:
    assert UriTemplate("lab://{a}/x").matches(f"lab://{value}/x")


def test_matches_uri_above_the_limit_is_refused() -> None:
    assert not UriTemplate("{+a}").matches("x" * (MAX_URI + 1))
