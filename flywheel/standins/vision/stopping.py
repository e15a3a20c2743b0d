"""Early stopping by a metric of which more is better."""

from __future__ import annotations

from dataclasses import dataclass

from flywheel.standins.job import Job


@dataclass
class EarlyStopping:
    """Says when to end.

    Attributes:
        enabled: otherwise it never does.
        min_epochs: which are trained in any case.
        patience: how many epochs may pass without an improvement.
        tolerance: how large an improvement must be, as a share of the best value so far.
    """

    enabled: bool = False
    min_epochs: int = 0
    patience: int = 0
    tolerance: float = 0.0
    _best: float | None = None
    _waited: int = 0

    @staticmethod
    def of(job: Job) -> EarlyStopping:
        """As the job's hyperparameters want it."""
        return EarlyStopping(
            bool(job.get("early_stopping", False)),
            job.get("early_stopping_min_epochs", 0),
            job.get("early_stopping_patience", 0),
            job.get("early_stopping_tolerance", 0.0),
        )

    def ends(self, num_epochs: int, metric: float) -> bool:
        """Whether training ends after so many epochs, the last of which reached this metric."""
        if self._best is None or metric - self._best > self.tolerance * abs(self._best):
            self._best, self._waited = metric, 0
        else:
            self._waited += 1
        return self.enabled and num_epochs >= self.min_epochs and self._waited >= self.patience
