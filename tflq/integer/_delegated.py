"""Which ops of a file XNNPACK evaluates, asked of the runtime itself."""

from tflq.tflite_side import Runner


def delegated_ops(content: bytes) -> frozenset[int]:
    """Indices of the ops inside delegated parts: those between a part's outputs and its inputs."""
    plan = Runner(content, threads=1).op_details()
    makers = {
        int(tensor): index
        for index, entry in enumerate(plan)
        if entry["op_name"] != "DELEGATE"
        for tensor in entry["outputs"]
    }
    taken: set[int] = set()
    for part in (entry for entry in plan if entry["op_name"] == "DELEGATE"):
        border = {int(tensor) for tensor in part["inputs"]}
        reached = [int(tensor) for tensor in part["outputs"]]
        while reached:
            tensor = reached.pop()
            maker = makers.get(tensor)
            if tensor not in border and maker is not None and maker not in taken:
                taken.add(maker)
                reached += [int(source) for source in plan[maker]["inputs"]]
    return frozenset(taken)
