"""What one recipe gave."""

from dataclasses import dataclass, field

from tflq._choices import Choices


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One recipe, its file, and how good that is.

    Attributes:
        number: of the trial, from 0, which is the plain recipe.
        stage: what it was tried for.
        choices: arguments of `tflq.export`.
        value: of the metric; None where the trial failed.
        sqnr_db: of the outputs against the float model, in dB.
        size: bytes of the file.
        latency: against the plain recipe's, 1 being equal; None where it was not measured.
        structure: equal for files that run the same ops on the same shapes and dtypes.
        file: name of the file in the search's folder.
        error: why it failed, else empty.
        seconds: it took, in s.
    """

    number: int
    stage: str
    choices: Choices = field(default_factory=Choices)
    value: float | None = None
    sqnr_db: float | None = None
    size: int | None = None
    latency: float | None = None
    structure: str = ""
    file: str = ""
    error: str = ""
    seconds: float = 0.0

    @property
    def rank(self) -> tuple[float, float]:
        """Larger for more accurate files: the metric, then SQNR."""
        if self.value is None:
            return (float("-inf"), float("-inf"))
        return (self.value, self.sqnr_db or 0.0)
