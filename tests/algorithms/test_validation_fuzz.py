"""Whatever stands in the settings: validation answers, and what it accepts can be sent."""

from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from flywheel.algorithms import catalogue, training_requests
from flywheel.algorithms.catalogue import Hyperparameter
from flywheel.algorithms.findings import Finding, Findings
from flywheel.algorithms.validation import ChannelUse, RangeUse, Training, Tuning, check
from flywheel.algorithms.values import as_text, doubt, refusal, texts
from tests.algorithms.trainings import MINIMAL

KEYS = st.sampled_from(catalogue.keys())
ONE_BY_ONE = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["auto", "true", "True", "1", "[]", "(1, 0)", "[[1]]", "a,b", "1e-3", "'"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@st.composite
def _trainings(draw: st.DrawFn) -> tuple[str, Training]:
    key = draw(KEYS)
    algorithm = catalogue.find(key)
    names = st.sampled_from(sorted(algorithm.hyperparameters)) | st.text(max_size=12)
    channels = st.sampled_from(sorted(algorithm.channels)) | st.text(max_size=12)
    held = sorted({held for c in algorithm.channels.values() for held in c.content_types})
    use = st.builds(
        ChannelUse,
        content_type=st.sampled_from([*held, None]) | st.text(max_size=20),
        input_mode=st.sampled_from(["File", "Pipe", "FastFile", None]) | st.text(max_size=5),
    )
    tried = st.builds(
        RangeUse,
        min=VALUES,
        max=VALUES,
        values=st.none() | st.lists(SCALARS, max_size=3).map(tuple),
        scaling=st.sampled_from([None, "Auto", "Logarithmic", "ReverseLogarithmic", "x"]),
    )
    tuning = st.builds(
        Tuning,
        objective=st.sampled_from([*algorithm.metrics, None]) | st.text(max_size=9),
        ranges=st.dictionaries(names, tried, max_size=4),
    )
    types = st.sampled_from(["ml.m5.xlarge", "ml.g5.xlarge", "ml.trn1.2xlarge", "ml.", "", None])
    training = Training(
        hyperparameters=draw(st.dictionaries(names, VALUES, max_size=6)),
        channels=draw(st.dictionaries(channels, use, max_size=3)),
        instance_type=draw(types),
        instance_count=draw(st.none() | st.integers(1, 5)),
        tuning=draw(st.none() | tuning),
    )
    return key, training


def _assert_readable(finding: Finding) -> None:
    said = str(finding)
    assert said.startswith("training.")
    assert said.endswith(".")
    assert "\n" not in finding.value
    assert finding.rule
    assert not finding.rule.endswith(".")


@given(_trainings())
@ONE_BY_ONE
def test_any_training_is_answered_in_readable_lines(drawn: tuple[str, Training]) -> None:
    key, training = drawn
    found = check(key, training)
    assert found == check(key, training)
    for finding in (*found.problems, *found.warnings):
        _assert_readable(finding)


@given(KEYS, st.data(), VALUES)
@ONE_BY_ONE
def test_a_value_is_refused_or_has_one_text(key: str, data: Any, value: object) -> None:
    known = catalogue.find(key).hyperparameters
    hyperparameter = known[data.draw(st.sampled_from(sorted(known)))]
    refused = refusal(hyperparameter, value)
    if refused is None:
        written = as_text(hyperparameter, value)
        assert len(written) <= 2500
        assert texts(hyperparameter, value)
        doubt(hyperparameter, value)
    else:
        assert refused.rule.startswith(("it must be", "as text it must"))


def _valid(hyperparameter: Hyperparameter) -> st.SearchStrategy[Any]:
    """Values that keep the rule, drawn independently of the code that checks it."""
    low = hyperparameter.min if hyperparameter.min is not None else hyperparameter.above
    high = hyperparameter.max if hyperparameter.max is not None else hyperparameter.below
    open_low, open_high = hyperparameter.above is not None, hyperparameter.below is not None
    if hyperparameter.choices:
        return st.sampled_from(hyperparameter.choices)
    if hyperparameter.type == "boolean":
        return st.booleans() | st.sampled_from(hyperparameter.words)
    if hyperparameter.type == "integer":
        step = hyperparameter.multiple_of or 1
        least = None if low is None else (int(low) + open_low) // step
        most = None if high is None else (int(high) - open_high) // step
        return st.integers(least, most).map(lambda number: number * step)
    if hyperparameter.type == "float":
        return st.floats(
            low,
            high,
            exclude_min=open_low,
            exclude_max=open_high,
            allow_nan=False,
            allow_infinity=False,
        )
    return st.just(hyperparameter.default).filter(lambda value: value is not None)


@given(KEYS, st.data())
@ONE_BY_ONE
def test_every_value_within_the_rule_is_taken(key: str, data: Any) -> None:
    known = {
        name: hyperparameter
        for name, hyperparameter in catalogue.find(key).hyperparameters.items()
        if hyperparameter.type in {"integer", "float", "choice", "boolean"}
    }
    hyperparameter = known[data.draw(st.sampled_from(sorted(known)))]
    assert refusal(hyperparameter, data.draw(_valid(hyperparameter))) is None


@given(KEYS, st.data())
@ONE_BY_ONE
def test_one_more_wrong_name_is_one_more_problem(key: str, data: Any) -> None:
    name = data.draw(st.text(st.characters(categories=["Ll"]), min_size=1, max_size=12))
    algorithm, least = catalogue.find(key), MINIMAL[key]
    assume(algorithm.hyperparameter(name) is None)
    wrong = Training(
        hyperparameters={**least.hyperparameters, name: 1},
        channels=least.channels,
        instance_type=least.instance_type,
    )
    found = check(key, wrong)
    assert found == Findings(found.problems, ())
    assert [problem.steps[-1] for problem in found.problems] == [name]


@given(KEYS, st.data())
@ONE_BY_ONE
def test_what_is_accepted_can_be_sent(key: str, data: Any) -> None:
    algorithm, least = catalogue.find(key), MINIMAL[key]
    names = data.draw(st.lists(st.sampled_from(sorted(algorithm.hyperparameters)), max_size=4))
    chosen = [known for name, known in algorithm.hyperparameters.items() if name in names]
    values = {
        known.name: data.draw(_valid(known))
        for known in chosen
        if known.type not in {"text", "list"} or known.default is not None
    }
    training = Training(
        hyperparameters={**least.hyperparameters, **values},
        channels=least.channels,
        instance_type=least.instance_type,
    )
    assume(not check(key, training).problems)
    sent = training_requests.hyperparameters(algorithm, training.hyperparameters)
    assert sent.keys() == training.hyperparameters.keys()
    for name, text in sent.items():
        known = algorithm.hyperparameters[name]
        assert len(text) <= 2500
        if known.type == "integer" and text not in known.also:
            assert int(text) == training.hyperparameters[name]
        if known.type == "float" and text not in known.also:
            assert float(text) == training.hyperparameters[name]
