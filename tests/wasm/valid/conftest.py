"""Small modules to validate: one function over given index spaces."""

from collections.abc import Callable

import pytest

from pywrt.config import ALL_FEATURES, Config
from pywrt.errors import InvalidError, MalformedError
from pywrt.wasm.binary import decode_module, encode_module
from pywrt.wasm.module import Code, Expr, Module
from pywrt.wasm.text import parse_module
from pywrt.wasm.types import FuncType, SubType, ValType
from pywrt.wasm.valid import validate_module

Locals = tuple[tuple[int, ValType], ...]


def expression(code: bytes) -> Expr:
    return Expr(code, 0, len(code))


@pytest.fixture
def expr() -> Callable[[bytes], Expr]:
    """An expression of bytes, its `end` among them."""
    return expression


@pytest.fixture
def function() -> Callable[..., Module]:
    """A module whose function 0 has this type, these locals and this body, with other parts as given.

    The function's type is type 0; `types` in the other parts come behind it.
    """

    def build(
        code: bytes,
        params: tuple[ValType, ...] = (),
        results: tuple[ValType, ...] = (),
        locals: Locals = (),
        **parts: object,
    ) -> Module:
        types = [SubType(FuncType(params, results)), *parts.pop("types", ())]  # type: ignore[misc]
        module = Module(types=types, funcs=[0], code=[Code(0, locals, expression(code))])
        for name, value in parts.items():
            setattr(module, name, value)
        return module

    return build


@pytest.fixture
def fault() -> Callable[..., InvalidError | MalformedError]:
    """The error that validating a module raises."""

    def validate(module: Module, config: Config | None = None) -> InvalidError | MalformedError:
        with pytest.raises((InvalidError, MalformedError)) as error:
            validate_module(module, config or Config())
        assert isinstance(error.value, (InvalidError, MalformedError))
        return error.value

    return validate


@pytest.fixture
def accept() -> Callable[..., None]:
    """Check that a module given as text is valid, with all features on unless others are given."""

    def validate(text: str, features: frozenset[str] = ALL_FEATURES) -> None:
        data = encode_module(parse_module(text))
        validate_module(decode_module(data, features=features), Config(features=features))

    return validate


@pytest.fixture
def reject() -> Callable[..., InvalidError]:
    """The error of a module given as text, which decodes but is not valid with these features."""

    def validate(text: str, features: frozenset[str] = ALL_FEATURES) -> InvalidError:
        data = encode_module(parse_module(text))
        with pytest.raises(InvalidError) as error:
            validate_module(decode_module(data, features=ALL_FEATURES), Config(features=features))
        return error.value

    return validate


@pytest.fixture
def all_features() -> Config:
    """A configuration with everything on."""
    return Config(features=ALL_FEATURES)
