"""The `pywrt` command: a file a subcommand, after the command lines of wasmtime and wasm-tools."""
