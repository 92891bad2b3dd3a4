"""WASI, the system interface of WebAssembly: a package for each of its generations."""
