"""`pywrt inspect`: what a file is, what it imports and exports, and what its bytes are spent on.

Strategy: `describe` makes a description of plain data, which is what --json prints; the text for people is
written from it. Types are spelled as WIT does, with the names that an interface gives them.
"""

import argparse
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from pywrt.api import Engine, Module
from pywrt.cli.files import COMPONENT, CORE_MODULE, HOW_TO_RUN, Binary, load, role_of
from pywrt.cli.sections import core_modules, printable, sections_of
from pywrt.component import Component, Extern, InstanceType
from pywrt.config import Config
from pywrt.errors import WasmError
from pywrt.wasm import types as core
from pywrt.wasm.binary import decode_module, module_name
from pywrt.wasm.module import Module as ModuleSyntax
from pywrt.wit import types as wit

_EXAMPLES = """\
examples:
  pywrt inspect app.wasm
  pywrt inspect --json app.wasm | python -m json.tool
"""


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser(
        "inspect",
        help="tell what a file is and what it imports and exports",
        description="Tell what a file is, its imports and exports with their types, memories and sections.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("file", metavar="FILE", help="a module or component, binary or text")
    parser.add_argument("--json", action="store_true", help="print the same for programs")
    parser.set_defaults(handler=run)


def run(options: argparse.Namespace) -> int:
    """The subcommand; returns the exit status."""
    description = describe(load(options.file))
    if options.json:
        print(json.dumps(description, ensure_ascii=False))
    else:
        for line in lines_of(description):
            print(printable(line))
    return 0


def describe(binary: Binary) -> dict[str, Any]:
    """What there is to say about a file, as JSON's types; CommandError if it can't be decoded."""
    description: dict[str, Any] = {"file": binary.path, "kind": binary.kind, "size": len(binary.data)}
    engine = Engine(Config(eager_validation=False))  # bodies are not what is asked about
    try:
        if binary.kind == COMPONENT:
            component = Component(engine, binary.data)
            role = role_of(component)
            description |= {"role": role, "run": HOW_TO_RUN[role].format(binary.path)}
            description |= {"name": component.name} if component.name is not None else {}
            imports, exports = component.imports(), component.exports()
            # A type that an interface uses may have its name in another one only.
            names = _type_names(exports) | _type_names(imports)
            description["imports"] = _externs(imports, names)
            description["exports"] = _externs(exports, names)
            description["coreModules"] = [
                {"offset": start, "size": end - start}
                | _module_summary(decode_module(binary.data, start, end))
                for start, end in core_modules(binary.data)
            ]
        else:
            module = Module(engine, binary.data)
            syntax = module.compiled.module
            description["run"] = f"pywrt run --invoke NAME {binary.path} [ARGS...]"
            description["imports"] = [
                {"module": module, "name": name, "kind": type.kind, "type": str(type)}
                for module, name, type in module.imports
            ]
            description["exports"] = [
                {"name": name, "kind": type.kind, "type": str(type)} for name, type in module.exports
            ]
            description |= _module_summary(syntax)
    except WasmError as error:
        raise binary.failed(error) from None
    description["sections"] = _section_sizes(binary)
    return description


# Types


def _externs(items: Mapping[str, Extern], names: Mapping[int, str]) -> list[dict[str, Any]]:
    """Imports or exports of a component: interfaces with their types and functions, and everything else."""
    described: list[dict[str, Any]] = []
    for name, item in items.items():
        if isinstance(item.type, InstanceType) and item.sort == "instance":
            inner = item.type.exports
            own = {**names, **_type_names(inner)}
            spelled = {key: _spelled(part, own) for key, part in inner.items()}
            types = {key: text for key, text in spelled.items() if inner[key].sort == "type"}
            functions = {key: text for key, text in spelled.items() if key not in types}
            described.append({"name": name, "kind": "interface", "types": types, "functions": functions})
        else:
            described.append({"name": name, "kind": item.sort, "type": _spelled(item, names)})
    return described


def _type_names(items: Mapping[str, Extern]) -> dict[int, str]:
    """Names of type objects, those in interfaces included: an exported type is an object of its own.

    But for the primitive types, which are the same everywhere.
    """
    names: dict[int, str] = {}
    for name, item in items.items():
        if isinstance(item.type, InstanceType) and item.sort == "instance":
            names.update(_type_names(item.type.exports))
        elif item.sort == "type" and not isinstance(item.type, wit.Primitive):
            names[id(item.type)] = name
    return names


def _spelled(item: Extern, names: Mapping[int, str]) -> str:
    type = item.type
    if isinstance(type, wit.FuncType):
        params = ", ".join(f"{p.name}: {_named(p.type, names)}" for p in type.params)
        result = "" if type.result is None else f" -> {_named(type.result, names)}"
        return f"{'async ' if type.is_async else ''}func({params}){result}"
    if isinstance(type, wit.ResourceType):
        return "resource"
    if isinstance(type, wit.WitType):
        return _structure(type, names)
    return str(type)


def _named(t: wit.WitType, names: Mapping[int, str]) -> str:
    """The type's name, or its structure if it has none here."""
    return names.get(id(t)) or _structure(t, names)


def _structure(t: wit.WitType, names: Mapping[int, str]) -> str:
    match t:
        case wit.Record(fields):
            return f"record {{ {', '.join(f'{f.name}: {_named(f.type, names)}' for f in fields)} }}"
        case wit.Variant(cases):
            shown = [c.name if c.type is None else f"{c.name}({_named(c.type, names)})" for c in cases]
            return f"variant {{ {', '.join(shown)} }}"
        case wit.List(element, length):
            return f"list<{_named(element, names)}{'' if length is None else f', {length}'}>"
        case wit.Tuple(types):
            return f"tuple<{', '.join(_named(u, names) for u in types)}>"
        case wit.Option(inner):
            return f"option<{_named(inner, names)}>"
        case wit.Result(ok, err):
            shown_ok = "_" if ok is None else _named(ok, names)
            if err is not None:
                return f"result<{shown_ok}, {_named(err, names)}>"
            return "result" if ok is None else f"result<{shown_ok}>"
        case wit.Own(resource):
            return names.get(id(resource), resource.name)
        case wit.Borrow(resource):
            return f"borrow<{names.get(id(resource), resource.name)}>"
        case _:
            return str(t)


# Core modules and sections


def _module_summary(module: ModuleSyntax) -> dict[str, Any]:
    memories = [i.desc for i in module.imports if isinstance(i.desc, core.MemoryType)]
    summary: dict[str, Any] = {
        "functions": len(module.code),
        "memories": [f"{m.limits} page{'s'[: str(m.limits) != '1']}" for m in [*memories, *module.memories]],
    }
    name = module_name(module)
    return summary if name is None else {"name": name} | summary


def _section_sizes(binary: Binary) -> list[dict[str, Any]]:
    """Sections by name, custom ones by their own: how many, and their bytes; in order of appearance."""
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for section in sections_of(binary.data, 0, len(binary.data), binary.kind == COMPONENT):
        counts[section.name] += 1
        sizes[section.name] += section.size
    return [{"name": name, "count": count, "size": sizes[name]} for name, count in counts.items()]


# The text for people


def lines_of(description: Mapping[str, Any]) -> Iterator[str]:
    """The description as lines."""
    what = description["kind"]
    if "role" in description:
        what += f", {description['role']}"
    yield f"{os.path.basename(description['file'])}: {what}, {description['size']} bytes"
    yield f"run it with: {description['run']}"
    for title in ("imports", "exports"):
        yield ""
        yield f"{title}:{'' if description[title] else ' none'}"
        for item in description[title]:
            yield from _item_lines(item)
    yield ""
    if description["kind"] == CORE_MODULE:
        yield _module_line(description)
    else:
        yield f"core modules:{'' if description['coreModules'] else ' none'}"
        for module in description["coreModules"]:
            yield f"  at 0x{module['offset']:x}: {module['size']} bytes, {_module_line(module)}"
    yield ""
    yield "sections, in bytes:"
    for section in description["sections"]:
        count = f" ({section['count']})" if section["count"] > 1 else ""
        yield f"  {section['size']:>10}  {section['name']}{count}"


def _item_lines(item: Mapping[str, Any]) -> Iterator[str]:
    if item["kind"] == "interface":
        yield f"  {item['name']}"
        for name, type in item["types"].items():
            yield f"    {name}: {type}"
        for name, type in item["functions"].items():
            yield f"    {name}: {type}"
    elif "module" in item:
        yield f"  {item['module']} {item['name']}: {_core_type(item)}"
    else:
        yield f"  {item['name']}: {_core_type(item) if item['kind'] == 'func' else item['type']}"


def _core_type(item: Mapping[str, Any]) -> str:
    """The type; a core function's doesn't begin with what it is the type of."""
    type: str = item["type"]
    return f"func {type}" if type.startswith("(") else type


def _module_line(module: Mapping[str, Any]) -> str:
    name = f" ({module['name']})" if "name" in module else ""
    memories = f"memory {', '.join(module['memories'])}" if module["memories"] else "no memory"
    functions = module["functions"]
    return f"{functions} function{'s'[: functions != 1]}, {memories}{name}"
