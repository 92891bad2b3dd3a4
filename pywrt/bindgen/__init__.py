"""Typed Python for components: `pywrt bindgen` writes a module, `runtime` is what such a module imports."""
