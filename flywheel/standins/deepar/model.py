"""The model: built by GluonTS from its settings, trained or read from a file, asked for samples."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from flywheel.standins import torch_training
from flywheel.standins.codecs.wire import Array
from flywheel.standins.contract import RefusedError
from flywheel.standins.deepar import likelihoods
from flywheel.standins.deepar.schema import Schema
from flywheel.standins.deepar.series import Series
from flywheel.standins.job import Job
from flywheel.standins.remarks import log

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of faster JSON libraries, which nothing here needs
    import gluonts.time_feature
    import pandas as pd
    from gluonts.time_feature import get_lags_for_frequency, time_features_from_frequency_str
    from gluonts.torch import DeepAREstimator
    from gluonts.transform import AddAgeFeature

MODEL_FILE = "model_algo-1"
_UNITS = {"H": "h"}
"""As pandas writes them now."""
_CYCLE_DAYS = {
    "minute_of_hour": 1 / 24,
    "hour_of_day": 1,
    "day_of_week": 7,
    "day_of_month": 31,
    "day_of_year": 366,
    "week_of_year": 366,
    "month_of_year": 366,
}
_MIN_CYCLES = 2
_VALUES_PER_LAG = 50


@dataclass(frozen=True)
class Settings:
    """What defines the network.

    Attributes:
        time_features: the derived features, by GluonTS's names.
        lags: how many steps back the network sees.
        others: as in the job, or as its data is.
    """

    time_freq: str
    time_features: tuple[str, ...]
    lags: tuple[int, ...]
    context_length: int
    prediction_length: int
    likelihood: str
    cardinality: tuple[int, ...]
    num_dynamic_feat: int
    embedding_dimension: int
    num_cells: int
    num_layers: int
    dropout_rate: float

    @staticmethod
    def of(job: Job, schema: Schema, series: Sequence[Series]) -> Settings:
        """Those of the job, with the features that its data has."""
        names = ("time_freq", "context_length", "embedding_dimension", "num_cells", "num_layers")
        given = {name: job.get(name) for name in (*names, "dropout_rate")}
        freq = frequency(job.get("time_freq"))
        return Settings(
            **given,
            **asdict(schema),
            time_features=tuple(seen_again(freq, series)),
            lags=tuple(learnable(freq, series)),
        )

    @property
    def schema(self) -> Schema:
        """The features that its series must have."""
        return Schema(
            self.prediction_length, self.likelihood, self.cardinality, self.num_dynamic_feat
        )


class Model:
    """A network with what turns series into its inputs."""

    def __init__(self, settings: Settings, **training: Any) -> None:
        """Random weights.

        Args:
            settings: of the network.
            training: further arguments of GluonTS's estimator.
        """
        torch_training.prepare()
        logging.getLogger("gluonts").setLevel(logging.ERROR)
        groups = settings.cardinality
        self.settings = settings
        self._frequency = frequency(settings.time_freq)
        self.estimator = DeepAREstimator(
            freq=self._frequency,
            prediction_length=settings.prediction_length,
            context_length=settings.context_length,
            num_layers=settings.num_layers,
            hidden_size=settings.num_cells,
            # torch drops out between layers: there is nothing between one.
            dropout_rate=settings.dropout_rate if settings.num_layers > 1 else 0.0,
            num_feat_dynamic_real=settings.num_dynamic_feat,
            num_feat_static_cat=len(groups),
            cardinality=list(groups) or None,
            embedding_dimension=[settings.embedding_dimension] * len(groups) or [1],
            distr_output=likelihoods.output(settings.likelihood),
            scaling=likelihoods.is_scaled(settings.likelihood),
            default_scale=1.0,
            lags_seq=list(settings.lags),
            time_features=[getattr(gluonts.time_feature, name) for name in settings.time_features],
            **training,
        )
        self.network = self.estimator.create_lightning_module()
        self.transformation = self.estimator.create_transformation()
        self.transformation.transformations = [
            _no_age(step) if isinstance(step, AddAgeFeature) else step
            for step in self.transformation.transformations
        ]

    def samples(self, series: Sequence[Series], num_samples: int) -> list[Array]:
        """Paths that each series may take, num_samples × prediction_length; always the same."""
        torch.manual_seed(torch_training.SEED)
        predictor = self.estimator.create_predictor(self.transformation, self.network)
        entries = [self.entry(each, each.dynamic_feat) for each in series]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's, of how GluonTS cuts tensors
            forecasts = list(predictor.predict(entries, num_samples=num_samples))
        return [np.asarray(forecast.samples, np.float32) for forecast in forecasts]

    def entry(self, series: Series, features: Array | None) -> dict[str, Any]:
        """A series as GluonTS has it."""
        entry: dict[str, Any] = {
            "start": pd.Period(series.start, freq=self._frequency),
            "target": likelihoods.within(self.settings.likelihood, series.target),
        }
        if self.settings.cardinality:
            entry["feat_static_cat"] = np.array(series.cat)
        if self.settings.num_dynamic_feat:
            entry["feat_dynamic_real"] = features
        return entry

    def save(self, folder: Path) -> None:
        """Write the model's file."""
        torch_training.save(folder / MODEL_FILE, asdict(self.settings), self.network)


def load(folder: Path) -> Model:
    """The model that `save` wrote.

    Raises:
        RefusedError: the file is missing, or something else wrote it.
    """
    config, weights = torch_training.read(folder / MODEL_FILE)
    try:
        model = Model(Settings(**config))
        model.network.load_state_dict(weights)
    except (TypeError, RuntimeError) as error:
        raise RefusedError(f"{MODEL_FILE} is the model of another algorithm") from error
    model.network.eval()
    return model


def frequency(time_freq: str) -> str:
    """time_freq as pandas knows it."""
    number, unit = re.findall(r"^(\d*)(.+)$", time_freq)[0]
    return f"{number}{_UNITS.get(unit, unit)}"


def seen_again(freq: str, series: Sequence[Series]) -> list[str]:
    """The derived features of which the data shows at least two cycles.

    A feature that never comes back, such as the day of the year in two months, only says when a
    value was seen, and nothing of what comes after the training data.
    """
    begin = min(each.start for each in series)
    ends = [(pd.Period(each.start, freq=freq) + len(each.target)).end_time for each in series]
    days = (max(ends) - begin) / pd.Timedelta(days=1)
    names = [feature.__name__ for feature in time_features_from_frequency_str(freq)]
    used = [name for name in names if days >= _MIN_CYCLES * _CYCLE_DAYS[name]]
    if len(used) < len(names):
        unused = ", ".join(name for name in names if name not in used)
        log(f"of the derived features, {unused} is not used: there are {days:.0f} days.")
    return used


def learnable(freq: str, series: Sequence[Series]) -> list[int]:
    """The lags that the data has enough values for.

    A lag that most windows of the training data do not reach back to, or one of many in few data,
    is learnt by heart instead of what it means.
    """
    lengths = [len(each.target) for each in series]
    longest = min(max(lengths) // 2, sum(lengths) // _VALUES_PER_LAG)
    lags = get_lags_for_frequency(freq)
    used = [lag for lag in lags if lag <= longest] or lags[:1]
    if len(used) < len(lags):
        log(f"of the lags, those up to {used[-1]} steps are used: there are {sum(lengths)} values.")
    return used


def quantile(samples: Array, share: float) -> Array:
    """The quantile of each time step."""
    values: Array = np.quantile(samples, share, axis=0).astype(np.float32)
    return values


def _no_age(step: Any) -> Any:
    """In the place of GluonTS's feature of how old a series is, which Amazon's does not derive."""
    return _Zeros(
        target_field=step.target_field, output_field=step.feature_name, pred_length=step.pred_length
    )


class _Zeros(AddAgeFeature):  # type: ignore[misc]
    """A feature that says nothing."""

    def map_transform(self, data: Any, is_train: bool) -> Any:
        """The entry with the feature."""
        entry = super().map_transform(data, is_train)
        entry[self.feature_name] = np.zeros_like(entry[self.feature_name])
        return entry
