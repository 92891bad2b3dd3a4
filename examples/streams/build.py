"""Builds the components: streams-c.wasm, and with `--python` streams-py.wasm, which is not kept.

    pip install ziglang==0.17.0        # the C compiler
    npm install @bytecodealliance/jco@1.35.0 --prefix DIR
    python build.py DIR                # needs node as well

    pip install componentize-py==0.25.1
    python build.py --python [OUT]

The same versions give the same bytes of the first.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORLD = "streams"
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
    "-nostdlib",
    "-fno-builtin",
    "-Wl,--no-entry",
    "-Wl,--stack,16384",
]

# jco 1.35 starts its tools without access to any folder, so `embed` could not read wit/. This opens the file
# system to each of the copies of its WASI shim; in the main thread only, since the shims start workers, which
# load this as well.
PREOPEN = """import {{ isMainThread }} from 'node:worker_threads';
if (isMainThread) for (const url of {urls}) (await import(url))._addPreopen?.('/', '/');
"""


def build_c(modules: Path, out: Path) -> None:
    """Compile the C sources, and make a component of the core module."""
    modules = modules.resolve() / "node_modules"
    with tempfile.TemporaryDirectory() as scratch:
        core, typed, preopen = (Path(scratch, name) for name in ("core.wasm", "typed.wasm", "preopen.mjs"))
        shims = sorted(modules.rglob("preview2-shim/dist/nodejs/filesystem.js"))
        preopen.write_text(PREOPEN.format(urls=[shim.as_uri() for shim in shims]))
        env = {**os.environ, "NODE_OPTIONS": f"--import={preopen}"}

        def jco(*arguments: str | Path) -> None:
            subprocess.run(["node", modules / ".bin" / "jco", *arguments], env=env, check=True)

        subprocess.run([sys.executable, *COMPILE, "memory.c", "streams.c", "-o", core], cwd=HERE, check=True)
        jco("embed", core, "--wit", HERE / "wit", "-o", typed)
        jco("new", typed, "-o", out)


def build_python(out: Path) -> None:
    """Make a component of app.py, with CPython in it: 18 MB, some seconds."""
    command = ["componentize-py", "-q", "-d", HERE / "wit", "-w", WORLD, "componentize", "app", "-o", out]
    subprocess.run(command, cwd=HERE, check=True)


def main(arguments: list[str]) -> None:
    match arguments:
        case ["--python", *rest]:
            out = Path(*rest or ["streams-py.wasm"]).resolve()
            build_python(out)
        case [modules]:
            out = HERE / "streams-c.wasm"
            build_c(Path(modules), out)
        case _:
            sys.exit(__doc__)
    print(out, out.stat().st_size, "bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
