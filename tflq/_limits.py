"""How much of a stranger's file is read, and how long is waited for it: every limit there is."""

#: Bytes of an answer of a phone.
PHONE_ANSWER = 8 * 2**20
#: Seconds for one inference of a file that is tried.
INFERENCE_SECONDS = 60
#: Bytes of a line of a file that collects measurements.
ROW = 2**20
