"""Small modules to validate: one function over given index spaces."""

from collections.abc import Callable

import pytest

from pywrt.config import Config
from pywrt.errors import InvalidError, MalformedError
from pywrt.wasm.module import Code, Expr, Module
from pywrt.wasm.types import FuncType, ValType
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
        types = [FuncType(params, results), *parts.pop("types", ())]  # type: ignore[misc]
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
        return error.value

    return validate
