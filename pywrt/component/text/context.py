"""Where a component's parser is: the cursor, and the scopes that enclose it.

Strategy: a definition is read into parts, which are bytes and references. Whatever it implies (types
written in place, instances given as arguments) is defined on the way, before it. Then its references are
resolved in order, which may define aliases: of outer definitions, and of exports that references name. What
results is its encoding, and only then does it take its index, so that nothing refers to itself.
"""

from collections.abc import Iterable

from pywrt.component.tables import MAX_NESTING, OUTER_ALIAS_SORTS
from pywrt.component.text.encoding import ALIAS, SORT_BYTES, name_bytes, vector
from pywrt.component.text.scope import COMPONENT_KIND, Scope
from pywrt.errors import MalformedError
from pywrt.wasm.text.cursor import Cursor, read_name
from pywrt.wasm.text.instructions import signed, unsigned
from pywrt.wasm.text.lexer import CUSTOM, NAME, NAMES, OWN_NAME, Annotation, Tokens

#: Attributes of import and export names, in the order of their codes. Spec: Binary.md, `attribute`
ATTRIBUTES = ("implements", "versionsuffix", "external-id")


class Binding:
    """The identifier, and the name that an annotation gives, of what has not its index yet.

    `own_name` is what a module or component calls itself: the same, unless an annotation says otherwise.
    """

    __slots__ = ("annotated", "name", "own_name", "start")

    def __init__(
        self, name: str | None, annotated: str | None, start: int, own: Annotation | None = None
    ) -> None:
        self.name = name
        self.annotated = annotated
        self.start = start  # its token, for messages
        if own is None:
            self.own_name = name if annotated is None else annotated
        else:
            self.own_name = read_name(own) if own.content.texts[0] else None


ANONYMOUS = Binding(None, None, 0)


class Ref:
    """A reference that is not resolved: to `index` of `sort` or, through `names` of exports, from there.

    Value types are `signed` indices.
    """

    __slots__ = ("index", "names", "signed", "sort", "start")

    def __init__(
        self, sort: str, index: int | str, start: int, names: tuple[str, ...] = (), signed: bool = False
    ) -> None:
        self.sort = sort
        self.index = index
        self.start = start
        self.names = names
        self.signed = signed


Part = bytes | Ref


class ComponentCursor(Cursor):
    """A cursor in the component text format, whose keywords are other than a module's."""

    __slots__ = ()

    def error(self, message: str, index: int | None = None, feature: str | None = None) -> MalformedError:
        """An error at token `index`, by default the next one."""
        # the component suite has another name for this one
        message = message.replace("illegal escape", "invalid string escape", 1)
        return super().error(message, index, feature)

    def unexpected(self, index: int | None = None, wanted: str = "") -> MalformedError:
        """What is wrong with a token that can't stand here; `wanted` says what can."""
        index = self.i if index is None else index
        token = self.texts[index]
        suffix = f", expected {wanted}" if wanted else ""
        if token == "":
            return self.error(f"unexpected token: end of input{suffix}", index)
        if token in ("$", '$""'):
            return self.error("empty identifier", index)
        shown = token if len(token) <= 60 else token[:57] + "..."
        return self.error(f"unexpected token {shown}{suffix}", index)


class Context:
    """A component's parser: `scope` is the innermost of the scopes around the cursor."""

    __slots__ = ("cursor", "customs", "depth", "own_names", "scope")

    def __init__(self, tokens: Tokens, start: int = 0) -> None:
        self.cursor = ComponentCursor(tokens, start)
        self.cursor.name_annotations = {a.index: a for a in reversed(tokens.annotations) if a.name == NAME}
        self.own_names = {a.index: a for a in tokens.annotations if a.name == OWN_NAME}
        #: Custom sections that annotations say, and where that of names is, by the token that they precede.
        self.customs: dict[int, list[Annotation]] = {}
        for annotation in tokens.annotations:
            if annotation.name in (CUSTOM, NAMES):
                self.customs.setdefault(annotation.index, []).append(annotation)
        self.scope = Scope(COMPONENT_KIND, None, None)
        self.depth = 0

    def descend(self) -> None:
        """Count a level of nesting, which `ascend` ends. MalformedError if it is one too many."""
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise self.cursor.error(f"nesting too deep: more than {MAX_NESTING} levels")

    def ascend(self) -> None:
        self.depth -= 1

    def open_scope(self, kind: str, name: str | None) -> Scope:
        """Enter a scope within the present one."""
        self.descend()
        self.scope = Scope(kind, name, self.scope)
        return self.scope

    def close_scope(self) -> None:
        """Return to the scope around the present one."""
        self.ascend()
        assert self.scope.parent is not None
        self.scope = self.scope.parent

    # Identifiers and indices

    def binding(self) -> Binding:
        """The identifier that comes next, if one does, and the name that an annotation gives."""
        start = self.cursor.i
        name = self.cursor.identifier()
        return Binding(name, self.cursor.annotated_name(), start, self.own_names.get(self.cursor.i))

    def add(self, sort: str, binding: Binding = ANONYMOUS) -> int:
        """Take the next index of a sort."""
        space = self.scope.space(sort)
        index = space.count
        if binding.name is not None:
            if binding.name in space.names:
                raise self.cursor.error(f"duplicate {sort} ${binding.name}", binding.start)
            space.names[binding.name] = index
        if binding.annotated is not None:
            space.annotated[index] = binding.annotated
        space.count += 1
        return index

    def index(self, sort: str) -> Ref:
        """`<idx>`"""
        start = self.cursor.i
        name = self.cursor.identifier()
        return Ref(sort, self.cursor.natural("an index") if name is None else name, start)

    def path(self, sort: str) -> Ref:
        """`<idx> <name>*`"""
        ref = self.index(sort)
        names = []
        while self.cursor.at_string():
            names.append(self.cursor.name())
        ref.names = tuple(names)
        return ref

    def reference(self, sort: str, prefixed: bool = True) -> Ref:
        """`<idx>` or `(sort <idx> <name>*)`; a core sort has `core` in front where `prefixed`."""
        cursor = self.cursor
        if cursor.at_index():
            return self.index(sort)
        cursor.expect("(")
        for word in sort.split() if prefixed else sort.split()[-1:]:
            cursor.expect(word)
        ref = self.path(sort)
        cursor.expect(")")
        return ref

    def lenient_reference(self, sort: str) -> Ref:
        """As `reference`, of a core sort; older texts leave out the `core`."""
        return self.reference(sort, prefixed=self.cursor.at("core"))

    def any_reference(self, in_core: bool = False) -> Ref:
        """`(sort <idx> <name>*)` of any sort; all sorts are core sorts if `in_core`."""
        self.cursor.expect("(")
        ref = self.path(self.sort(in_core))
        self.cursor.expect(")")
        return ref

    def sort(self, in_core: bool = False) -> str:
        """The sort that comes next."""
        cursor = self.cursor
        is_core = in_core or cursor.accept("core")
        word = cursor.texts[cursor.i]
        sort = f"core {word}" if is_core else word
        if sort not in SORT_BYTES:
            raise cursor.unexpected(wanted="a sort")
        cursor.i += 1
        return sort

    def at_reference(self) -> bool:
        """Whether `(keyword <idx>)` or `(keyword <idx> <name>...` comes next: a use, no definition."""
        texts, i = self.cursor.texts, self.cursor.i
        if texts[i] != "(" or texts[i + 1] == "":
            return False
        index = texts[i + 2]
        if index[:1] != "$" and not index[:1].isdecimal():
            return False
        following = texts[i + 3]
        return following == ")" or following[:1] == '"'

    # Resolving

    def encode(self, parts: Iterable[Part]) -> bytes:
        """The encoding of what was read."""
        encoded = []
        for part in parts:
            if isinstance(part, Ref):
                index = self.resolve(part)
                part = signed(index) if part.signed else unsigned(index)
            encoded.append(part)
        return b"".join(encoded)

    def resolve(self, ref: Ref) -> int:
        """The index that a reference means; aliases that it needs are defined first."""
        if not ref.names:
            return self._lookup(ref.sort, ref)
        is_core = ref.sort.startswith("core ") and ref.sort != "core module"
        instances = "core instance" if is_core else "instance"
        index = self._lookup(instances, ref)
        for name in ref.names[:-1]:
            index = self.alias_export(instances, index, name, instances)
        return self.alias_export(instances, index, ref.names[-1], ref.sort)

    def _lookup(self, sort: str, ref: Ref) -> int:
        name = ref.index
        if isinstance(name, int):
            return name
        scope: Scope | None = self.scope
        count = 0
        while scope is not None:
            index = scope.find(sort, name)
            if index is not None:
                return index if count == 0 else self._implied_alias(sort, count, index, name, ref)
            scope, count = scope.parent, count + 1
        raise self.cursor.error(f"unknown {sort} ${name}", ref.start)

    def _implied_alias(self, sort: str, count: int, index: int, name: str, ref: Ref) -> int:
        """An alias for the identifier of an outer definition. Spec: Explainer.md#alias-definitions"""
        if sort not in OUTER_ALIAS_SORTS:
            raise self.cursor.error(f"outer item `{name}` is not a module, type, or component", ref.start)
        alias = self.alias_outer(sort, count, index)
        self.scope.implied[sort, name] = alias
        return alias

    def alias_export(
        self, instances: str, instance: int, name: str, sort: str, binding: Binding = ANONYMOUS
    ) -> int:
        """Define an alias of an instance's export; `instances` is the instance's sort."""
        target = b"\x01" if instances == "core instance" else b"\x00"
        content = SORT_BYTES[sort] + target + unsigned(instance) + name_bytes(name)
        self.scope.define(ALIAS, content)
        return self.add(sort, binding)

    def alias_outer(self, sort: str, count: int, index: int, binding: Binding = ANONYMOUS) -> int:
        """Define an alias of what an enclosing scope has, `count` scopes outwards."""
        self.scope.define(ALIAS, SORT_BYTES[sort] + b"\x02" + unsigned(count) + unsigned(index))
        alias = self.add(sort, binding)
        outer = self._enclosing(count)
        if sort == "type" and outer is not None and index in outer.types:
            self.scope.types[alias] = outer.types[index]
        return alias

    def _enclosing(self, count: int) -> Scope | None:
        """The scope `count` scopes outwards; None if there are fewer."""
        scope: Scope | None = self.scope
        while count and scope is not None:
            scope, count = scope.parent, count - 1
        return scope

    def outer(self, outer: Ref, target: Ref) -> tuple[int, int]:
        """What `alias outer` is of: how many scopes outwards, and the index there.

        Numbers alone are left to validation.
        """
        count = self._scope_named(outer.index, outer.start) if isinstance(outer.index, str) else outer.index
        if isinstance(target.index, int):
            return count, target.index
        scope = self._enclosing(count)
        if scope is None:
            raise self.cursor.error(f"outer count of `{count}` is too large", outer.start)
        index = scope.find(target.sort, target.index)
        if index is None:
            raise self.cursor.error(f"unknown {target.sort} ${target.index}", target.start)
        return count, index

    def _scope_named(self, name: str, start: int) -> int:
        """How many scopes outwards the one with an identifier is; `start` is its token."""
        scope: Scope | None = self.scope
        count = 0
        while scope is not None:
            if scope.name == name:
                return count
            scope, count = scope.parent, count + 1
        raise self.cursor.error(f"outer component `{name}` not found", start)

    # Names of imports and exports

    def extern_name(self) -> bytes:
        """A name with its attributes, encoded. Spec: Binary.md#import-and-export-definitions"""
        cursor = self.cursor
        name = name_bytes(cursor.name())
        found: dict[str, bytes] = {}
        while cursor.texts[cursor.i] == "(" and cursor.texts[cursor.i + 1] in ATTRIBUTES:
            attribute = cursor.texts[cursor.i + 1]
            if attribute in found:
                raise cursor.unexpected(cursor.i + 1, "an attribute that the name has not yet")
            cursor.i += 2
            found[attribute] = bytes((ATTRIBUTES.index(attribute),)) + name_bytes(cursor.name())
            cursor.expect(")")
        return b"\x02" + name + vector(list(found.values())) if found else b"\x00" + name

    def at_inline(self, keyword: str) -> bool:
        """Whether `(keyword name attribute*)` comes next, closed there, which is no definition."""
        texts, i = self.cursor.texts, self.cursor.i
        if texts[i] != "(" or texts[i + 1] != keyword or texts[i + 2][:1] != '"':
            return False
        i += 3
        while (
            texts[i] == "(" and texts[i + 1] in ATTRIBUTES and texts[i + 2][:1] == '"' and texts[i + 3] == ")"
        ):
            i += 4
        return texts[i] == ")"
