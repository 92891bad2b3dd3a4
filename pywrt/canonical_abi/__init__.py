"""The canonical ABI: component values to and from core WebAssembly. Spec: design/mvp/CanonicalABI.md"""
