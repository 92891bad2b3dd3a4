"""Print and parse over the component suite and real components; larger ones in `benchmarks --bars`."""

from pathlib import Path

import pytest

from benchmarks.component_text import real_components, round_trips, suite_components
from pywrt.component.text import print_component

try:
    import wasmtime
except ImportError:  # the interop extra
    wasmtime = None

SHARED = Path(__file__).resolve().parents[4] / "shared"
SUITE, COMPONENTS = SHARED / "suites" / "component-model" / "test", SHARED / "components"
needs_suite = pytest.mark.skipif(not SUITE.is_dir(), reason=f"the component suite is not at {SUITE}")
#: Newer than the suite.
REFUSED_BY_WASMTIME = "the `cancellable` option is no longer supported after WebAssembly/component-model#716"


@needs_suite
def test_components_of_the_suite_print_and_parse_to_the_same() -> None:
    checked = round_trips(suite_components(str(SUITE)))
    assert list(checked.failures) == []
    assert checked.passed == checked.total == 649


@needs_suite
@pytest.mark.skipif(wasmtime is None, reason="wasmtime is not installed (the interop extra)")
def test_texts_of_components_of_the_suite_are_texts_for_wasmtime() -> None:
    refused = []
    for _, binary in suite_components(str(SUITE)):
        try:
            wasmtime.wat2wasm(print_component(binary))
        except wasmtime.WasmtimeError as error:
            refused.append(str(error).splitlines()[0])
    assert len(refused) <= 2
    assert set(refused) <= {REFUSED_BY_WASMTIME}


@pytest.mark.skipif(not COMPONENTS.is_dir(), reason=f"the real components are not at {COMPONENTS}")
def test_real_components_print_and_parse_to_the_same() -> None:
    checked = round_trips(real_components(str(COMPONENTS), max_size=100_000))
    assert list(checked.failures) == []
    assert checked.passed == checked.total >= 2
