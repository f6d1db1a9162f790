"""What a search keeps."""

from tflq.trials import Book, Trial


def trial(book, choices, **rest):
    return Trial(
        number=0, stage="x", choices=choices, file=f"{book.name_of(choices)}.tflite", **rest
    )


def test_trials_come_back_with_their_files(tmp_path):
    choices = {"scheme": "w8a8", "input_range": (0.0, 1.0)}
    book = Book(tmp_path, "a", "local")
    kept = trial(book, choices, value=1.0)
    book.keep(kept, b"content")
    found = Book(tmp_path, "a", "local").find(choices)
    assert found.value == 1.0
    assert book.path_of(found).read_bytes() == b"content"
    assert Book(tmp_path, "b", "local").find(choices) is None
    assert Book(tmp_path, "a", "local").find({}) is None


def test_what_failed_or_lost_its_file_is_made_again(tmp_path):
    book = Book(tmp_path, "a", "local")
    book.keep(Trial(number=0, stage="x", error="out of luck"), b"")
    assert Book(tmp_path, "a", "local").find({}) is None
    kept = trial(book, {"scheme": "w4a8"}, value=1.0)
    book.keep(kept, b"content")
    book.path_of(kept).unlink()
    assert Book(tmp_path, "a", "local").find({"scheme": "w4a8"}) is None


def test_latencies_are_a_devices(tmp_path):
    Book(tmp_path, "a", "local").keep_latency("s", 1.5)
    assert Book(tmp_path, "a", "local").find_latency("s") == 1.5
    assert Book(tmp_path, "a", "phone").find_latency("s") is None
