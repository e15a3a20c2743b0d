"""IP Insights' stand-in: who is seen at which address. The events are generated."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest

from flywheel.standins.ip_insights.events import Events
from flywheel.standins.ip_insights.network import Network
from flywheel.standins.ip_insights.sampling import with_negatives
from flywheel.standins.ip_insights.training import Trainer
from tests.standins.container import Answer, Asked, Container, Input
from tests.standins.jobs import (
    Done,
    Work,
    accepts,
    form_of,
    not_accounted_for,
    run_jobs,
    shape_of,
)

pytestmark = pytest.mark.xdist_group("standin-tabular")
KEY = "ip_insights"
SMALL = {"num_entity_vectors": 100, "vector_dim": 16}
LEARNS = SMALL | {"epochs": 15, "mini_batch_size": 200, "learning_rate": 0.02}
EVERYTHING = LEARNS | {
    "epochs": 2,
    "batch_metrics_publish_interval": 5,
    "num_ip_encoder_layers": 2,
    "random_negative_sampling_rate": 2,
    "shuffled_negative_sampling_rate": 0,
    "weight_decay": 0.001,
}
NUM_ENTITIES, NUM_NETWORKS = 40, 60
Event = tuple[str, str]


def events(number: int, seed: int) -> list[Event]:
    """Each entity is seen in three networks of its own, at addresses that hardly come again."""
    homes = np.random.default_rng(0).integers(0, NUM_NETWORKS, (NUM_ENTITIES, 3))
    drawn = np.random.default_rng(seed)
    who = drawn.integers(0, NUM_ENTITIES, number)
    networks = homes[who, drawn.integers(0, 3, number)]
    hosts = drawn.integers(0, 256, (number, 2))
    return [
        (f"user {one}", f"{20 + network}.{7 * network % 256}.{host[0]}.{host[1]}")
        for one, network, host in zip(who, networks, hosts, strict=True)
    ]


def csv(rows: Sequence[Event], between: str = ",") -> bytes:
    return "\n".join(between.join(row) for row in rows).encode()


KNOWN = events(3, seed=3)
REQUESTS = {
    "text/csv": csv(KNOWN, ", "),
    "application/json": json.dumps(
        {
            "instances": [
                {"features": list(KNOWN[0])},
                {"data": {"features": {"values": list(KNOWN[1])}}},
                {"features": list(KNOWN[2])},
            ]
        }
    ).encode(),
    "application/jsonlines": "\n".join(json.dumps({"features": row}) for row in KNOWN).encode(),
}
STRANGERS = [(KNOWN[0][0], "203.0.113.7"), ("nobody", KNOWN[0][1])]
BAD_REQUESTS = {
    "no address": Asked(b"user 1,10.0.0.256"),
    "one column": Asked(b"user 1"),
    "nothing": Asked(b""),
    "no values": Asked(b'{"instances": [{"features": {}}]}', "application/json"),
    "no text": Asked(b"\xff\xfe"),
}


def test_negative_samples_keep_the_entity_or_the_address_and_are_labelled_0() -> None:
    events = Events(np.arange(50, dtype=np.uint32), np.arange(100, 150, dtype=np.uint32))
    batch = with_negatives(events, num_random=1, num_shuffled=2, random=np.random.default_rng(0))
    assert batch.labels.tolist() == [1] * 50 + [0] * 150
    parts = [slice(50 * part, 50 * (part + 1)) for part in range(4)]
    assert np.array_equal(batch.entities[parts[1]], events.entities)
    assert not np.isin(batch.addresses[parts[1]], events.addresses).any()
    for part in parts[2:]:
        assert np.array_equal(batch.addresses[part], events.addresses)
        assert sorted(batch.entities[part]) == sorted(events.entities)
        assert (batch.entities[part] != events.entities).mean() > 0.8


def test_each_parameter_moves_along_the_slope_of_the_cross_entropy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("flywheel.standins.ip_insights.training.DROPPED_PREFIXES", 0)
    random = np.random.default_rng(0)
    events = Events(
        random.integers(0, 3, 30).astype(np.uint32), random.integers(0, 9, 30).astype(np.uint32)
    )
    batch = with_negatives(events, num_random=0, num_shuffled=1, random=random)
    network = Network.initial(
        events, num_entity_vectors=10, vector_dim=4, num_layers=2, random=random
    )
    parameters = [network.entities, network.prefixes, network.weights, network.biases]
    for place, values in enumerate(parameters):
        parameters[place] = values.astype(np.float64)
    network.entities, network.prefixes, network.weights, network.biases = parameters

    def cross_entropy() -> float:
        scores = network.score(batch.entities, batch.addresses)
        return float(np.mean(np.logaddexp(0, scores) - batch.labels * scores))

    slopes, small = [], 1e-6
    for values in parameters:
        slope = np.zeros_like(values)
        for place in np.ndindex(values.shape):
            values[place] += small
            above = cross_entropy()
            values[place] -= 2 * small
            slope[place] = (above - cross_entropy()) / (2 * small)
            values[place] += small
        slopes.append(slope)
    moved = [values.copy() for values in parameters]
    started = cross_entropy()
    found = Trainer(network, 0.01, 0.0).step(batch, random)
    assert found == pytest.approx(started)
    for before, after, slope in zip(moved, parameters, slopes, strict=True):
        # The first step of Adam is as long as the learning rate, against the slope.
        clear = np.abs(slope) > 1e-5
        assert clear.any()
        assert np.allclose((after - before)[clear], -0.01 * np.sign(slope[clear]), atol=1e-4)


@pytest.fixture(scope="module")
def works() -> dict[str, Work]:
    both = {
        "train": Input({"a.csv": csv(events(2000, 1))}),
        "validation": Input({"b.csv": csv(events(600, 2))}),
    }
    asked = [
        *(Asked(body, kind) for kind, body in REQUESTS.items()),
        *(Asked(REQUESTS["text/csv"], "text/csv", accept) for accept in accepts(KEY)),
        Asked(csv(STRANGERS)),
        *BAD_REQUESTS.values(),
        Asked(b"user 1,10.0.0.1", "text/plain"),
        Asked(b"user 1,10.0.0.1", "text/csv", "text/csv"),
    ]
    bad = {
        "an IPv6 address": b"user 1,192.0.2.1\nuser 2,2001:db8::1",
        "three columns": b"user 1,192.0.2.1,3",
        "no rows": b"",
    }
    return {
        "learns": Work(KEY, LEARNS, both, asked),
        "everything": Work(KEY, EVERYTHING, both),
        "again": Work(KEY, EVERYTHING, both),
        "no layers": Work(KEY, LEARNS | {"num_ip_encoder_layers": 0}, both),
        "one vector": Work(KEY, LEARNS | {"num_entity_vectors": 1}, both),
        **{name: Work(KEY, SMALL, {"train": Input({"a.csv": data})}) for name, data in bad.items()},
    }


@pytest.fixture(scope="module")
def done(tabular: Container, works: dict[str, Work]) -> dict[str, Done]:
    return run_jobs(tabular, works)


@pytest.fixture(scope="module")
def answers(done: dict[str, Done]) -> dict[str, Answer]:
    names = [*REQUESTS, *accepts(KEY), "strangers", *BAD_REQUESTS, "wrong type", "wrong accept"]
    # The JSON forms are both a request and an Accept: the later one is told apart by its order.
    return dict(zip(_numbered(names), done["learns"].answers, strict=True))


def _numbered(names: Sequence[str]) -> list[str]:
    return [
        f"{name} accepted" if name in names[:place] else name for place, name in enumerate(names)
    ]


def test_events_at_new_addresses_of_known_networks_are_told_from_others(
    done: dict[str, Done],
) -> None:
    for name in ("learns", "no layers"):
        assert done[name].exit_code == 0, done[name].failure
        # Shuffled samples hit one of the entity's own networks now and then: 1 cannot be reached.
        assert done[name].metrics["validation:discriminator_auc"] > 0.9
    assert done["one vector"].metrics["validation:discriminator_auc"] < 0.85


def test_the_same_job_gives_the_same_model_again(done: dict[str, Done]) -> None:
    one, other = ((done[n].model_dir / "model_algo-1") for n in ("everything", "again"))
    with np.load(one) as first, np.load(other) as second:
        assert all(np.array_equal(first[name], second[name]) for name in first.files)


def test_every_hyperparameter_is_used_or_named(
    works: dict[str, Work], done: dict[str, Done]
) -> None:
    assert not_accounted_for(KEY, works, done) == set()


def test_the_speed_is_said_in_the_interval_that_the_request_wants(done: dict[str, Done]) -> None:
    assert "epoch 1, batch 5:" in done["everything"].log
    assert "samples/second" not in done["learns"].log


def test_every_form_of_a_request_is_answered_alike(answers: dict[str, Answer]) -> None:
    scores = [
        [row["dot_product"] for row in answers[kind].json["predictions"]] for kind in REQUESTS
    ]
    assert scores[0] == scores[1] == scores[2]
    assert len(scores[0]) == 3


def test_every_accept_is_answered_as_the_catalogue_shows_it(answers: dict[str, Answer]) -> None:
    for accept, example in accepts(KEY).items():
        answer = answers.get(f"{accept} accepted", answers[accept])
        assert answer.status == 200
        assert shape_of(form_of(answer, accept)) == shape_of(example), accept


def test_verbose_vectors_have_the_score_as_their_product(answers: dict[str, Answer]) -> None:
    for row in answers["application/json; verbose=True"].json["predictions"]:
        assert len(row["entity_embedding"]) == SMALL["vector_dim"]
        product = np.dot(row["entity_embedding"], row["ip_embedding"])
        assert row["dot_product"] == pytest.approx(product, abs=1e-4)


def test_an_unlikely_address_scores_lower_and_an_unknown_entity_zero(
    answers: dict[str, Answer],
) -> None:
    known = answers["text/csv"].json["predictions"]
    far, nobody = (row["dot_product"] for row in answers["strangers"].json["predictions"])
    assert far < 0 < known[0]["dot_product"]
    assert nobody == 0


def test_what_cannot_be_read_is_refused_in_words(answers: dict[str, Answer]) -> None:
    assert {name: answers[name].status for name in BAD_REQUESTS} == dict.fromkeys(BAD_REQUESTS, 400)
    assert b"row 1 is 'user 1,10.0.0.256'; it must be an entity and an IPv4" in (
        answers["no address"].body
    )
    assert answers["wrong type"].status == 415
    assert answers["wrong accept"].status == 406


def test_bad_channels_are_the_senders_mistake(done: dict[str, Done]) -> None:
    assert done["an IPv6 address"].failure.startswith(
        "ClientError: channel train, file a.csv: row 2 is 'user 2,2001:db8::1'; it must be"
    )
    assert "row 1 is 'user 1,192.0.2.1,3'" in done["three columns"].failure
    assert "channel train has no rows" in done["no rows"].failure
    assert {done[n].exit_code for n in ("an IPv6 address", "three columns", "no rows")} == {1}
