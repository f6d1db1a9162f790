"""Which Keras an object comes from, without importing either."""

from typing import Any, Literal

Kind = Literal["keras", "tf_keras"]


def keras_kind(model: Any) -> Kind | None:
    """`"keras"` for Keras 3 models, `"tf_keras"` for legacy ones, None for anything else."""
    for base in type(model).__mro__:
        package = base.__module__.partition(".")[0]
        if base.__name__ == "Model" and package in ("keras", "tf_keras"):
            return "keras" if package == "keras" else "tf_keras"
    return None
