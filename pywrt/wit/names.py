"""Names of imports, exports and labels. Spec: component-model Explainer.md#import-and-export-definitions.

A label is in kebab case: words of lower-case letters and digits, acronyms of upper-case ones, joined by
hyphens, the first beginning with a letter. An extern name is a plain name (a label, or one annotated with
`[constructor]`, `[method]` or `[static]`) or an interface name `namespace:package/interface@version`, in
which namespaces, and packages in packages, may be nested where that is allowed.

Nothing here uses `re`, so that loading a component compiles nothing.
"""

from dataclasses import dataclass

from pywrt.errors import InvalidError

LOWER = frozenset("abcdefghijklmnopqrstuvwxyz")
UPPER = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
DIGITS = frozenset("0123456789")
WORD = LOWER | DIGITS
ACRONYM = UPPER | DIGITS
#: Characters of a semantic version's pre-release and build identifiers.
IDENTIFIER = LOWER | UPPER | DIGITS | {"-"}

CONSTRUCTOR = "[constructor]"
METHOD = "[method]"
STATIC = "[static]"


def is_label(text: str) -> bool:
    """Whether `text` is a `label`, that is, in kebab case."""
    if not text or text[0] in DIGITS:
        return False
    return all(part and (WORD.issuperset(part) or ACRONYM.issuperset(part)) for part in text.split("-"))


def is_words(text: str) -> bool:
    """Whether `text` is `words`: a label without acronyms, as namespaces and packages are."""
    if not text or text[0] not in LOWER:
        return False
    return all(part and WORD.issuperset(part) for part in text.split("-"))


@dataclass(frozen=True, slots=True)
class Version:
    """A semantic version, or a canonical version with less parts (`minor` or `patch` is None)."""

    major: int
    minor: int | None
    patch: int | None
    prerelease: str = ""
    build: str = ""

    @property
    def order(self) -> tuple[int, int, int]:
        """A key that sorts releases by age."""
        return (self.major, self.minor or 0, self.patch or 0)

    @property
    def canonical(self) -> bool:
        """Whether this is a `canonversion`: no more numbers than `compatible` has."""
        return not self.prerelease and not self.build and str(self) == self.compatible

    def __str__(self) -> str:
        numbers = ".".join([str(n) for n in (self.major, self.minor, self.patch) if n is not None])
        release = f"-{self.prerelease}" if self.prerelease else ""
        return f"{numbers}{release}+{self.build}" if self.build else numbers + release

    @property
    def compatible(self) -> str | None:
        """What versions that may stand in for each other have in common; None for pre-releases."""
        if self.prerelease:
            return None
        if self.major or self.minor is None:
            return str(self.major)
        if self.minor or self.patch is None:
            return f"0.{self.minor}"
        return f"0.0.{self.patch}"


@dataclass(frozen=True, slots=True)
class ExternName:
    """A parsed extern name.

    `kind` is "label", "constructor", "method", "static" or "interface"; `resource` and `label` are the parts
    of an annotated name; `interface` is `ns:package/name` and `version` what follows its `@`.
    """

    kind: str
    label: str = ""
    resource: str = ""
    interface: str = ""
    version: Version | None = None


def parse_extern_name(name: str, what: str = "extern", nested: bool = False) -> ExternName:
    """Parse `name`; InvalidError saying which part of it is wrong. `what` says what the name is of.

    `nested` allows nested namespaces and packages.
    """
    try:
        return _parse(name, nested)
    except ValueError as error:
        raise InvalidError(f"{what} name `{name}` is not a valid extern name: {error}") from None


def parse_interface_name(name: str, what: str = "interface", nested: bool = False) -> ExternName:
    """Parse a name that must be an interface name; InvalidError otherwise."""
    try:
        parsed = _parse(name, nested)
    except ValueError as error:
        raise InvalidError(f"{what} name `{name}` is not a valid name: {error}") from None
    if parsed.kind != "interface":
        raise InvalidError(f"{what} name `{name}` must be an interface")
    return parsed


def canonical_name(name: str) -> str:
    """What two names must differ in to be strongly unique. Spec: Explainer.md#name-uniqueness"""
    lowered = name.lower()
    for prefix in (METHOD, STATIC):
        if lowered.startswith(prefix):
            plain = lowered[len(prefix) :]
            resource, _, label = plain.partition(".")
            return resource if resource == label else plain
    return lowered


def compatible_key(name: str) -> str | None:
    """`ns:package/name@` and the part of the version that compatible interfaces share.

    None where only the very same name will do: plain names, no version, pre-releases, invalid names.
    """
    if ":" not in name or "@" not in name:
        return None
    try:
        parsed = _parse(name, nested=True)
    except ValueError:
        return None
    compatible = parsed.version.compatible if parsed.version is not None else None
    return None if compatible is None else f"{parsed.interface}@{compatible}"


def interface_version(name: str) -> tuple[int, int, int]:
    """The version of interface `name` as numbers that compare by age; zeros if it has none."""
    try:
        version = _parse(name, nested=True).version
    except ValueError:
        return (0, 0, 0)
    return (0, 0, 0) if version is None else version.order


def _parse(name: str, nested: bool = False) -> ExternName:
    if name.startswith(CONSTRUCTOR):
        resource = name[len(CONSTRUCTOR) :]
        return ExternName("constructor", resource=_label(resource))
    for kind, prefix in (("method", METHOD), ("static", STATIC)):
        if name.startswith(prefix):
            resource, dot, label = name[len(prefix) :].partition(".")
            if not dot:
                raise ValueError("failed to find `.` character")
            return ExternName(kind, resource=_label(resource), label=_label(label))
    if ":" in name:
        return _interface(name, nested)
    return ExternName("label", label=_label(name))


def _label(text: str) -> str:
    if not is_label(text):
        raise ValueError(f"`{text}` is not in kebab case")
    return text


def _words(text: str) -> str:
    if not is_words(text):
        raise ValueError(f"`{text}` is not in kebab case")
    return text


def _interface(name: str, nested: bool) -> ExternName:
    namespace, _, rest = name.partition(":")
    _words(namespace)
    start, end = 0, _end(rest, 0)
    _words(rest[:end])
    while nested and rest[end : end + 1] == ":":
        start, end = end + 1, _end(rest, end + 1)
        _words(rest[start:end])
    if rest[end : end + 1] != "/":
        raise ValueError("expected `/` after package name")
    start, end = end + 1, _end(rest, end + 1)
    _label(rest[start:end])
    while nested and rest[end : end + 1] == "/":
        start, end = end + 1, _end(rest, end + 1)
        _label(rest[start:end])
    interface = f"{namespace}:{rest[:end]}"
    if end == len(rest):
        return ExternName("interface", interface=interface)
    if rest[end] != "@":
        raise ValueError(f"trailing characters found: `{rest[end:]}`")
    return ExternName("interface", interface=interface, version=parse_version(rest[end + 1 :]))


def _end(text: str, start: int) -> int:
    """Where the part of an interface name that begins at `start` ends."""
    return next((i for i in range(start, len(text)) if text[i] in ":/@"), len(text))


def parse_version(text: str) -> Version:
    """Parse a semantic version or canonical version; ValueError says what is wrong with it."""
    if not text:
        raise ValueError("empty string, expected a semver version")
    numbers: list[int] = []
    pos = 0
    for part in ("major", "minor", "patch"):
        start = pos
        while pos < len(text) and text[pos] in DIGITS:
            pos += 1
        if pos == start:
            found = f"unexpected character '{text[pos]}'" if pos < len(text) else "unexpected end of input"
            raise ValueError(f"{found} while parsing {part} version number")
        if text[start] == "0" and pos - start > 1:
            raise ValueError(f"invalid leading zero in {part} version number")
        if pos - start > 20:
            raise ValueError(f"value of {part} version number exceeds its limit")
        numbers.append(int(text[start:pos]))
        if pos == len(text) or part == "patch":
            break
        if text[pos] != ".":
            raise ValueError(f"unexpected character '{text[pos]}' after {part} version number")
        pos += 1
    if len(numbers) < 3 and not _is_canonical(numbers):
        raise ValueError("unexpected end of input while parsing semver version")
    return _suffix(text, pos, numbers)


def _is_canonical(numbers: list[int]) -> bool:
    """`canonversion`: only leading zeros and the first number that isn't."""
    return numbers[-1] > 0 and not any(numbers[:-1])


def _suffix(text: str, pos: int, numbers: list[int]) -> Version:
    rest = text[pos:]
    if rest and rest[0] not in "-+":
        raise ValueError(f"unexpected character '{rest[0]}' after patch version number")
    release, plus, build = rest.partition("+")
    for part, shown, numeric in ((release, "pre-release identifier", True), (build, "build metadata", False)):
        if part or (plus and not numeric):
            for segment in (part[1:] if numeric else part).split("."):
                _identifier(segment, shown, numeric)
    minor = numbers[1] if len(numbers) > 1 else None
    patch = numbers[2] if len(numbers) > 2 else None
    return Version(numbers[0], minor, patch, release[1:], build)


def _identifier(segment: str, shown: str, numeric: bool) -> None:
    if not segment:
        raise ValueError(f"empty identifier segment in {shown}")
    for c in segment:
        if c not in IDENTIFIER:
            raise ValueError(f"unexpected character '{c}' in {shown}")
    if numeric and segment[0] == "0" and len(segment) > 1 and DIGITS.issuperset(segment):
        raise ValueError(f"invalid leading zero in {shown}")
