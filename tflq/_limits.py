"""How much of a stranger's file is read, and how long is waited for it: every limit there is."""

#: Bytes of an answer of a phone.
PHONE_ANSWER = 8 * 2**20
#: Seconds for one inference of a model that is tried before it is used.
INFERENCE_SECONDS = 60
#: Seconds for TensorFlow's quantizer to rewrite a model.
QUANTIZER_SECONDS = 1800
#: Seconds for a benchmarked model to start and run three times.
START_SECONDS = 300
#: Elements of a tensor of a .tflite.
TENSOR_ELEMENTS = 2**31 - 1
#: Dimensions of a tensor of a .tflite.
TENSOR_RANK = 32
