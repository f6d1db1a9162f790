"""Whether the layers of a functional model can be called one after another.

Keras calls each as soon as its inputs are there, and goes round for ever where some never come.
"""

from collections.abc import Iterator
from typing import Any

from tflq.keras_side._damaged import DamagedError

# Layers that are looked at, again and again, for what they wait for.
_STEPS = 10_000_000

# A layer's name, and which of its calls.
_Call = tuple[str, int]


def check_wiring(config: Any) -> None:
    """Checks every functional model in a configuration.

    Raises:
        DamagedError: some of its layers wait for each other, or for calls that are never made.
    """
    waiting = [config]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            _check_layers(item.get("layers"), set(_texts(item.get("input_layers"))))
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def _check_layers(layers: Any, inputs: set[str]) -> None:
    named = _by_name(layers) if isinstance(layers, list) else {}
    calls = {name: _calls(layer) for name, layer in named.items()}
    given = {name for name, layer in named.items() if name in inputs or _is_input(layer)}
    models = {name for name, layer in named.items() if _is_model(layer)}
    needed = {name: [set(_sources(call, calls)) for call in made] for name, made in calls.items()}
    done = dict.fromkeys(calls, 0)
    # Keras writes layers about in the order of their calls; it is slow itself with many in another.
    for _ in range(10 + _STEPS // (1 + len(calls))):
        if not _advance(needed, done, given, models):
            break
    stuck = [name for name, made in needed.items() if done[name] < len(made)]
    if stuck:
        raise DamagedError(f"layer {stuck[0]!r} waits for inputs that no layer gives")


def _by_name(layers: list[Any]) -> dict[str, dict[str, Any]]:
    return {
        layer["name"]: layer
        for layer in layers
        if isinstance(layer, dict) and isinstance(layer.get("name"), str)
    }


def _calls(layer: dict[str, Any]) -> list[Any]:
    made = layer.get("inbound_nodes")
    return made if isinstance(made, list) else []


def _advance(
    needed: dict[str, list[set[_Call]]], done: dict[str, int], inputs: set[str], models: set[str]
) -> bool:
    """Makes all calls whose inputs are there; whether there were any."""

    def is_there(call: _Call) -> bool:
        name, number = call
        if name in inputs and not needed[name]:
            return True
        # A model may count the call that built it.
        return done[name] + (name in models and done[name] > 0) > number

    before = sum(done.values())
    for name, made in needed.items():
        while done[name] < len(made) and all(map(is_there, made[done[name]])):
            done[name] += 1
    return sum(done.values()) > before


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _is_input(layer: dict[str, Any]) -> bool:
    return layer.get("class_name") == "InputLayer"


def _is_model(layer: dict[str, Any]) -> bool:
    config = layer.get("config")
    return isinstance(config, dict) and "layers" in config


def _sources(value: Any, calls: dict[str, Any], *, named: bool = False) -> Iterator[_Call]:
    """The calls that a call takes its inputs from, in the notation of any version of Keras.

    Each is a list of a layer's name, the number of a call of it and that of an output. Under a name
    of its own (`named`), a list may be anything.
    """
    if isinstance(value, dict):
        for inner in value.values():
            yield from _sources(inner, calls, named=True)
    elif isinstance(value, list):
        if len(value) >= 3 and isinstance(value[0], str) and value[0] in calls:
            if isinstance(value[1], int):
                yield value[0], value[1]
            elif not named:
                raise DamagedError(f"call {value[1]!r} of layer {value[0]!r} is no number")
        for inner in value:
            yield from _sources(inner, calls, named=named)
