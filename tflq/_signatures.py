"""Names under which programs call a model: which of several is meant."""

from collections.abc import Hashable, Mapping

from tflq._errors import UserError

DEFAULT_SIGNATURE = "serving_default"
"""The name where the model gives none."""


def choose_signature(
    computed: Mapping[str, Hashable], wanted: str | None, *, name: str
) -> str | None:
    """Which signature is meant; None where the model has none.

    Args:
        computed: by name of each of the model's signatures, what it computes; Keras, for one,
            gives one function two names.
        wanted: the user's choice; None takes the only one.
        name: how messages call the model.

    Raises:
        UserError: there is no such signature, or there are several and none is chosen.
    """
    keys = list(computed)
    if wanted is not None and wanted not in keys:
        raise UserError(
            f"signature={wanted!r} is not in {name}, which has: {', '.join(keys) or 'none'}; "
            "choose one of them, or leave signature out."
        )
    if wanted is None and len(set(computed.values())) > 1:
        raise UserError(
            f"{name} has {len(keys)} signatures ({', '.join(keys)}), and a file is made of one; "
            f"choose it with signature= (--signature), such as signature={keys[0]!r}."
        )
    if wanted is not None or not keys:
        return wanted
    return DEFAULT_SIGNATURE if DEFAULT_SIGNATURE in keys else keys[0]
