"""`--features`: which proposals a file may use."""

from argparse import ArgumentTypeError

from pywrt.cli.options import shown
from pywrt.config import ALL_FEATURES, DEFAULT_FEATURES

FEATURES_HELP = (
    "proposals on top of the default ones, with commas: `gc,threads`; `all` for every one, `mvp` for none of "
    "them, `-NAME` to switch one off (--features=-simd)"
)
#: Names of whole sets; each starts from scratch.
_SETS = {"all": ALL_FEATURES, "default": DEFAULT_FEATURES, "mvp": frozenset({"mvp"})}


def parse_features(text: str) -> frozenset[str]:
    """NAME[,NAME...]: the features that are on, as FEATURES_HELP says."""
    features = DEFAULT_FEATURES
    for word in text.split(","):
        name = word.strip().removeprefix("-")
        if word in _SETS:
            features = _SETS[word]
        elif name not in ALL_FEATURES:
            names = ", ".join(sorted(ALL_FEATURES - {"mvp"}))
            raise ArgumentTypeError(f"unknown feature {shown(name)}; there are {names}; all, default, mvp")
        elif word.strip().startswith("-"):
            features = features - {name}
        else:
            features = features | {name}
    return features
