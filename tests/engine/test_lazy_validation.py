"""Config(eager_validation=False): a body is validated when it is called, and the error is that call's."""

import pytest

from pywrt.errors import InvalidError, MalformedError, Trap

TEXT = """(module (memory (export "m") 1)
  (func $wrong (export "wrong") (result i32) (i64.const 1))
  (func (export "through") (result i32) (i32.store (i32.const 0) (i32.const 7)) (call $wrong))
  (func (export "load") (result i32) (i32.load (i32.const 0))))"""


@pytest.mark.parametrize("metered", [False, True])
def test_lazy_validation_raises_at_each_call_and_leaves_the_instance_usable(guest, metered):
    lazy = guest(TEXT, metered=metered, eager_validation=False)
    for name in ("wrong", "through", "through", "wrong"):
        with pytest.raises(InvalidError, match=r"^type mismatch") as caught:
            lazy.call(name)
        assert caught.value.function == 0
    assert lazy.call("load") == 7  # what was done before the call stays
    assert (lazy.store.state.running, lazy.store.state.nested) == (None, 0)
    assert lazy.module.compiled.plans.keys() == {1, 2}


def test_lazy_validation_of_a_malformed_body_raises_malformed_error(guest):
    wasm = bytes.fromhex("0061736d0100000001040160000003020100070501016600000a05010300ff0b")
    lazy = guest(wasm, eager_validation=False)
    with pytest.raises(MalformedError, match=r"^illegal opcode"):
        lazy.call("f")


def test_lazy_validation_of_the_start_function_raises_on_instantiation(guest):
    with pytest.raises(InvalidError, match=r"^type mismatch"):
        guest("(module (start $s) (func $s (drop (i32.eqz (i64.const 1)))))", eager_validation=False)


def test_lazy_validation_error_is_not_caught_by_a_guest(guest):
    lazy = guest(
        """(module (func $wrong (i32.const 1))
        (func (export "f") (block $h (try_table (catch_all $h) (call $wrong)))))""",
        eager_validation=False,
    )
    with pytest.raises(InvalidError, match=r"^type mismatch"):
        lazy.call("f")


def test_lazy_validation_of_what_is_never_called_raises_nothing(guest):
    lazy = guest(
        TEXT.replace("(result i32) (i32.store", "(result i32) (unreachable) (i32.store"),
        eager_validation=False,
    )
    with pytest.raises(Trap, match=r"^unreachable"):
        lazy.call("through")
