import os
import socket
import subprocess
import time

import keras
import numpy as np
import pytest
from fake_phone import FakePhone

import tflq
from tflq._source import open_model
from tflq.bench._adb import find_adb


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """A small network: its int8 and its float file."""
    keras.utils.set_random_seed(0)
    given = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, activation="relu")(given)
    model = keras.Model(given, keras.layers.Dense(3)(keras.layers.GlobalAveragePooling2D()(x)))
    folder = tmp_path_factory.mktemp("models")
    data = np.random.default_rng(0).normal(size=(8, 8, 8, 3)).astype(np.float32)
    # A name that no shell may see unquoted.
    integer = folder / 'it\'s $(reboot); "int8" ü.tflite'
    tflq.export(model, integer, data=data)
    floating = folder / "float.tflite"
    floating.write_bytes(open_model(model).tflite)
    return integer, floating


@pytest.fixture(scope="session")
def adb_server(tmp_path_factory):
    """A server of our own, so that a developer's phones stay out of it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = str(tmp_path_factory.mktemp("home"))
    changes = {
        "ANDROID_ADB_SERVER_PORT": str(port),
        "ANDROID_USER_HOME": home,
        "HOME": home,
        # No looking for emulators, which other ports here would be taken for.
        "ADB_LOCAL_TRANSPORT_MAX_PORT": "5554",
        "ADB_LIBUSB": "0",
    }
    environment = os.environ | changes
    subprocess.run([find_adb(), "start-server"], env=environment, check=True, capture_output=True)
    yield environment, changes
    subprocess.run([find_adb(), "kill-server"], env=environment, check=True, capture_output=True)


@pytest.fixture
def plug_in(adb_server, monkeypatch):
    """A function that makes a phone and connects it."""
    environment, changes = adb_server
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    phones = []

    def connect(**options):
        phone = FakePhone(**options)
        phones.append(phone)
        adb("connect", phone.serial)
        return phone

    def adb(*words):
        command = [find_adb(), *words]
        return subprocess.run(command, env=environment, capture_output=True).stdout.decode()

    yield connect
    for phone in phones:
        phone.close()
        # The server may be just about to reconnect to one that was lost.
        while phone.serial in adb("devices"):
            adb("disconnect", phone.serial)
            time.sleep(0.1)
