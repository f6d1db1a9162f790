"""What many of the networks have in common."""

from typing import Any

from keras import layers


def conv_norm(
    x: Any,
    channels: int,
    kernel: int | tuple[int, int],
    name: str,
    *,
    activation: str | None = "relu",
    epsilon: float = 1e-5,
    **options: Any,
) -> Any:
    """A convolution without bias, batch normalization and an activation.

    Args:
        x: its input.
        channels: of the output.
        kernel: height and width.
        name: how the names of its layers start.
        activation: None for none.
        epsilon: of the normalization.
        **options: of the convolution; its padding is "same" unless they say otherwise.

    Returns:
        The output.
    """
    options.setdefault("padding", "same")
    x = layers.Conv2D(channels, kernel, use_bias=False, name=f"{name}_conv", **options)(x)
    x = layers.BatchNormalization(epsilon=epsilon, name=f"{name}_bn")(x)
    return (
        x if activation is None else layers.Activation(activation, name=f"{name}_{activation}")(x)
    )


def check_no_weights(weights: str | None) -> None:
    """Refuses weights that there are none of.

    Args:
        weights: as `Network.build` got them.

    Raises:
        ValueError: they aren't None.
    """
    if weights is not None:
        raise ValueError(f"weights={weights!r}, but there are none for this network; give None.")
