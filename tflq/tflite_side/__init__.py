"""The tflite side: reads a float .tflite, decides integers, writes and checks the file."""

from tflq.tflite_side._alone import Alone, Layer, quantized_layers
from tflq.tflite_side._assignment import (
    FLOAT32,
    Assignment,
    activation_bits,
    assign,
    check_scheme_for,
    float_ops,
    weight_bits,
)
from tflq.tflite_side._attached import attach_files, attached_files
from tflq.tflite_side._bias_correction import analytic_corrections
from tflq.tflite_side._channel_errors import channel_errors, paired_activations, same_activations
from tflq.tflite_side._checkpoint import Checkpoint
from tflq.tflite_side._cut_op import cut_op
from tflq.tflite_side._delegation import Delegation, delegated_ops, xnnpack_delegation
from tflq.tflite_side._derived_ranges import derive_ranges
from tflq.tflite_side._digest import graph_digest, structure_digest
from tflq.tflite_side._facts import FileFacts, read_facts
from tflq.tflite_side._file import pack, read_bytes
from tflq.tflite_side._finite import refuse_infinite
from tflq.tflite_side._float_only import float_only, ranked_scores
from tflq.tflite_side._graph import Graph, Op, Quantization, Tensor
from tflq.tflite_side._io import IO_TYPES, Doors, Io, check_io, default_io, resolve_io
from tflq.tflite_side._joins import NarrowJoin, ending_in, narrow_joins
from tflq.tflite_side._kernel_limits import within_kernels
from tflq.tflite_side._kernel_rules import activations, fixed_range, same_scale_groups
from tflq.tflite_side._names import Names
from tflq.tflite_side._normalize import Normalized, normalize
from tflq.tflite_side._plan import Plan, with_constants
from tflq.tflite_side._probe import probe
from tflq.tflite_side._quantize import Quantized, choose_bounds, quantize
from tflq.tflite_side._range_choice import RangePlan, choose_ranges, untrained
from tflq.tflite_side._readback import Deviation
from tflq.tflite_side._refine import ROUNDINGS, refine
from tflq.tflite_side._return_order import Noise, return_order
from tflq.tflite_side._runner import Runner
from tflq.tflite_side._signature import signature_names
from tflq.tflite_side._signed16 import sign_16_bits
from tflq.tflite_side._statistics import collect
from tflq.tflite_side._steep import keep_steep
from tflq.tflite_side._subgraphs import take_signature
from tflq.tflite_side._trained import trained_assignment, trained_bounds
from tflq.tflite_side._vocabulary import vocabulary
from tflq.tflite_side._weights import SLOTS, weighted_ops, weights_of

__all__ = [
    "FLOAT32",
    "IO_TYPES",
    "ROUNDINGS",
    "SLOTS",
    "Alone",
    "Assignment",
    "Checkpoint",
    "Delegation",
    "Deviation",
    "Doors",
    "FileFacts",
    "Graph",
    "Io",
    "Layer",
    "Names",
    "NarrowJoin",
    "Noise",
    "Normalized",
    "Op",
    "Plan",
    "Quantization",
    "Quantized",
    "RangePlan",
    "Runner",
    "Tensor",
    "activation_bits",
    "activations",
    "analytic_corrections",
    "assign",
    "attach_files",
    "attached_files",
    "channel_errors",
    "check_io",
    "check_scheme_for",
    "default_io",
    "choose_bounds",
    "choose_ranges",
    "collect",
    "cut_op",
    "delegated_ops",
    "derive_ranges",
    "ending_in",
    "fixed_range",
    "float_ops",
    "float_only",
    "graph_digest",
    "keep_steep",
    "narrow_joins",
    "normalize",
    "pack",
    "paired_activations",
    "probe",
    "quantize",
    "quantized_layers",
    "ranked_scores",
    "read_bytes",
    "read_facts",
    "refine",
    "refuse_infinite",
    "resolve_io",
    "return_order",
    "same_activations",
    "same_scale_groups",
    "sign_16_bits",
    "signature_names",
    "structure_digest",
    "take_signature",
    "trained_assignment",
    "trained_bounds",
    "untrained",
    "vocabulary",
    "weight_bits",
    "weighted_ops",
    "weights_of",
    "with_constants",
    "within_kernels",
    "xnnpack_delegation",
]
