"""JSON Schema 2020-12: does a value fit a tool's schema, and if not, where and why?

Strategy: CHECKS is a table, a row a keyword: the type of value it says something about, and a function that
adds errors to a list. `_Run.apply` walks a schema's keywords through the table, and the functions call it
back for subschemas. Schemas come from guests and values from clients, so a run is bounded: in nesting
(MAX_NESTING subschemas within one another, which also ends `{"$ref": "#"}`) and in steps (MAX_STEPS, which
also ends references that double at each level). Everything that can be checked about the schema itself is
checked once, when it is registered.

`pattern` and `patternProperties` are matched by `protocol.pattern` in linear time. A pattern that it can't
do (look-around, back-references) isn't enforced, as `format` isn't; `Schema.unenforced` lists those, for
the host's log. Unknown keywords are ignored, as the specification says. `unevaluatedProperties`,
`unevaluatedItems` and an `$id` below the root are among them; `$dynamicRef` is taken for `$ref`, which is
the same within one document. Documents that declare draft-06, draft-07 or 2019-09 are read as 2020-12, with
`items` as an array meaning what it meant.

Spec: https://json-schema.org/draft/2020-12/json-schema-validation
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from mcp_host.protocol.pattern import Automaton, UnsupportedPattern, compile_pattern

MAX_NESTING = 300
MAX_STEPS = 2_000_000
"""Some 0.8 s at worst, in which the host reads nothing; two to four steps a value suffice for the plain
schemas of a call of a MB."""

MAX_ERRORS = 10
MAX_PATTERN_STATES = 8000

_DIALECT = re.compile(r"https?://json-schema\.org/(draft/(2020-12|2019-09)|draft-0[67])/schema#?")
_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]*")
_ECHO = 40


class SchemaError(Exception):
    """A schema that isn't one, or that costs too much to apply; the message says where and why."""


class Schema:
    """A checked schema.

    `document` is the JSON it was made from, and `unenforced` its patterns that can't be matched.
    """

    __slots__ = ("_anchors", "_pattern_states", "_patterns", "document", "unenforced")

    def __init__(self, document: Any) -> None:
        """Check a schema (parsed JSON). Raises SchemaError with a JSON pointer to what is wrong."""
        self.document = document
        self.unenforced: list[str] = []
        self._anchors: dict[str, Any] = {}
        self._patterns: dict[str, Automaton | None] = {}
        self._pattern_states = 0
        checker = _Checker(self._anchors, self._add_pattern)
        checker.check("#", document)
        while checker.references:  # what they name may lie where no keyword leads
            pointer, reference = checker.references.pop()
            checker.check(pointer, self._resolve(reference, pointer))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schema) and bool(self.document == other.document)

    def __hash__(self) -> int:
        return hash(json.dumps(self.document, sort_keys=True))

    def errors(self, value: Any, name: str = "value") -> list[str]:
        """What is wrong with `value`, as at most MAX_ERRORS lines such as `name.a: expected number, got
        string 'x'`.

        Raises SchemaError when it would take too many steps, or too deep a nesting, to tell.
        """
        found: list[str] = []
        try:
            _Run(self).apply(self.document, value, name, found)
        except RecursionError:  # only where the caller's own stack is nearly full
            raise SchemaError(f"{name}: nested too deeply to check") from None
        return found[:MAX_ERRORS]

    def resolve(self, reference: str) -> Any:
        """The subschema that a checked `$ref` of this schema names."""
        return self._resolve(reference, "#")

    def automaton(self, pattern: str) -> Automaton | None:
        """The compiled `pattern` of this schema, or None where it isn't enforced."""
        return self._patterns.get(pattern)

    def _add_pattern(self, pattern: str, pointer: str) -> None:
        if pattern in self._patterns:
            return
        self._patterns[pattern] = None
        try:
            automaton = compile_pattern(pattern)
            self._pattern_states += automaton.size
            if self._pattern_states > MAX_PATTERN_STATES:
                raise UnsupportedPattern(
                    f"the patterns of the schema have more than {MAX_PATTERN_STATES} states"
                )
            self._patterns[pattern] = automaton
        except UnsupportedPattern as error:
            self.unenforced.append(f"{pointer}: the pattern {_shown(pattern)} isn't enforced: {error}")

    def _resolve(self, reference: str, pointer: str) -> Any:
        own = self.document.get("$id") if isinstance(self.document, dict) else None
        if isinstance(own, str) and own and reference.startswith(own.rstrip("#")):
            reference = reference[len(own.rstrip("#")) :] or "#"
        if not reference.startswith("#"):
            raise SchemaError(f"{pointer}: {_shown(reference)} is a remote reference, which is never fetched")
        fragment = unquote(reference[1:])
        if fragment and not fragment.startswith("/"):
            if fragment not in self._anchors:
                raise SchemaError(f"{pointer}: there is no anchor {_shown(fragment)}")
            return self._anchors[fragment]
        target = self.document
        for token in fragment.split("/")[1:]:
            token = token.replace("~1", "/").replace("~0", "~")
            if isinstance(target, dict) and token in target:
                target = target[token]
            elif isinstance(target, list) and token.isdecimal() and int(token[:9]) < len(target):
                target = target[int(token[:9])]
            else:
                raise SchemaError(f"{pointer}: there is nothing at {_shown(reference)}")
        if not isinstance(target, dict | bool):
            raise SchemaError(f"{pointer}: what is at {_shown(reference)} is no schema")
        return target


# --- types and messages -----------------------------------------------------------------------------------


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _is_integer(value: Any) -> bool:
    return type(value) is int or (type(value) is float and value.is_integer())


_TYPES: dict[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": _is_integer,
    "number": _is_number,
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def _shown(value: Any) -> str:
    """A value for a message: short, and on one line."""
    try:
        text = repr(value) if isinstance(value, str) and len(value) <= _ECHO else json.dumps(value)
    except (ValueError, TypeError, RecursionError):
        text = "..."
    return text if len(text) <= _ECHO + 2 else text[: _ECHO - 1] + "..."


def _described(value: Any) -> str:
    """The value's type, and the value itself where it is short."""
    kind = next((name for name, test in _TYPES.items() if test(value)), type(value).__name__)
    if kind == "null" or not isinstance(value, str | int | float):
        return kind
    return f"{kind if kind != 'integer' else 'number'} {_shown(value)}"


def _member(path: str, key: str) -> str:
    if _NAME.fullmatch(key) and len(key) <= _ECHO:
        return f"{path}.{key}"
    return f"{path}[{_shown(key)}]"


def _canonical(value: Any, run: _Run) -> Any:
    """A hashable that is equal for equal JSON values: 1 == 1.0, True != 1, order of members aside."""
    run.spend(1)
    if isinstance(value, dict):
        return ("object", frozenset((key, _canonical(member, run)) for key, member in value.items()))
    if isinstance(value, list):
        return ("array", tuple(_canonical(item, run) for item in value))
    return ("boolean", value) if isinstance(value, bool) else value


# --- the run ----------------------------------------------------------------------------------------------


class _Run:
    """One value against one schema: the bounds that are spent on the way."""

    __slots__ = ("nesting", "schema", "steps")

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.steps = MAX_STEPS
        self.nesting = MAX_NESTING

    def spend(self, steps: int) -> None:
        self.steps -= steps
        if self.steps < 0:
            raise SchemaError(f"the schema takes more than {MAX_STEPS} steps to apply to this value")

    def apply(self, schema: Any, value: Any, path: str, found: list[str]) -> None:
        """Add to `found` what is wrong with `value`."""
        self.spend(1)
        if schema is True:
            return
        if schema is False:
            found.append(f"{path}: nothing is allowed here")
            return
        if self.nesting == 0:
            raise SchemaError(f"{path[:200]}: more than {MAX_NESTING} subschemas within one another")
        self.nesting -= 1
        for keyword, argument in schema.items():
            row = CHECKS.get(keyword)
            if row is not None and len(found) < MAX_ERRORS:
                kind, check = row
                if kind is None or _TYPES[kind](value):
                    self.spend(1)
                    check(self, argument, schema, value, path, found)
        self.nesting += 1

    def fits(self, schema: Any, value: Any, path: str) -> bool:
        return not self.why_not(schema, value, path)

    def why_not(self, schema: Any, value: Any, path: str) -> list[str]:
        found: list[str] = []
        self.apply(schema, value, path, found)
        return found

    def matches(self, pattern: str, text: str) -> bool:
        automaton = self.schema.automaton(pattern)
        return automaton is None or automaton.matches(text, anywhere=True, spend=self.spend)


Check = Callable[[_Run, Any, "dict[str, Any]", Any, str, "list[str]"], None]


def _type(_run: _Run, names: Any, _schema: dict[str, Any], value: Any, path: str, found: list[str]) -> None:
    wanted = [names] if isinstance(names, str) else names
    if not any(_TYPES[name](value) for name in wanted):
        found.append(f"{path}: expected {' or '.join(wanted)}, got {_described(value)}")


def _enum(run: _Run, allowed: Any, _schema: dict[str, Any], value: Any, path: str, found: list[str]) -> None:
    wanted = _canonical(value, run)
    if not any(_canonical(one, run) == wanted for one in allowed):
        shown = ", ".join(_shown(one) for one in allowed[:10]) + (", ..." if len(allowed) > 10 else "")
        found.append(f"{path}: expected one of {shown}, got {_described(value)}")


def _const(run: _Run, wanted: Any, _schema: dict[str, Any], value: Any, path: str, found: list[str]) -> None:
    if _canonical(wanted, run) != _canonical(value, run):
        found.append(f"{path}: expected {_shown(wanted)}, got {_described(value)}")


def _bound(expected: str, holds: Callable[[Any, Any], bool]) -> Check:
    def check(
        _run: _Run, bound: Any, _schema: dict[str, Any], value: Any, path: str, found: list[str]
    ) -> None:
        if not holds(value, bound):
            found.append(f"{path}: expected a number {expected} {_shown(bound)}, got {_shown(value)}")

    return check


def _multiple_of(
    _run: _Run, step: Any, _schema: dict[str, Any], value: Any, path: str, found: list[str]
) -> None:
    if type(value) is int and type(step) is int:
        fits = value % step == 0
    else:
        try:
            quotient = value / step
            # 0.3 is a multiple of 0.1, though binary fractions don't quite agree.
            fits = math.isfinite(quotient) and abs(quotient - round(quotient)) < 1e-9 * max(
                1.0, abs(quotient)
            )
        except OverflowError:
            fits = False
    if not fits:
        found.append(f"{path}: expected a multiple of {_shown(step)}, got {_shown(value)}")


def _size(noun: str, expected: str, holds: Callable[[int, Any], bool]) -> Check:
    def check(
        _run: _Run, bound: Any, _schema: dict[str, Any], value: Any, path: str, found: list[str]
    ) -> None:
        if not holds(len(value), bound):
            found.append(f"{path}: expected {expected} {_shown(bound)} {noun}, got {len(value)}")

    return check


def _pattern(
    run: _Run, pattern: Any, _schema: dict[str, Any], value: Any, path: str, found: list[str]
) -> None:
    if not run.matches(pattern, value):
        found.append(f"{path}: expected a string that matches {_shown(pattern)}, got {_shown(value)}")


def _properties(
    run: _Run, members: Any, _schema: dict[str, Any], value: Any, path: str, found: list[str]
) -> None:
    for key, schema in members.items():
        if key in value:
            run.apply(schema, value[key], _member(path, key), found)


def _pattern_properties(
    run: _Run, by: Any, _schema: dict[str, Any], value: Any, path: str, found: list[str]
) -> None:
    for pattern, schema in by.items():
        if run.schema.automaton(pattern) is None:
            continue
        for key, member in value.items():
            if run.matches(pattern, key):
                run.apply(schema, member, _member(path, key), found)


def _additional(
    run: _Run, rest: Any, schema: dict[str, Any], value: Any, path: str, found: list[str]
) -> None:
    named = schema.get("properties", {})
    patterns = list(schema.get("patternProperties", {}))
    for key, member in value.items():
        if key in named or any(run.matches(pattern, key) for pattern in patterns):
            continue
        if rest is False:
            known = ", ".join(_shown(name) for name in list(named)[:10])
            found.append(
                f"{_member(path, key)}: no such property" + (f"; there are {known}" if known else "")
            )
        else:
            run.apply(rest, member, _member(path, key), found)


def _property_names(
    run: _Run, names: Any, _schema: dict[str, Any], value: Any, path: str, found: list[str]
) -> None:
    for key in value:
        run.apply(names, key, f"{path}: property name {_shown(key)}", found)


def _required(
    _run: _Run, names: Any, _schema: dict[str, Any], value: Any, path: str, found: list[str]
) -> None:
    found.extend(f"{_member(path, name)}: required, but missing" for name in names if name not in value)


def _dependent_required(
    _run: _Run, by: Any, _schema: dict[str, Any], value: Any, path: str, found: list[str]
) -> None:
    for key, names in by.items():
        if key in value:
            missing = [name for name in names if name not in value]
            found.extend(
                f"{_member(path, name)}: required with {_shown(key)}, but missing" for name in missing
            )


def _dependent_schemas(
    run: _Run, by: Any, _schema: dict[str, Any], value: Any, path: str, found: list[str]
) -> None:
    for key, schema in by.items():
        if key in value:
            run.apply(schema, value, path, found)


def _prefix_items(
    run: _Run, prefix: Any, _schema: dict[str, Any], value: Any, path: str, found: list[str]
) -> None:
    for index, (schema, item) in enumerate(zip(prefix, value, strict=False)):
        run.apply(schema, item, f"{path}[{index}]", found)


def _items(run: _Run, items: Any, schema: dict[str, Any], value: Any, path: str, found: list[str]) -> None:
    if isinstance(items, list):  # before 2020-12
        _prefix_items(run, items, schema, value, path, found)
        start, items = len(items), schema.get("additionalItems", True)
    else:
        start = len(schema.get("prefixItems", ()))
    for index in range(start, len(value)):
        if len(found) >= MAX_ERRORS:
            return
        run.apply(items, value[index], f"{path}[{index}]", found)


def _contains(run: _Run, schema: Any, outer: dict[str, Any], value: Any, path: str, found: list[str]) -> None:
    low, high = outer.get("minContains", 1), outer.get("maxContains")
    count = sum(run.fits(schema, item, path) for item in value)
    if count < low:
        found.append(f"{path}: expected at least {low} items that fit `contains`, got {count}")
    elif high is not None and count > high:
        found.append(f"{path}: expected at most {high} items that fit `contains`, got {count}")


def _unique_items(
    run: _Run, unique: Any, _schema: dict[str, Any], value: Any, path: str, found: list[str]
) -> None:
    seen: dict[Any, int] = {}
    for index, item in enumerate(value) if unique else ():
        first = seen.setdefault(_canonical(item, run), index)
        if first != index:
            found.append(f"{path}[{index}]: expected unique items, got the same as {path}[{first}]")
            return


def _all_of(
    run: _Run, schemas: Any, _schema: dict[str, Any], value: Any, path: str, found: list[str]
) -> None:
    for schema in schemas:
        run.apply(schema, value, path, found)


def _any_of(
    run: _Run, schemas: Any, _schema: dict[str, Any], value: Any, path: str, found: list[str]
) -> None:
    reasons: list[str] = []
    for schema in schemas:
        why = run.why_not(schema, value, path)
        if not why:
            return
        reasons.append(why[0])
    found.append(
        f"{path}: fits none of {len(schemas)} alternatives ({'; '.join(dict.fromkeys(reasons[:5]))})"
    )


def _one_of(
    run: _Run, schemas: Any, _schema: dict[str, Any], value: Any, path: str, found: list[str]
) -> None:
    reasons = [run.why_not(schema, value, path) for schema in schemas]
    fitting = [index for index, why in enumerate(reasons) if not why]
    if not fitting:
        shown = "; ".join(dict.fromkeys(why[0] for why in reasons[:5]))
        found.append(f"{path}: fits none of {len(schemas)} alternatives ({shown})")
    elif len(fitting) > 1:
        found.append(f"{path}: expected to fit one alternative only, fits {fitting[0]} and {fitting[1]}")


def _not(run: _Run, schema: Any, _schema: dict[str, Any], value: Any, path: str, found: list[str]) -> None:
    if run.fits(schema, value, path):
        found.append(f"{path}: fits what `not` excludes")


def _if(run: _Run, condition: Any, schema: dict[str, Any], value: Any, path: str, found: list[str]) -> None:
    branch = schema.get("then" if run.fits(condition, value, path) else "else", True)
    run.apply(branch, value, path, found)


def _ref(run: _Run, reference: Any, _schema: dict[str, Any], value: Any, path: str, found: list[str]) -> None:
    run.apply(run.schema.resolve(reference), value, path, found)


# keyword -> (the type of value it applies to, or None for every type; the check). minContains, maxContains,
# then, else and additionalItems are read by the keyword they belong to.
CHECKS: Mapping[str, tuple[str | None, Check]] = {
    "type": (None, _type),
    "enum": (None, _enum),
    "const": (None, _const),
    "minimum": ("number", _bound(">=", lambda value, bound: value >= bound)),
    "maximum": ("number", _bound("<=", lambda value, bound: value <= bound)),
    "exclusiveMinimum": ("number", _bound(">", lambda value, bound: value > bound)),
    "exclusiveMaximum": ("number", _bound("<", lambda value, bound: value < bound)),
    "multipleOf": ("number", _multiple_of),
    "minLength": ("string", _size("characters", "at least", lambda size, bound: size >= bound)),
    "maxLength": ("string", _size("characters", "at most", lambda size, bound: size <= bound)),
    "pattern": ("string", _pattern),
    "required": ("object", _required),
    "properties": ("object", _properties),
    "patternProperties": ("object", _pattern_properties),
    "additionalProperties": ("object", _additional),
    "propertyNames": ("object", _property_names),
    "minProperties": ("object", _size("properties", "at least", lambda size, bound: size >= bound)),
    "maxProperties": ("object", _size("properties", "at most", lambda size, bound: size <= bound)),
    "dependentRequired": ("object", _dependent_required),
    "dependentSchemas": ("object", _dependent_schemas),
    "prefixItems": ("array", _prefix_items),
    "items": ("array", _items),
    "contains": ("array", _contains),
    "minItems": ("array", _size("items", "at least", lambda size, bound: size >= bound)),
    "maxItems": ("array", _size("items", "at most", lambda size, bound: size <= bound)),
    "uniqueItems": ("array", _unique_items),
    "allOf": (None, _all_of),
    "anyOf": (None, _any_of),
    "oneOf": (None, _one_of),
    "not": (None, _not),
    "if": (None, _if),
    "$ref": (None, _ref),
    "$dynamicRef": (None, _ref),
}


# --- checking a schema itself -----------------------------------------------------------------------------


def _is_count(value: Any) -> bool:
    return _is_integer(value) and value >= 0


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _is_type(value: Any) -> bool:
    names = value if isinstance(value, list) else [value]
    return bool(names) and all(isinstance(name, str) and name in _TYPES for name in names)


# What a keyword's argument must be, for those that hold no subschema: (keywords, test, what is expected).
_SHAPES: tuple[tuple[tuple[str, ...], Callable[[Any], bool], str], ...] = (
    (("type",), _is_type, f"one of {', '.join(_TYPES)}, or an array of those"),
    (("enum",), lambda v: isinstance(v, list), "an array"),
    (("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _is_number, "a number"),
    (("multipleOf",), lambda v: _is_number(v) and v > 0, "a number above 0"),
    (("minLength", "maxLength", "minItems", "maxItems"), _is_count, "a number of at least 0"),
    (("minProperties", "maxProperties", "minContains", "maxContains"), _is_count, "a number of at least 0"),
    (("uniqueItems",), lambda v: isinstance(v, bool), "a boolean"),
    (("required",), _is_names, "an array of strings"),
    (
        ("dependentRequired",),
        lambda v: isinstance(v, dict) and all(_is_names(names) for names in v.values()),
        "an object of arrays of strings",
    ),
    (
        ("pattern", "$ref", "$dynamicRef", "$anchor", "$dynamicAnchor"),
        lambda v: isinstance(v, str),
        "a string",
    ),
)
_SHAPE_OF = {keyword: (test, expected) for keywords, test, expected in _SHAPES for keyword in keywords}

_ONE = (
    "additionalProperties",
    "propertyNames",
    "contains",
    "not",
    "if",
    "then",
    "else",
    "items",
    "additionalItems",
)
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_MAPS = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")


class _Checker:
    """Walks every subschema once, without recursion: schemas may nest as deep as JSON may."""

    __slots__ = ("add_pattern", "anchors", "checked", "references", "work")

    def __init__(self, anchors: dict[str, Any], add_pattern: Callable[[str, str], None]) -> None:
        self.anchors = anchors
        self.add_pattern = add_pattern
        self.references: list[tuple[str, str]] = []
        self.checked: set[int] = set()
        self.work: list[tuple[str, Any]] = []

    def check(self, pointer: str, document: Any) -> None:
        """Check `document` and what is in it; add its `$ref`s, which aren't followed, to `references`."""
        self.work.append((pointer, document))
        while self.work:
            pointer, schema = self.work.pop()
            if isinstance(schema, bool) or id(schema) in self.checked:
                continue
            if not isinstance(schema, dict):
                raise SchemaError(f"{pointer}: a schema is an object or a boolean, not {_described(schema)}")
            self.checked.add(id(schema))
            for keyword, argument in schema.items():
                self._check_keyword(keyword, argument, f"{pointer}/{keyword[:_ECHO]}")
            for keyword in ("$anchor", "$dynamicAnchor"):
                if keyword in schema:
                    self.anchors[schema[keyword]] = schema

    def _check_keyword(self, keyword: str, argument: Any, pointer: str) -> None:
        if keyword in _SHAPE_OF:
            test, expected = _SHAPE_OF[keyword]
            if not test(argument):
                raise SchemaError(f"{pointer}: expected {expected}, got {_described(argument)}")
        if keyword == "$schema" and not (isinstance(argument, str) and _DIALECT.fullmatch(argument)):
            raise SchemaError(f"{pointer}: the dialect {_shown(argument)} isn't supported; 2020-12 is")
        if keyword in ("$ref", "$dynamicRef"):
            self.references.append((pointer, argument))
        elif keyword == "pattern":
            self.add_pattern(argument, pointer)
        elif keyword in _LISTS or (keyword == "items" and isinstance(argument, list)):
            self._add_list(argument, pointer)
        elif keyword in _ONE:
            self.work.append((pointer, argument))
        elif keyword in _MAPS:
            self._add_map(keyword, argument, pointer)

    def _add_list(self, argument: Any, pointer: str) -> None:
        if not isinstance(argument, list) or not argument:
            raise SchemaError(f"{pointer}: expected an array of schemas, got {_described(argument)}")
        self.work.extend((f"{pointer}/{index}", schema) for index, schema in enumerate(argument))

    def _add_map(self, keyword: str, argument: Any, pointer: str) -> None:
        if not isinstance(argument, dict):
            raise SchemaError(f"{pointer}: expected an object of schemas, got {_described(argument)}")
        for name, schema in argument.items():
            if keyword == "patternProperties":
                self.add_pattern(name, pointer)
            self.work.append((f"{pointer}/{name[:_ECHO]}", schema))
