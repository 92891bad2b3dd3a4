"""Whatever a file is, nothing worse comes of it than a WasmError: no crash, no recursion of Python.

The inputs are those of `benchmarks.hostile`, whose times `python -m benchmarks --bars` looks at, and valid
modules and texts after random changes. `robustness.examine` lets pass what is no WasmError, so that each of
these tests fails where one comes out.
"""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks import hostile, mutation, robustness
from pywrt.api import Engine, Instance, Module, Store
from pywrt.errors import InvalidError, MalformedError, Trap
from pywrt.wasm.binary import decode_module, encode_module
from pywrt.wasm.text import parse_module
from pywrt.wasm.text.printer import print_module

SETTINGS = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("name", robustness.INPUTS)
def test_hostile_input_comes_to_its_outcome(name: str) -> None:
    case, is_text = robustness.INPUTS[name]
    parts = robustness.LOADED if is_text else robustness.CALLED
    steps = robustness.examine(case.build(), is_text, parts)
    found = robustness.outcome(steps)
    assert found.startswith(case.outcome), found
    assert bool(found) is bool(case.outcome), found


#: Inputs that also go through what shows files, and are read again from what is printed.
SHOWN = (
    "nested blocks",
    "nested tries in dead code",
    "nested try_tables with clauses to labels between",
    "nested tries with delegate",
    "1,000,000 locals",
    "50,000 locals in runs of one",
    "10,000 types in one group, with references across",
    "structures in each other, 10,000 deep",
    "a br_table of 50,000 labels with a value, each another block's",
    "2^32 - 1 entries of the name subsection 2, 20,000 there",
    "a long name used in 50,000 places",
    "20,000 imports, each exported",
    "text, many: names by annotation",
)


@pytest.mark.parametrize("name", SHOWN)
def test_hostile_input_is_shown_whole(name: str) -> None:
    case, is_text = robustness.INPUTS[name]
    steps = robustness.examine(case.build(), is_text)
    shown = {step.name: step.outcome for step in steps if step.name in robustness.SHOWING}
    assert shown.pop("objdump") == ""
    assert all(outcome == "" for outcome in shown.values()), shown


@pytest.mark.parametrize("name", mutation.SEEDS)
def test_seed_is_valid_and_prints_to_itself(name: str) -> None:
    data = mutation.seed(name)
    steps = robustness.examine(data, False)
    assert robustness.outcome(steps) == ""
    assert {step.name for step in steps} >= {"call", "lazily call", *robustness.SHOWING}
    assert (
        encode_module(parse_module(print_module(decode_module(data, features=robustness.FEATURES)))) == data
    )


EDITS = st.lists(
    st.tuples(st.integers(0, 1 << 20), st.integers(0, 200), st.integers(0, 1 << 20)), min_size=1, max_size=6
)


@SETTINGS
@given(st.sampled_from(list(mutation.SEEDS)), EDITS)
def test_changed_sections_come_to_nothing_worse_than_an_error(name: str, edits: list[mutation.Edit]) -> None:
    steps = robustness.examine(mutation.changed(mutation.seed(name), edits), False)
    assert steps[0].name == "load"


@SETTINGS
@given(st.sampled_from(list(mutation.SEEDS)), EDITS)
def test_changed_bytes_come_to_nothing_worse_than_an_error(name: str, edits: list[mutation.Edit]) -> None:
    steps = robustness.examine(mutation.changed_anywhere(mutation.seed(name), edits), False)
    assert steps[0].name == "load"


@pytest.mark.parametrize("name", mutation.SEEDS)
def test_truncated_module_is_refused_but_between_sections(name: str) -> None:
    data = mutation.seed(name)
    whole = mutation.ends_of_sections(data)
    for end in range(len(data)):
        steps = robustness.examine(data[:end], False, robustness.LOADED)
        if end not in whole:
            assert steps[0].outcome.startswith("MalformedError: "), (end, steps[0])


@SETTINGS
@given(st.sampled_from(list(mutation.SEEDS)), EDITS)
def test_changed_text_comes_to_nothing_worse_than_an_error(name: str, edits: list[mutation.Edit]) -> None:
    text = mutation.changed_words(mutation.SEEDS[name], edits)
    steps = robustness.examine(text.encode(errors="surrogateescape"), True)
    assert steps[0].name == "parse"


@pytest.mark.parametrize("name", mutation.SEEDS)
def test_truncated_text_is_malformed_where_it_ends(name: str) -> None:
    text = mutation.SEEDS[name].rstrip()
    for end in range(1, len(text), 7):
        with pytest.raises(MalformedError) as caught:
            parse_module(text[:end])
        assert caught.value.line is not None


def test_type_chain_past_the_limit_is_refused_with_the_type() -> None:
    with pytest.raises(InvalidError, match="sub type hierarchy too deep: type 64 has more than 63 above it"):
        Module(Engine(robustness.CONFIG), hostile.types_module(hostile.below(10_000)))


def test_list_of_many_structures_is_freed_without_recursion() -> None:
    text = """(module (type $list (struct (field (ref null $list))))
      (func (export "f") (param i32) (local (ref null $list))
        (loop $l (local.set 1 (struct.new $list (local.get 1)))
          (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))"""
    module = Module(Engine(robustness.CONFIG), encode_module(parse_module(text)))
    store = Store(module.engine)
    store.set_fuel(10_000_000)
    objects = store.state.objects_left
    function = robustness.first_functions(Instance(store, module), store)
    next(function)(store, 200_000)
    assert store.state.objects_left == objects


def test_structures_without_end_trap() -> None:
    case = hostile.BINARIES["structures of 10,000 fields that stay"]
    module = Module(Engine(robustness.CONFIG), case.build())
    store = Store(module.engine)
    store.set_fuel(1_000_000)
    function = next(robustness.first_functions(Instance(store, module), store))
    with pytest.raises(Trap, match="GC heap out of memory"):
        function(store)
