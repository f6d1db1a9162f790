"""EfficientNet-Lite0, which tflq's demo has the trained weights of."""

from typing import Any

import keras


def efficientnet_lite0(smoke: bool, weights: str | None = None) -> Any:
    """EfficientNet-Lite0.

    Args:
        smoke: build the small version, for pictures of 64 pixels, unless there are weights.
        weights: None or "imagenet", which stands for the package that the demo reads.

    Returns:
        A model from pictures to logits.
    """
    from tflq.demo import efficientnet_lite, load_efficientnet_lite

    if weights is not None:
        return load_efficientnet_lite(0)
    model = efficientnet_lite(0)
    if not smoke:
        return model
    # The network is small as it is; only its pictures aren't.
    image = keras.Input((64, 64, 3), name="image")
    return keras.Model(image, keras.models.clone_model(model, input_tensors=image).outputs)
