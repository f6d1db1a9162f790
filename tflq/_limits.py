"""How much of a stranger's file is read, and how long is waited for it: every limit there is."""

#: Bytes of an answer of a phone.
PHONE_ANSWER = 8 * 2**20
#: Seconds for one inference of a file that is tried.
INFERENCE_SECONDS = 60
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
