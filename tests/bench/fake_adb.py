"""A device's side of the adb protocol, over TCP: `adb connect 127.0.0.1:PORT` finds it."""

import contextlib
import itertools
import queue
import socket
import struct
import threading

CONNECT, OPEN, OKAY, CLOSE, WRITE = (
    int.from_bytes(name, "little") for name in (b"CNXN", b"OPEN", b"OKAY", b"CLSE", b"WRTE")
)
_VERSION, _LARGEST = 0x01000001, 64 * 1024
_STDOUT, _STDERR, _EXIT = 1, 2, 3


class GoneError(Exception):
    """The other side has hung up."""


class Stream:
    """One service that the desk opened."""

    def __init__(self, connection, own, other):
        self._connection, self._own, self._other = connection, own, other
        self._came = queue.Queue()
        self._ready = threading.Semaphore(0)
        self._rest = b""
        self.closed = threading.Event()

    def write(self, content):
        for start in range(0, len(content), _LARGEST):
            if self.closed.is_set():
                raise GoneError
            self._connection.send(WRITE, self._own, self._other, content[start : start + _LARGEST])
            self._ready.acquire()

    def read(self, count):
        while len(self._rest) < count:
            more = self._came.get()
            if more is None:
                raise GoneError
            self._rest += more
        taken, self._rest = self._rest[:count], self._rest[count:]
        return taken

    def packet(self, kind, content):
        """A packet of the shell protocol, version 2."""
        self.write(struct.pack("<BI", kind, len(content)) + content)

    def close(self):
        with contextlib.suppress(GoneError):
            self._connection.send(CLOSE, self._own, self._other, b"")

    # What the connection tells it.
    def received(self, content):
        self._came.put(content)
        self._connection.send(OKAY, self._own, self._other, b"")

    def acknowledged(self):
        self._ready.release()

    def ended(self):
        self.closed.set()
        self._came.put(None)
        self._ready.release()


class Connection:
    """One connection of the desk's adb server."""

    def __init__(self, sock, device):
        self._socket, self._device = sock, device
        self._lock, self._numbers = threading.Lock(), itertools.count(1)
        self._streams = {}

    def serve(self):
        try:
            while True:
                self._handle(*self._receive())
        except (GoneError, OSError):
            pass
        finally:
            for stream in list(self._streams.values()):
                stream.ended()
            self._socket.close()

    def hang_up(self):
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def send(self, command, first, second, content):
        head = struct.pack(
            "<6I", command, first, second, len(content), sum(content), command ^ 0xFFFFFFFF
        )
        with self._lock:
            try:
                self._socket.sendall(head + content)
            except OSError as error:
                raise GoneError from error

    def _receive(self):
        command, first, second, length, _, magic = struct.unpack("<6I", self._exactly(24))
        assert magic == command ^ 0xFFFFFFFF
        return command, first, second, self._exactly(length)

    def _exactly(self, count):
        content = b""
        while len(content) < count:
            more = self._socket.recv(count - len(content))
            if not more:
                raise GoneError
            content += more
        return content

    def _handle(self, command, first, second, content):
        if command == CONNECT:
            told = b"device::ro.product.model=Fake;features=shell_v2,cmd"
            self.send(CONNECT, _VERSION, _LARGEST, told)
        elif command == OPEN:
            own = next(self._numbers)
            stream = self._streams[own] = Stream(self, own, first)
            self.send(OKAY, own, first, b"")
            service = content.rstrip(b"\0").decode()
            threading.Thread(target=self._run, args=(stream, own, service), daemon=True).start()
        elif second in self._streams:
            stream = self._streams[second]
            if command == WRITE:
                stream.received(content)
            elif command == OKAY:
                stream.acknowledged()
            elif command == CLOSE:
                stream.ended()

    def _run(self, stream, own, service):
        with contextlib.suppress(GoneError):
            self._serve(stream, service)
        stream.close()
        self._streams.pop(own, None)

    def _serve(self, stream, service):
        if self._device.loses_connection(service):
            self.hang_up()
            raise GoneError
        kind, _, rest = service.partition(":")
        if kind == "sync":
            _synchronize(stream, self._device)
        elif kind == "exec":
            stream.write(self._device.execute(rest, stream)[1])
        elif kind.startswith("shell"):
            code, out = self._device.execute(rest, stream)
            if out:
                stream.packet(_STDOUT if code == 0 else _STDERR, out)
            stream.packet(_EXIT, bytes([code]))


def _synchronize(stream, device):
    """Files, as adb push and pull send them."""
    while True:
        name, length = struct.unpack("<4sI", stream.read(8))
        if name == b"QUIT":
            return
        path = stream.read(length).decode()
        if name == b"STAT":
            content = device.files.get(path)
            known = (0, 0, 0) if content is None else (0o100644, len(content), 1)
            stream.write(struct.pack("<4s3I", b"STAT", *known))
        elif name == b"SEND":
            _receive_file(stream, device, path.rpartition(",")[0])
        else:
            raise AssertionError(name)


def _receive_file(stream, device, path):
    content = b""
    while True:
        name, length = struct.unpack("<4sI", stream.read(8))
        if name == b"DONE":
            break
        content += stream.read(length)
    problem = device.store(path, content)
    told = problem.encode()
    stream.write(struct.pack("<4sI", b"FAIL" if problem else b"OKAY", len(told)) + told)


class Device:
    """What answers on a port; a phone is made of it by giving it commands."""

    def __init__(self):
        self.files = {}
        self._connections = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def serial(self):
        return f"127.0.0.1:{self.port}"

    def close(self):
        self._server.close()
        for connection in self._connections:
            connection.hang_up()

    def hang_up(self):
        for connection in self._connections:
            connection.hang_up()

    def loses_connection(self, service):
        return False

    def store(self, path, content):
        self.files[path] = content
        return ""

    def execute(self, command, stream):
        raise NotImplementedError

    def _accept(self):
        while True:
            try:
                sock, _ = self._server.accept()
            except OSError:
                return
            connection = Connection(sock, self)
            self._connections.append(connection)
            threading.Thread(target=connection.serve, daemon=True).start()
