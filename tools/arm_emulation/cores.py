"""The cores that are emulated, and what a kernel on them tells programs of the core."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Core:
    """A core that qemu emulates.

    Attributes:
        name: the name in flags and tables.
        model: what `qemu-aarch64 -cpu` takes.
        midr: the core's main id register, as that model has it.
        features: the Linux names of what int8 kernels are chosen by, and of what they build on.
    """

    name: str
    model: str
    midr: int
    features: str


_V8_0 = "fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid"
_V8_2 = f"{_V8_0} atomics fphp asimdhp asimdrdm asimddp lrcpc dcpop"

#: One core a way to multiply int8: by widening, by dot products, by matrices of them.
CORES = {
    core.name: core
    for core in (
        Core("cortex-a53", "cortex-a53", 0x410FD034, _V8_0),
        Core("cortex-a76", "cortex-a76", 0x414FD0B1, _V8_2),
        # Without SME: with it XNNPACK's convolutions come out wrong, probably because qemu 7.2
        # computes only a part of SMOPA's outer product (do_imopa in target/arm/sme_helper.c).
        Core("i8mm", "max,sme=off", 0x000F0510, f"{_V8_2} sve sve2 i8mm svei8mm bf16"),
    )
}


def cpuinfo_text(core: Core) -> str:
    """The core as Linux describes it in /proc/cpuinfo.

    Example:
        >>> print(cpuinfo_text(CORES["cortex-a76"]).splitlines()[-2])
        CPU part	: 0xd0b
    """
    midr = core.midr
    return (
        "processor\t: 0\n"
        "BogoMIPS\t: 48.00\n"
        f"Features\t: {core.features}\n"
        f"CPU implementer\t: 0x{midr >> 24:02x}\n"
        "CPU architecture: 8\n"
        f"CPU variant\t: 0x{midr >> 20 & 0xF:x}\n"
        f"CPU part\t: 0x{midr >> 4 & 0xFFF:03x}\n"
        f"CPU revision\t: {midr & 0xF}\n"
    )


def write_system_files(root: Path, core: Core) -> None:
    """Gives a root what programs read of a machine with one such core.

    LiteRT crashes where these files are missing or are those of the x86 host.
    """
    (root / "proc").mkdir()
    (root / "proc/cpuinfo").write_text(cpuinfo_text(core))
    cpus = root / "sys/devices/system/cpu"
    (cpus / "cpu0/topology").mkdir(parents=True)
    for name in ("possible", "present", "online", "kernel_max"):
        (cpus / name).write_text("0\n")
    for name in ("core_id", "physical_package_id", "core_siblings_list", "thread_siblings_list"):
        (cpus / "cpu0/topology" / name).write_text("0\n")
