"""Tries recipes: which, where, and what became of them."""

from tflq.trials._book import Book
from tflq.trials._budget import Budget, Guide, best_of, front_of, make_budget
from tflq.trials._choice_text import as_command, as_python
from tflq.trials._hunt import Hunt
from tflq.trials._job import Job, Shipped
from tflq.trials._maker import Maker
from tflq.trials._result import SearchResult
from tflq.trials._strategy import combinations
from tflq.trials._trial import Trial
from tflq.trials._workers import Workers, open_workers

__all__ = [
    "Book",
    "Budget",
    "Guide",
    "Hunt",
    "Job",
    "Maker",
    "SearchResult",
    "Shipped",
    "Trial",
    "Workers",
    "as_command",
    "as_python",
    "best_of",
    "combinations",
    "front_of",
    "make_budget",
    "open_workers",
]
