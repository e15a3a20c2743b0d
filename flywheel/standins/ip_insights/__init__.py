"""Stand-in for IP Insights on numpy: how well an entity and an IPv4 address go together.

Source: Amazon SageMaker Developer Guide, "How IP Insights Works": hashed entities, an encoder of
the prefixes of an address, random and shuffled negative samples, cross entropy of the dot product.
The layers of Amazon's encoder are not public; `network.py` says what stands for them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from flywheel.standins import metrics
from flywheel.standins.contract import Predictor
from flywheel.standins.ip_insights.events import Events, read_events
from flywheel.standins.ip_insights.network import Network
from flywheel.standins.ip_insights.sampling import with_negatives
from flywheel.standins.ip_insights.served import Scores
from flywheel.standins.ip_insights.training import fit
from flywheel.standins.job import Job
from flywheel.standins.ranking import area_under_roc

LIBRARY = "numpy"
VALIDATION_SEED = 1
"""The same negative samples at each evaluation."""


def train(job: Job) -> None:
    """Learn the vectors, measure them on the validation channel if there is one, write them."""
    # What this needs is in the image's environment only; events and the network need numpy alone.
    from threadpoolctl import threadpool_limits  # noqa: PLC0415

    from flywheel.standins.tabular import save_arrays  # noqa: PLC0415

    events = read_events(job.channels["train"])
    # One thread: on matrices as small as these, several wait for each other longer than they work.
    with threadpool_limits(1):
        network = fit(job, events)
        if "validation" in job.channels:
            held_out = read_events(job.channels["validation"])
            metrics.report(
                "validation:discriminator_auc", discriminator_auc(job, network, held_out)
            )
    save_arrays(job.model_dir, network.arrays())


def load(model_dir: Path) -> Predictor:
    """The network that `train` wrote."""
    from flywheel.standins.tabular import load_arrays  # noqa: PLC0415

    return Scores(Network.from_arrays(load_arrays(model_dir, Network.names())))


def discriminator_auc(job: Job, network: Network, events: Events) -> float:
    """How well scores tell the events from negative samples, made as for training."""
    random = np.random.default_rng(VALIDATION_SEED)
    batch = with_negatives(
        events,
        num_random=job.get("random_negative_sampling_rate"),
        num_shuffled=job.get("shuffled_negative_sampling_rate"),
        random=random,
    )
    scores = network.score(batch.entities, batch.addresses)
    return area_under_roc(scores[batch.labels == 1], scores[batch.labels == 0])
