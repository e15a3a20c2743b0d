"""The catalogue's data: complete, sound by its own rules, and true to botocore and the images."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields

import pytest

from flywheel.algorithms import catalogue, images
from flywheel.algorithms.catalogue import Algorithm, Condition, Hyperparameter
from flywheel.algorithms.errors import RefusedError
from flywheel.algorithms.values import as_text, doubt, refusal, texts, wanted

KEYS = catalogue.keys()
each_row = pytest.mark.parametrize("key", KEYS)


def _conditions(algorithm: Algorithm) -> Iterator[Condition]:
    for hyperparameter in algorithm.hyperparameters.values():
        yield hyperparameter.required_when
        yield hyperparameter.applies_when
        yield from (tuning.when for tuning in hyperparameter.tuning)
    yield from (channel.required_when for channel in algorithm.channels.values())
    yield from (metric.when for metric in algorithm.metrics.values())
    yield from (rule.when for rule in algorithm.rules)
    yield from (response.when for response in algorithm.inference.responses)
    yield algorithm.training.gpu_when
    yield algorithm.training.several_instances_when


def test_there_are_17_algorithms_in_19_rows() -> None:
    assert len(list(catalogue.DATA_FOLDER.glob("*.json"))) == 17
    assert len(KEYS) == 19
    assert {catalogue.find(key).image.name for key in KEYS} == {
        path.stem for path in catalogue.DATA_FOLDER.glob("*.json")
    }


def test_an_unknown_algorithm_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(RefusedError, match=r"The nearest is kmeans\.") as refused:
        catalogue.find("k_means")
    assert refused.value.rule.startswith("the built-in algorithms are blazingtext_text_class")


def test_one_mode_is_no_row_by_its_file_name() -> None:
    with pytest.raises(RefusedError, match=r"The nearest is linear_learner_regression\."):
        catalogue.find("linear_learner")


def test_modes_share_what_is_the_same() -> None:
    words, labels = (catalogue.find(f"blazingtext_{mode}") for mode in ("word2vec", KEYS[0][12:]))
    assert words.hyperparameters["epochs"] == labels.hyperparameters["epochs"]
    assert "subwords" in words.hyperparameters
    assert "subwords" not in labels.hyperparameters
    assert words.image == labels.image
    assert "validation" in labels.channels
    assert "validation" not in words.channels


def test_a_key_that_the_reader_does_not_know_is_an_error() -> None:
    with pytest.raises(TypeError, match="tunning"):
        catalogue._read(catalogue.Metric, {"name": "a", "goal": "minimize", "tunning": 1})


@each_row
def test_the_image_of_a_row_exists_for_training_and_inference(key: str) -> None:
    image = catalogue.find(key).image
    for scope in ("training", "inference"):
        for instance_type in ("ml.m5.xlarge", "ml.g5.xlarge"):
            found = images.repository_and_tag(
                image.name, image.version, instance_type=instance_type, scope=scope
            )
            assert found.endswith(f":{image.version}")


@each_row
def test_types_are_what_the_reader_says(key: str) -> None:
    algorithm = catalogue.find(key)
    assert algorithm.key == key
    assert algorithm.sources
    assert algorithm.tasks
    assert algorithm.training.cpu or algorithm.training.gpu
    assert algorithm.hosting.cpu or algorithm.hosting.gpu
    assert algorithm.learning in {"supervised", "unsupervised"}
    for hyperparameter in algorithm.hyperparameters.values():
        _assert_sound(hyperparameter)
    for metric in algorithm.metrics.values():
        assert metric.goal in {"minimize", "maximize"}
    for correction in algorithm.corrections:
        assert all(getattr(correction, f.name) for f in fields(correction))


def _assert_sound(hyperparameter: Hyperparameter) -> None:
    kinds = {"integer", "float", "boolean", "choice", "text", "list"}
    assert hyperparameter.type in kinds
    assert (hyperparameter.type == "list") == (hyperparameter.items is not None)
    assert (hyperparameter.type == "boolean") == (len(hyperparameter.words) == 2)
    assert not (hyperparameter.type == "choice" and not hyperparameter.choices)
    assert not (hyperparameter.required and hyperparameter.default is not None)
    assert bool(hyperparameter.pattern) == bool(hyperparameter.says)
    assert re.compile(hyperparameter.pattern or "")
    assert wanted(hyperparameter)


@each_row
def test_train_is_required_and_every_channel_has_input_modes(key: str) -> None:
    algorithm = catalogue.find(key)
    assert algorithm.channels["train"].required
    for channel in algorithm.channels.values():
        modes = [content.input_modes for content in channel.content_types.values()]
        for mode in (*modes, channel.input_modes):
            assert mode
            assert set(mode) <= {"File", "Pipe"}
        if channel.default_content_type:
            assert channel.default_content_type in channel.content_types


@each_row
def test_every_default_is_valid_by_its_own_rule(key: str) -> None:
    for name, hyperparameter in catalogue.find(key).hyperparameters.items():
        if hyperparameter.default is not None:
            assert refusal(hyperparameter, hyperparameter.default) is None, name
            assert doubt(hyperparameter, hyperparameter.default) is None, name
            assert len(as_text(hyperparameter, hyperparameter.default)) <= 2500


@each_row
def test_every_recommended_range_is_valid_by_its_own_rule(key: str) -> None:
    for name, hyperparameter in catalogue.find(key).hyperparameters.items():
        for tuning in hyperparameter.tuning:
            if tuning.values:
                assert tuning.min is tuning.max is None
            else:
                assert tuning.min is not None
                assert tuning.max is not None
                assert tuning.min < tuning.max
            for value in (*tuning.values, tuning.min, tuning.max):
                if value is not None:
                    assert refusal(hyperparameter, value) is None, (name, value)


@each_row
def test_conditions_and_rules_speak_of_settings_and_values_that_exist(key: str) -> None:
    algorithm = catalogue.find(key)
    for condition in _conditions(algorithm):
        for wanted_values in condition:
            for setting, values in wanted_values.items():
                _assert_exists(algorithm, setting, values)
    for rule in algorithm.rules:
        for setting, choices in rule.choices.items():
            _assert_exists(algorithm, setting, tuple(map(str, choices)))
        names = (*rule.sum, *rule.order[:1], *rule.order[2:])
        assert all(name in algorithm.hyperparameters for name in names)
        for setting, entries in rule.one_of.items():
            _assert_exists(algorithm, setting, entries)
        kinds = (rule.choices, rule.one_of, rule.order, rule.sum)
        assert [bool(kind) for kind in kinds].count(True) == 1
    for hyperparameter in algorithm.hyperparameters.values():
        assert hyperparameter.requires in {None, *algorithm.hyperparameters}
        assert hyperparameter.requires_channel in {None, *algorithm.channels}


def _assert_exists(algorithm: Algorithm, setting: str, values: tuple[str, ...]) -> None:
    if setting == "processor":
        assert set(values) <= {"cpu", "gpu"}
    elif setting == "several_instances":
        assert set(values) <= {"true", "false"}
    elif setting.startswith("channels."):
        _, name, part = setting.split(".")
        channel = algorithm.channels[name]
        modes = {"File", "Pipe", "FastFile"}
        assert set(values) <= (modes if part == "input_mode" else set(channel.content_types))
    else:
        _assert_takes(algorithm.hyperparameters[setting], values)


def _assert_takes(hyperparameter: Hyperparameter, values: tuple[str, ...]) -> None:
    if hyperparameter.type == "text":
        assert all(refusal(hyperparameter, value) is None for value in values)
        return
    for value in values:
        # predictor_type of the other Linear Learner row: shared settings speak of it too.
        if value == "*" or hyperparameter.name == "predictor_type":
            continue
        known: frozenset[str] = frozenset()
        if hyperparameter.items:
            known = frozenset(map(str, hyperparameter.items.choices))
        elif hyperparameter.type == "boolean":
            known = frozenset(hyperparameter.words)
        else:
            known = frozenset(map(str, (*hyperparameter.choices, *hyperparameter.also)))
        assert value in known or hyperparameter.name == "loss", (hyperparameter.name, value)


@each_row
def test_requests_and_responses_have_examples(key: str) -> None:
    inference = catalogue.find(key).inference
    assert inference.requests
    assert all(inference.requests.values())
    assert inference.responses
    for response in inference.responses:
        assert response.example
        assert "/" in response.accept


@each_row
def test_batch_transform_asks_and_is_answered_in_forms_that_the_algorithm_knows(key: str) -> None:
    inference = catalogue.find(key).inference
    transform = inference.transform
    assert transform.content_type in inference.requests
    assert transform.accept in {response.accept for response in inference.responses}
    by_line = transform.content_type in {"text/csv", "application/jsonlines"}
    assert transform.split_type == ("Line" if by_line else "None")
    binary = {"image/png", "application/x-recordio-protobuf"}
    assert not (transform.assemble_with == "Line" and transform.accept in binary)
    if inference.accept_equals_content_type:
        assert transform.accept == transform.content_type


def test_only_pca_cannot_be_tuned() -> None:
    untunable = {key for key in KEYS if not catalogue.find(key).tunable}
    assert untunable == {"pca"}
    for key in KEYS:
        algorithm = catalogue.find(key)
        tunable = [known for known in algorithm.hyperparameters.values() if known.tuning]
        assert bool(tunable) == bool(algorithm.metrics) == algorithm.tunable


def test_conditions_compare_lists_entry_by_entry() -> None:
    metrics = catalogue.find("kmeans").hyperparameters["eval_metrics"]
    assert texts(metrics, '["msd", "ssd"]') == {"msd", "ssd"}
    assert texts(metrics, ["ssd"]) == {"ssd"}


def test_finding_a_row_reads_its_own_file_only(monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue.find.cache_clear()
    catalogue._rows.cache_clear()
    read: list[str] = []

    def loads(text: str) -> object:
        read.append(text)
        return json.JSONDecoder().decode(text)

    monkeypatch.setattr("flywheel.algorithms.catalogue.json.loads", loads)
    catalogue.find("linear_learner_regression")
    assert len(read) == 1


def test_the_import_brings_neither_an_aws_library_nor_pydantic() -> None:
    script = (
        "import sys\n"
        "import flywheel.algorithms.validation, flywheel.algorithms.training_requests\n"
        "heavy = {'boto3', 'botocore', 'aws_cdk', 'pydantic', 'ruamel', 'numpy'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
