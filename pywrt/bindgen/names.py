"""WIT names to Python names: functions and fields in snake_case, classes in PascalCase.

Strategy: every name has a list of spellings, the shortest first. Names that share a spelling all move on to
their next one, so that `log-level` of two interfaces becomes `ContentLogLevel` and `CapabilitiesLogLevel`
whichever comes first; what is still taken in the end gets an underscore, or a number.
"""

import keyword
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)

#: What can't name a member of a class: decorators that its other members are written with.
_DECORATORS = frozenset({"classmethod", "property", "staticmethod"})


def snake(label: str) -> str:
    """The name of a function, parameter or field: `read-only` is `read_only`, `from` is `from_`."""
    name = label.lower().replace("-", "_")
    return f"{name}_" if keyword.iskeyword(name) or name in _DECORATORS else name


def pascal(label: str) -> str:
    """The name of a class, or a part of it: `log-level` is `LogLevel`."""
    return "".join([part[0].upper() + part[1:] for part in label.split("-")])


def distinct(spellings: Mapping[Key, Sequence[str]], reserved: Iterable[str] = ()) -> dict[Key, str]:
    """A name of its own for each key, none of them `reserved`; see the module's docstring."""
    taken = {*reserved, *keyword.kwlist}
    found: dict[Key, str] = {}
    for level in range(max(map(len, spellings.values()), default=0)):
        left = {k: names[level] for k, names in spellings.items() if k not in found and level < len(names)}
        count = Counter(left.values())
        found.update({k: name for k, name in left.items() if count[name] == 1 and name not in taken})
        taken.update(found.values())
    for key, names in spellings.items():
        if key not in found:
            found[key] = _free(names[-1], taken)
            taken.add(found[key])
    return {key: found[key] for key in spellings}


def _free(name: str, taken: set[str]) -> str:
    made, number = name, 1
    while made in taken:
        made, number = (f"{name}_" if number == 1 else f"{name}_{number}"), number + 1
    return made


def member_names(labels: Iterable[str], reserved: Iterable[str] = ()) -> dict[str, str]:
    """Names for the fields of a record, the parameters of a function, the functions of a resource."""
    return distinct({label: (snake(label),) for label in labels}, reserved)


def attribute_names(externs: Iterable[str], reserved: Iterable[str] = ()) -> dict[str, str]:
    """Names for what a component imports or exports: `wasi:cli/run@0.2.0` is `run` if no other is."""
    names = list(externs)
    functions = member_names([name for name in names if ":" not in name], reserved)
    spellings = {name: [snake(s) for s in interface_labels(name)] for name in names if ":" in name}
    found = {**functions, **distinct(spellings, {*reserved, *functions.values()})}
    return {name: found[name] for name in names}


def interface_labels(name: str) -> list[str]:
    """The labels that may stand for an interface: its own, with its package, with the version."""
    path, _, version = name.partition("@")
    package, _, interface = path.rpartition("/")
    if not package:
        return [interface]
    namespace, _, plain = package.partition(":")
    labels = [interface, f"{plain}-{interface}", f"{namespace}-{plain}-{interface}"]
    if version:
        digits = "".join([c if c.isalnum() else "-" for c in version])
        labels.append(f"{labels[-1]}-{digits}")
    return labels


def module_name(interface: str) -> str:
    """The Python module that stands for an interface: `lab:hello/host@0.1.0` is `lab_hello_host`."""
    return snake(interface.partition("@")[0].replace(":", "-").replace("/", "-"))
