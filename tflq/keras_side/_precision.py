"""Dtype policies: half precision is computed in float32, models in integers are refused."""

from collections.abc import Iterator, Mapping
from typing import Any

from tflq._errors import UserError
from tflq.keras_side._config import live_config
from tflq.keras_side._kind import keras_kind
from tflq.keras_side._nodes import is_functional

_HALF = ("float16", "bfloat16", "mixed_float16", "mixed_bfloat16")


def in_float32(model: Any) -> Any:
    """The same network computing in float32, with the same weights; the model itself if it does.

    Args:
        model: a Keras 3 or tf_keras model.

    Raises:
        UserError: Keras has quantized the model, or it computes in half precision by code of its
            own, which cannot be rebuilt.
    """
    refuse_quantized(model)
    half = next((pair for pair in _policies(model) if pair[1] in _HALF), None)
    if half is None:
        return model
    layer, policy = half
    if not is_functional(model):
        raise UserError(
            f"model {model.name!r} computes in {policy} (layer {layer.name!r}), and code of its "
            "own connects its layers; build it under dtype policy 'float32' and load its weights "
            "into that."
        )
    return _rebuilt(model)


def computes_in_half(model: Any) -> bool:
    """Whether weights of a model are stored in half precision, not only what it computes."""
    return any(policy in ("float16", "bfloat16") for _, policy in _policies(model))


def refuse_quantized(model: Any) -> None:
    """Refuses a model after `model.quantize`, whose weights are integers already.

    Raises:
        UserError: it is one; a layer and its mode are named.
    """
    for layer, policy in _policies(model):
        mode = getattr(getattr(layer, "dtype_policy", None), "quantization_mode", None)
        if mode is not None:
            raise UserError(
                f"model {model.name!r} is quantized by Keras already (layer {layer.name!r} has "
                f"policy {policy!r}); give the float model, as it was before model.quantize."
            )


def float32_config(config: Any) -> Any:
    """A layer's configuration with half precision taken out, that of inner layers too."""
    if isinstance(config, Mapping):
        return {k: "float32" if _is_half(k, v) else float32_config(v) for k, v in config.items()}
    return list(map(float32_config, config)) if isinstance(config, list) else config


def _is_half(key: str, value: Any) -> bool:
    if key != "dtype":
        return False
    name = value["config"].get("name", "") if isinstance(value, Mapping) else str(value)
    return name in _HALF


def _policies(model: Any) -> Iterator[tuple[Any, str]]:
    for layer in model._flatten_layers(include_self=False):
        policy = getattr(layer, "dtype_policy", None) or getattr(layer, "_dtype_policy", None)
        yield layer, str(getattr(policy, "name", policy))


def _rebuilt(model: Any) -> Any:
    if keras_kind(model) == "keras":
        import keras
    else:
        import tf_keras as keras

    def clone(layer: Any) -> Any:
        return type(layer).from_config(float32_config(live_config(layer)))

    rebuilt = keras.models.clone_model(model, clone_function=clone)
    rebuilt.set_weights([_as_float32(value) for value in model.get_weights()])
    return rebuilt


def _as_float32(value: Any) -> Any:
    # NumPy calls bfloat16 a void type.
    return value.astype("float32") if value.dtype.kind in "fV" else value
