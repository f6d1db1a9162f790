"""Every network of the tables of "Efficient Quantization Techniques for Deep Neural Networks".

Each one has its true structure at its true size, and a small version of it that builds, converts
and is quantized in seconds. Some are keras-hub's, which the extra `tables` brings; it is imported
when one of those is built.

    from paper_networks import NETWORKS, realistic

    network = NETWORKS["resnext50_32x4d"]
    model = network.build(smoke=True, weights=None)
    samples = network.samples(model, 12, seed=0)
    realistic(model, samples, seed=0)
"""

from paper_networks._network import Network
from paper_networks._realistic import realistic
from paper_networks._registry import NETWORKS

__all__ = ["NETWORKS", "Network", "realistic"]
