"""How much of a stranger's file is read, and how long is waited for it: every limit there is."""

#: Bytes of an answer of a phone; less where less was asked for.
PHONE_ANSWER = 8 * 2**20
#: Latencies of a round in an answer of a phone.
PHONE_LATENCIES = 5000
#: Characters of a text in an answer of a phone.
PHONE_TEXT_CHARACTERS = 200
#: Bytes of a line in which a phone tells how far it is.
PHONE_LINE = 4096
#: Bytes that a command to a phone may print.
ADB_OUTPUT = 2**20
#: Seconds for a command to a phone, but for those that measure.
ADB_SECONDS = 60
#: Seconds for a file on its way to a phone.
PUSH_SECONDS = 600
#: Seconds for a phone that was lost to come back.
PHONE_BACK_SECONDS = 60.0
#: Seconds for one inference of a model that is tried before it is used.
INFERENCE_SECONDS = 60
#: Bytes of memory that such an inference may take.
INFERENCE_MEMORY = 8 * 2**30
#: Seconds for TensorFlow's quantizer to rewrite a model.
QUANTIZER_SECONDS = 1800
#: Seconds for a benchmarked model to start and run three times.
START_SECONDS = 300
#: Elements of a tensor of a .tflite.
TENSOR_ELEMENTS = 2**31 - 1
#: Dimensions of a tensor of a .tflite.
TENSOR_RANK = 32
#: Seconds for HDF5 to read a Keras model's weights.
HDF5_SECONDS = 120
#: Bytes of a Keras model's configuration; the largest networks that Keras has take 2 MB.
KERAS_CONFIG = 32 * 2**20
#: Lists and dicts in a Keras model's configuration, all in all.
KERAS_PARTS = 2_000_000
#: Lists and dicts inside each other in a Keras model's configuration.
KERAS_NESTING = 500
#: Files in a .keras archive.
KERAS_MEMBERS = 10_000
#: Times that a .keras archive may grow when it is unpacked.
UNPACKED_TIMES = 100
#: Bytes that a .keras archive may have unpacked, however small it is.
UNPACKED_BYTES = 2**28
#: Bytes of a SavedModel's graph: what protocol buffers hold.
SAVED_MODEL_GRAPH = 2**31 - 1
#: Characters of a word, such as a layer's name, in a table or a message.
WORD_CHARACTERS = 300
#: Characters of a cell of a table, or of a message.
TEXT_CHARACTERS = 20_000
#: Characters of a name in a picture.
DRAWN_CHARACTERS = 80
#: Characters of a progress bar's text.
PROGRESS_CHARACTERS = 200
#: Bytes of a record of a TFRecord file.
RECORD_BYTES = 512 * 2**20
#: Pixels of a picture as it is decoded; `max_pixels` (`--max_pixels`) changes it.
PICTURE_PIXELS = 100_000_000
#: Files and folders below a folder of pictures.
FOLDER_ENTRIES = 2_000_000
#: Bytes of an array of a .npz that is kept in memory; larger ones are read row by row.
ARRAY_BYTES_IN_MEMORY = 2**26
#: Bytes of an array of a .npz that are read at once: a row, or all of one in Fortran's order.
ARRAY_BYTES = 2**30
#: Bytes of a file of labels.
LABEL_BYTES = 2**30
#: Bytes of the files attached to a .tflite, once unpacked.
ATTACHED_BYTES = 2**28
#: Bytes of a line of a file that collects measurements.
ROW = 2**20
