"""BERT Large of keras-hub, with the head that answers questions.

J. Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers for Language
Understanding", 2019; on SQuAD, two logits a token say where the answer starts and ends.
"""

from typing import Any

import keras

from paper_networks._blocks import check_no_weights


def bert_large(smoke: bool, weights: str | None = None) -> Any:
    """BERT Large.

    Args:
        smoke: build the small version: two narrow layers, few words.
        weights: None; there are none.

    Returns:
        A model from token ids, segment ids and a mask of padding to two logits a token.
    """
    from keras_hub.models import BertBackbone

    check_no_weights(weights)
    length = 16 if smoke else 384
    backbone = BertBackbone(
        vocabulary_size=200 if smoke else 30522,
        num_layers=2 if smoke else 24,
        num_heads=2 if smoke else 16,
        hidden_dim=64 if smoke else 1024,
        intermediate_dim=256 if smoke else 4096,
        max_sequence_length=length if smoke else 512,
    )
    inputs = {
        name: keras.Input((length,), dtype="int32", name=name)
        for name in ("token_ids", "segment_ids", "padding_mask")
    }
    x = backbone(inputs)["sequence_output"]
    return keras.Model(inputs, keras.layers.Dense(2, name="logits")(x), name="bert_large")
