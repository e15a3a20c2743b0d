"""What a built-in algorithm does not take is said with setting, value, rule and remedy."""

from dataclasses import replace

import pytest

from flywheel.algorithms import catalogue
from flywheel.algorithms.errors import RefusedError
from flywheel.algorithms.validation import (
    ChannelUse,
    Findings,
    RangeUse,
    Training,
    check,
    check_hosting,
)
from tests.algorithms.mistakes import MISTAKES
from tests.algorithms.mistakes.doubts import DOUBTS
from tests.algorithms.trainings import (
    CSV,
    MINIMAL,
    P,
    tuned,
    tuning_of,
    with_hyperparameters,
)


def _problems(found: Findings) -> list[str]:
    return [str(problem) for problem in found.problems]


def _warnings(found: Findings) -> list[str]:
    return [str(warning) for warning in found.warnings]


@pytest.mark.parametrize("key", catalogue.keys())
def test_the_minimal_training_of_every_row_passes_without_a_warning(key: str) -> None:
    assert check(key, MINIMAL[key]) == Findings((), ())


@pytest.mark.parametrize("key", sorted(set(catalogue.keys()) - {"pca"}))
def test_every_row_can_be_tuned_over_the_recommended_ranges(key: str) -> None:
    assert check(key, tuned(key)) == Findings((), ())


@pytest.mark.parametrize("key", catalogue.keys())
def test_what_is_required_is_missed(key: str) -> None:
    algorithm = catalogue.find(key)
    required = [known.name for known in algorithm.hyperparameters.values() if known.required]
    for name in required:
        (problem,) = check(key, with_hyperparameters(key, **{name: ...})).problems
        assert problem.steps == ("training", "hyperparameters", name)
        assert problem.value == "missing"
        assert problem.rule == f"{algorithm.name} requires it"


@pytest.mark.parametrize("name", MISTAKES)
def test_what_is_wrong_is_said(name: str) -> None:
    key, training, said = MISTAKES[name]
    assert _problems(check(key, training)) == said


@pytest.mark.parametrize("name", DOUBTS)
def test_what_is_doubtful_is_a_warning_and_no_problem(name: str) -> None:
    key, training, said = DOUBTS[name]
    found = check(key, training)
    assert not found.problems
    assert said in _warnings(found)


def test_a_range_that_fits_the_other_setting_is_no_warning() -> None:
    training = tuning_of("seq2seq", "validation:bleu", weight_init_scale=RangeUse(min=-1, max=1))
    fitting = replace(training, hyperparameters={"weight_init_type": "uniform"})
    assert check("seq2seq", fitting) == Findings((), ())


def test_only_some_metrics_take_a_threshold() -> None:
    ranked = with_hyperparameters(
        "xgboost", objective="rank:map", eval_metric=["map@5", "error@0.7"]
    )
    assert check("xgboost", ranked) == Findings((), ())
    ranked = with_hyperparameters("xgboost", objective="rank:map", eval_metric="auc@0.5")
    (problem,) = check("xgboost", ranked).problems
    assert problem.remedy == "auc@0.5 is none; the nearest is auc."


def test_all_problems_come_at_once() -> None:
    training = Training(
        hyperparameters={"feature_dim": 0, "kk": 3},
        channels={"tran": ChannelUse(content_type=CSV)},
        instance_type="ml.m5.huge",
    )
    settings = [problem.setting for problem in check("kmeans", training).problems]
    assert settings == [
        "training.channels.tran",
        "training.instance_type",
        "training.hyperparameters.feature_dim",
        "training.hyperparameters.kk",
    ]


def test_a_wrong_value_does_not_make_others_wrong_too() -> None:
    training = with_hyperparameters("xgboost", objective="multi:softmx")
    (problem,) = check("xgboost", training).problems
    assert str(problem).startswith(P + "objective is multi:softmx; it must be binary:logistic,")
    assert problem.remedy == "The nearest is multi:softmax."


def test_what_is_not_known_is_not_judged() -> None:
    unknown = replace(
        MINIMAL["kmeans"],
        instance_type=None,
        instance_count=None,
        channels={"train": ChannelUse(content_type=CSV, input_mode=None)},
    )
    assert check("kmeans", unknown) == Findings((), ())


def test_a_tuned_hyperparameter_counts_as_given() -> None:
    training = tuning_of("xgboost", "validation:rmse", num_round=RangeUse(min=10, max=50))
    assert "num_round" not in training.hyperparameters
    assert check("xgboost", training) == Findings((), ())


def test_a_tuned_choice_may_be_any_of_its_values() -> None:
    training = tuning_of("kmeans", "test:msd", init_method=RangeUse())
    assert check("kmeans", training) == Findings((), ())


def test_an_unknown_algorithm_is_refused() -> None:
    with pytest.raises(RefusedError, match=r"The nearest is xgboost\."):
        check("xgbost", Training())


def test_endpoints_are_judged_by_the_rules_of_hosting() -> None:
    steps = ("serving", "variants", 0, "instance_type")
    assert check_hosting("seq2seq", "ml.g5.xlarge", steps) == Findings((), ())
    assert check_hosting("image_classification", "ml.m5.large", steps) == Findings((), ())
    assert _problems(check_hosting("lda", "ml.g5.xlarge", steps)) == [
        "serving.variants[0].instance_type is ml.g5.xlarge; Latent Dirichlet Allocation serves "
        "on CPUs only. For example ml.m5.xlarge."
    ]
    assert _problems(check_hosting("kmeans", "ml.inf1.xlarge", steps)) == [
        "serving.variants[0].instance_type is ml.inf1.xlarge; K-Means serves on x86 CPUs or "
        "NVIDIA GPUs. For example ml.m5.xlarge."
    ]
    assert _warnings(check_hosting("seq2seq", "ml.m5.large", steps)) == [
        "serving.variants[0].instance_type is ml.m5.large; AWS's guide speaks of GPUs only for "
        "Sequence-to-Sequence. ml.g5.xlarge is safe."
    ]
