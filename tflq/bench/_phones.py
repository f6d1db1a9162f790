"""Measures on phones, on several at once."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from tflq._errors import UserError
from tflq._printable import printable
from tflq._progress import status
from tflq.bench._adb import Phone
from tflq.bench._answer import read_answer
from tflq.bench._binary import run_binary
from tflq.bench._job import make_job
from tflq.bench._local import DeviceResult, Pace, Run
from tflq.bench._phone import Say, run_job

_PROPERTIES = {
    "manufacturer": "ro.product.manufacturer",
    "model": "ro.product.model",
    "android": "ro.build.version.release",
    "board": "ro.board.platform",
    "build": "ro.build.fingerprint",
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What every phone is to do.

    Attributes:
        runs: what to measure.
        pace: for how long.
        accelerator: of NNAPI, by name, or None.
        energy: whether to measure energy.
        runner: path of `benchmark_model` on the phone, in place of the app, or None.
    """

    runs: Sequence[Run]
    pace: Pace
    accelerator: str | None
    energy: bool
    runner: str | None


def measure_there(phones: Sequence[Phone], plan: Plan) -> dict[str, DeviceResult]:
    """Measures on all of them at once.

    Returns:
        By serial number what each of them gave.

    Raises:
        UserError: it failed on all of them. What failed on some stands in their facts.
    """
    found: dict[str, DeviceResult] = {}
    failed: dict[str, DeviceResult] = {}
    with status("measuring") as say, ThreadPoolExecutor(len(phones)) as pool:
        work: Callable[[Phone], DeviceResult] = partial(_measure, plan=plan, say=say)
        jobs = {phone.serial: pool.submit(work, phone) for phone in phones}
        for serial, job in jobs.items():
            try:
                found[serial] = job.result()
            except UserError as error:
                facts = {"failed": str(error)}
                failed[serial] = DeviceResult(measurements=[], latencies={}, facts=facts)
    if not found:
        raise UserError(" ".join(result.facts["failed"] for result in failed.values()))
    return found | failed


def _measure(phone: Phone, plan: Plan, say: Say) -> DeviceResult:
    if plan.runner is not None:
        made, latencies = run_binary(
            phone, plan.runner, plan.runs, plan.pace, accelerator=plan.accelerator, say=say
        )
        return DeviceResult(measurements=made, latencies=latencies, facts=_properties(phone))
    job = make_job(plan.runs, plan.pace, accelerator=plan.accelerator, energy=plan.energy)
    content = run_job(phone, job, say)
    made, latencies, facts, flags = read_answer(
        content, job=job.id, runs=plan.runs, device=phone.serial, rounds=plan.pace.rounds
    )
    return DeviceResult(measurements=made, latencies=latencies, facts=facts, flags=flags)


def _properties(phone: Phone) -> dict[str, str]:
    told = {name: phone.shell("getprop", key).strip() for name, key in _PROPERTIES.items()}
    return {n: printable(v, 200) for n, v in told.items()}
