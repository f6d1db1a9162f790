"""Files that travel behind a flatbuffer, such as labels, in a zip archive that metadata names."""

import io
import zipfile

from tflq._errors import UserError
from tflq._limits import ATTACHED_BYTES


def attached_files(content: bytes, *, name: str) -> bytes:
    """The archive behind a .tflite, as one of its own; empty where there is none.

    Args:
        content: the whole file.
        name: how messages call it.

    Raises:
        UserError: the archive cannot be read.
    """
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return b""
    try:
        return _append(b"", content)
    except Exception as error:
        # A damaged archive makes zipfile and zlib raise whatever they meet.
        reason = str(error) or "they end early"
        raise UserError(
            f"the files behind {name} cannot be read ({reason}); attach them anew, or cut them off."
        ) from error


def attach_files(content: bytes, archive: bytes) -> bytes:
    """The flatbuffer with the files of an archive behind it; as it is where there are none."""
    return _append(content, archive) if archive else content


def _append(content: bytes, archive: bytes) -> bytes:
    written = io.BytesIO(content)
    with (
        zipfile.ZipFile(io.BytesIO(archive)) as source,
        # Appending to what is no archive leaves it in front, as tools for metadata do.
        zipfile.ZipFile(written, "a" if content else "w") as target,
    ):
        if sum(entry.file_size for entry in source.infolist()) > ATTACHED_BYTES:
            raise ValueError(f"more than {ATTACHED_BYTES >> 20} MB when unpacked")
        target.comment = source.comment
        for entry in source.infolist():
            target.writestr(entry, source.read(entry))
    return written.getvalue()
