"""Builds toolbox.wasm.

    pip install ziglang==0.17.0        # the C compiler
    npm install @bytecodealliance/jco@1.35.0 --prefix DIR
    python build.py DIR                 # needs node as well

The same versions give the same bytes.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCES = ("base.c", "number.c", "json.c", "hash.c", "calc.c", "tools.c", "toolbox.c")
# No C library and no start function. -g0 leaves the names of functions in, for backtraces; inlining what the
# source calls inline, and no more, keeps those names true and the code small.
COMPILE = [
    "-m",
    "ziglang",
    "cc",
    "--target=wasm32-freestanding",
    "-std=c23",
    "-Wall",
    "-Wextra",
    "-O2",
    "-g0",
    "-fno-unroll-loops",
    "-finline-hint-functions",
    "-nostdlib",
    "-fno-builtin",
    "-Wl,--no-entry",
    "-Wl,--stack,32768",
]

# jco 1.35 starts its tools without access to any folder, so `embed` could not read wit/. This opens the file
# system to each of the copies of its WASI shim; in the main thread only, since the shims start workers, which
# load this as well.
PREOPEN = """import {{ isMainThread }} from 'node:worker_threads';
if (isMainThread) for (const url of {urls}) (await import(url))._addPreopen?.('/', '/');
"""


def main(modules: Path) -> None:
    modules = modules.resolve() / "node_modules"
    with tempfile.TemporaryDirectory() as scratch:
        core, typed, preopen = (Path(scratch, name) for name in ("core.wasm", "typed.wasm", "preopen.mjs"))
        shims = sorted(modules.rglob("preview2-shim/dist/nodejs/filesystem.js"))
        preopen.write_text(PREOPEN.format(urls=[shim.as_uri() for shim in shims]))
        env = {**os.environ, "NODE_OPTIONS": f"--import={preopen}"}

        def jco(*arguments: str | Path) -> None:
            subprocess.run(["node", modules / ".bin" / "jco", *arguments], env=env, check=True)

        subprocess.run([sys.executable, *COMPILE, *SOURCES, "-o", core], cwd=HERE, check=True)
        jco("embed", core, "--wit", HERE / "wit", "-o", typed)
        jco("new", typed, "-o", HERE / "toolbox.wasm")
    print(HERE / "toolbox.wasm", (HERE / "toolbox.wasm").stat().st_size, "bytes")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
