"""`python -m benchmarks.small MODULE NUMBER`: calls `run`; prints its result and peak memory."""

import json
import sys
from pathlib import Path

from benchmarks.greet import peak_bytes
from pywrt import Engine, Func, Instance, Module, Store


def main(path: str, number: str) -> None:
    engine = Engine()
    store = Store(engine)
    run = Instance(store, Module(engine, Path(path).read_bytes()), []).exports(store)["run"]
    assert isinstance(run, Func)
    print(json.dumps({"result": run(store, int(number)), "peak_bytes": peak_bytes()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
