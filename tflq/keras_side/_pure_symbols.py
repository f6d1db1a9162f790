"""The functions of TensorFlow that a Keras file may call: of tensors only, without effects.

Functional models of tf_keras keep each operation on a tensor as a layer that calls a function by
its public name. What takes functions, files, devices or Python is not listed.
"""

_MATH = """
abs accumulate_n acos acosh add add_n angle argmax argmin asin asinh atan atan2 atanh bessel_i0
bessel_i0e bessel_i1 bessel_i1e betainc bincount ceil conj cos cosh count_nonzero cumprod cumsum
cumulative_logsumexp digamma divide divide_no_nan equal erf erfc erfcinv erfinv exp expm1 floor
floordiv floormod greater greater_equal igamma igammac imag in_top_k invert_permutation is_finite
is_inf is_nan l2_normalize lbeta less less_equal lgamma log log1p log_sigmoid log_softmax
logical_and logical_not logical_or logical_xor maximum minimum mod multiply multiply_no_nan ndtri
negative nextafter not_equal polygamma polyval pow real reciprocal reciprocal_no_nan reduce_all
reduce_any reduce_euclidean_norm reduce_logsumexp reduce_max reduce_mean reduce_min reduce_prod
reduce_std reduce_sum reduce_variance rint round rsqrt scalar_mul segment_max segment_mean
segment_min segment_prod segment_sum sigmoid sign sin sinh softmax softplus softsign sqrt square
squared_difference subtract tan tanh top_k truediv unsorted_segment_max unsorted_segment_mean
unsorted_segment_min unsorted_segment_prod unsorted_segment_sqrt_n unsorted_segment_sum xdivy
xlog1py xlogy zero_fraction zeta
"""
_NN = """
atrous_conv2d avg_pool avg_pool1d avg_pool2d avg_pool3d batch_norm_with_global_normalization
batch_normalization bias_add conv1d conv1d_transpose conv2d conv2d_transpose conv3d
conv3d_transpose conv_transpose convolution crelu depth_to_space depthwise_conv2d dilation2d
dropout elu embedding_lookup erosion2d fused_batch_norm gelu in_top_k l2_loss l2_normalize
leaky_relu local_response_normalization log_softmax lrn max_pool max_pool1d max_pool2d max_pool3d
max_pool_with_argmax moments normalize_moments pool relu relu6 selu separable_conv2d sigmoid
sigmoid_cross_entropy_with_logits silu softmax softmax_cross_entropy_with_logits softplus softsign
space_to_batch space_to_depth sparse_softmax_cross_entropy_with_logits sufficient_statistics swish
tanh top_k weighted_moments zero_fraction
"""
_LINALG = """
adjoint band_part cholesky cholesky_solve cross det diag diag_part einsum eye global_norm inv
l2_normalize logdet lstsq lu matmul matrix_transpose matvec norm normalize pinv qr set_diag slogdet
solve svd tensor_diag tensor_diag_part tensordot trace triangular_solve
"""
_IMAGE = """
adjust_brightness adjust_contrast adjust_gamma adjust_hue adjust_saturation central_crop
combined_non_max_suppression convert_image_dtype crop_and_resize crop_to_bounding_box
extract_glimpse extract_patches flip_left_right flip_up_down grayscale_to_rgb hsv_to_rgb
image_gradients non_max_suppression non_max_suppression_padded non_max_suppression_with_scores
pad_to_bounding_box per_image_standardization random_brightness random_contrast random_crop
random_flip_left_right random_flip_up_down random_hue random_saturation resize resize_bicubic
resize_bilinear resize_image_with_crop_or_pad resize_image_with_pad resize_images
resize_nearest_neighbor resize_with_crop_or_pad resize_with_pad rgb_to_grayscale rgb_to_hsv
rgb_to_yiq rgb_to_yuv rot90 sobel_edges total_variation transpose yiq_to_rgb yuv_to_rgb
"""
_SIGNAL = """
dct fft fft2d fft3d fftshift frame hamming_window hann_window idct ifft ifft2d ifft3d ifftshift
inverse_mdct inverse_stft irfft irfft2d irfft3d kaiser_window linear_to_mel_weight_matrix mdct
mfccs_from_log_mel_spectrograms overlap_and_add rfft rfft2d rfft3d stft vorbis_window
"""
_RANDOM = """
categorical gamma normal poisson shuffle stateless_normal stateless_truncated_normal
stateless_uniform truncated_normal uniform
"""
_QUANTIZATION = """
fake_quant_with_min_max_args fake_quant_with_min_max_vars fake_quant_with_min_max_vars_per_channel
quantize_and_dequantize quantize_and_dequantize_v2
"""
_SPARSE = """
add concat expand_dims reduce_max reduce_sum reorder reshape slice softmax sparse_dense_matmul split
to_dense transpose
"""
_OPERATORS = "add eq getitem ne ragged_getitem"
_BITWISE = "bitwise_and bitwise_or bitwise_xor invert left_shift right_shift"
_TOP = """
abs acos acosh add add_n argmax argmin argsort as_string asin asinh atan atan2 atanh batch_to_space
batch_to_space_nd bitcast boolean_mask broadcast_dynamic_shape broadcast_static_shape broadcast_to
cast clip_by_global_norm clip_by_norm clip_by_value complex concat convert_to_tensor cos cosh cumsum
depth_to_space divide div dynamic_partition dynamic_stitch einsum ensure_shape equal exp expand_dims
extract_image_patches eye fill floor floor_div floordiv floormod gather gather_nd greater
greater_equal histogram_fixed_width identity identity_n less less_equal linspace log log1p
log_sigmoid logical_and logical_not logical_or logical_xor matmul matrix_diag matrix_transpose
maximum meshgrid minimum mod multiply negative norm not_equal one_hot ones ones_like pad
parallel_stack pow range rank real realdiv reciprocal reduce_all reduce_any reduce_logsumexp
reduce_max reduce_mean reduce_min reduce_prod reduce_sum repeat required_space_to_batch_paddings
reshape reverse reverse_sequence reverse_v2 roll round rsqrt saturate_cast scalar_mul scatter_nd
searchsorted sequence_mask shape shape_n sigmoid sign sin sinh size slice sort space_to_batch
space_to_batch_nd space_to_depth split sqrt square squared_difference squeeze stack stop_gradient
strided_slice subtract tan tanh tensor_scatter_nd_add tensor_scatter_nd_max tensor_scatter_nd_min
tensor_scatter_nd_sub tensor_scatter_nd_update tensordot tile to_double to_float to_int32 to_int64
transpose truediv truncatediv truncatemod unique unique_with_counts unravel_index unstack where
where_v2 zeros zeros_like
"""
_RAGGED = """
from_nested_row_lengths from_nested_row_splits from_nested_value_rowids from_row_lengths
from_row_limits from_row_splits from_row_starts from_sparse from_tensor from_uniform_row_length
from_value_rowids
"""
_PARTS = """
values flat_values row_splits nested_row_splits indices dense_shape value_rowids nested_value_rowids
nrows row_starts row_limits row_lengths nested_row_lengths bounding_shape with_values
with_flat_values with_row_splits_dtype merge_dims to_tensor to_sparse
"""

#: By their public names, without the prefix of the first API.
PURE_SYMBOLS = frozenset(_TOP.split()) | {
    f"{module}.{name}"
    for module, names in {
        "math": _MATH,
        "nn": _NN,
        "linalg": _LINALG,
        "image": _IMAGE,
        "signal": _SIGNAL,
        "random": _RANDOM,
        "quantization": _QUANTIZATION,
        "sparse": _SPARSE,
        "__operators__": _OPERATORS,
        "bitwise": _BITWISE,
        "dtypes": "cast complex saturate_cast",
    }.items()
    for name in names.split()
}

#: Class methods that build ragged tensors.
RAGGED_BUILDERS = frozenset(_RAGGED.split())

#: Parts of ragged and sparse tensors, and methods that rearrange them.
TENSOR_PARTS = frozenset(_PARTS.split())


def is_pure_symbol(name: object) -> bool:
    """Whether a public name of TensorFlow is that of a function without effects.

    Example:
        >>> is_pure_symbol("compat.v1.transpose"), is_pure_symbol("io.write_file")
        (True, False)
    """
    return isinstance(name, str) and name.removeprefix("compat.v1.") in PURE_SYMBOLS
