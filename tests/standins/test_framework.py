"""What is around every stand-in: a job's settings as values, its end, and the server's requests."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flywheel.algorithms import catalogue
from flywheel.algorithms.catalogue import Hyperparameter
from flywheel.algorithms.values import as_text, refusal
from flywheel.standins import serve, train
from flywheel.standins.contract import Predictor, RefusedError, Request, Response
from flywheel.standins.job import Job, read_job, split_content_type, typed, values_of
from flywheel.standins.metrics import report
from flywheel.standins.remarks import MARK, MarkedLines
from tests.standins.container import Input, write_job

CSV = Input({"a.csv": b"1,2"}, "text/csv;label_size=0")
KMEANS = {"k": 2, "feature_dim": 2}
KEYS = catalogue.keys()
STAMP = "flywheel-stand-in.json"


def examples() -> Iterator[tuple[str, str, object]]:
    """Some values of every hyperparameter of the catalogue."""
    for key in KEYS:
        for own in catalogue.find(key).hyperparameters.values():
            wanted: list[Any] = [own.default, own.min, own.max, *own.choices, *own.also, 3, 0.25]
            items = own.items
            if items:
                entry = items.choices[0] if items.choices else items.min or 1
                wanted += [[entry], [[entry, entry]], [entry, entry]]
            for value in wanted:
                if value is not None and not refusal(own, value):
                    yield key, own.name, value


def same(own: Hyperparameter, given: object, read: object) -> bool:
    if isinstance(given, tuple):
        given = list(given)
    if own.type == "boolean":
        return given == read or own.words[bool(read)] == given
    return given == read and (own.type != "float" or isinstance(read, float | str))


def test_every_value_that_flywheel_writes_as_text_is_read_as_it_was() -> None:
    count = 0
    for key, name, value in examples():
        algorithm = catalogue.find(key)
        own = algorithm.hyperparameters[name]
        read = values_of(algorithm, {name: as_text(own, value)})[name]
        assert same(own, value, read), (key, name, value, read)
        count += 1

    assert count > 800


def test_defaults_are_values_as_well() -> None:
    read = typed(catalogue.find("kmeans"), {"k": "10", "feature_dim": "784"})

    assert read["k"] == 10
    assert read["eval_metrics"] == ["msd"]
    assert read["local_lloyd_tol"] == 0.0001
    assert read["extra_center_factor"] == "auto"


def test_a_default_of_a_number_with_a_fraction_is_a_float() -> None:
    alpha = typed(catalogue.find("xgboost"), {})["alpha"]

    assert (alpha, type(alpha)) == (0.0, float)


def test_what_has_no_effect_with_the_settings_is_left_out() -> None:
    learner = catalogue.find("linear_learner_regression")

    assert "huber_delta" not in typed(learner, {"huber_delta": "2", "loss": "squared_loss"})
    assert typed(learner, {"huber_delta": "2", "loss": "huber_loss"})["huber_delta"] == 2.0


def test_another_name_of_a_hyperparameter_is_read_as_the_first(tmp_path: Path) -> None:
    base = write_job(tmp_path, {"num_round": 3, "learning_rate": "0.1"}, {"train": CSV})

    job = read_job("xgboost", base)

    assert job.get("eta") == 0.1
    assert {"eta", "num_round"} == job.written


def test_a_job_is_read_from_its_folder(tmp_path: Path) -> None:
    files = {"b/2": b"2", "a/1": b"1"}
    channels = {"train": Input(files, "text/CSV; label_size=0"), "test": Input({}, None)}
    base = write_job(tmp_path, KMEANS, channels)

    job = read_job("kmeans", base)

    train_channel = job.channels["train"]
    assert train_channel.content_type == "text/csv"
    assert train_channel.parameters == {"label_size": "0"}
    assert [path.read_bytes() for path in train_channel.files] == [b"1", b"2"]
    assert job.channels["test"].content_type is None
    assert job.model_dir == base / "model"


def test_a_channel_without_a_content_type_has_the_algorithms_default(tmp_path: Path) -> None:
    base = write_job(tmp_path, {"num_round": 1}, {"train": Input({}, None)})

    assert read_job("xgboost", base).channels["train"].content_type == "text/libsvm"


def test_content_types_are_split_from_their_parameters() -> None:
    assert split_content_type("Text/CSV ; Label_Size=0;x") == (
        "text/csv",
        {"label_size": "0", "x": ""},
    )


class Fake:
    """A stand-in that does what a test wants."""

    LIBRARY = "nothing"

    def __init__(self, error: BaseException | None = None, *, writes: bool = True) -> None:
        self.error = error
        self.writes = writes
        self.job: Job | None = None

    def train(self, job: Job) -> None:
        self.job = job
        if self.writes:
            (job.model_dir / "model").write_text("learnt")
        if self.error:
            raise self.error

    def load(self, model_dir: Path) -> Predictor:
        def predict(request: Request) -> Response:
            said = [request.content_type, request.parameters, request.accept]
            return Response(request.body + json.dumps(said).encode(), "text/plain")

        assert (model_dir / "model").read_text() == "learnt"
        return predict


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Put a fake in the place of every stand-in."""

    def put(fake: Fake) -> Fake:
        for module in (train, serve):
            monkeypatch.setattr(module, "stand_in", lambda _: fake)
        return fake

    return put


def run(base: Path, key: str = "kmeans") -> tuple[int, str]:
    code = train.run(key, base)
    failure = base / "output" / "failure"
    return code, failure.read_text() if failure.exists() else ""


def test_a_job_that_ends_well_marks_its_model_and_says_what_it_is(
    tmp_path: Path, use: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    use(Fake())
    base = write_job(tmp_path, KMEANS, {"train": CSV})

    assert run(base) == (0, "")

    mark = json.loads((base / "model" / STAMP).read_text())
    assert mark == {"key": "kmeans", "library": "nothing"}
    assert capsys.readouterr().out.startswith(
        "This is a stand-in for Amazon's K-Means, on nothing: the same inputs and "
    )


@pytest.mark.parametrize(
    ("hyperparameters", "channels", "said"),
    [
        ({"k": 2}, {"train": CSV}, "hyperparameters.feature_dim is missing; K-Means requires it"),
        (KMEANS | {"k": "two"}, {"train": CSV}, "hyperparameters.k is two; it must be a whole"),
        (KMEANS | {"kk": 1}, {"train": CSV}, "K-Means has no such hyperparameter. The nearest is"),
        (KMEANS, {}, "channels.train is missing; K-Means requires it"),
        (KMEANS, {"trian": CSV}, "The nearest is train."),
        (KMEANS, {"train": Input({}, None)}, "K-Means must be told what the channel holds"),
        (KMEANS, {"train": Input({}, "text/csv;label_size=1")}, "its label_size must be 0"),
        (KMEANS, {"train": Input({}, "image/png")}, "in this channel K-Means takes"),
        (KMEANS, {"train": Input({}, CSV.content_type, "Stream")}, "comes by File, Pipe"),
    ],
)
def test_settings_that_amazons_container_refuses_are_refused_before_any_training(
    tmp_path: Path, use: Any, hyperparameters: Any, channels: Any, said: str
) -> None:
    fake = use(Fake())

    code, failure = run(write_job(tmp_path, hyperparameters, channels))

    assert code == 1
    assert failure.startswith("ClientError: ")
    assert said in failure
    assert fake.job is None


def test_what_only_one_of_awss_sources_refuses_is_a_warning(
    tmp_path: Path, use: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    use(Fake())
    hyperparameters = {"predictor_type": "regressor", "quantile": 1, "loss": "quantile_loss"}
    base = write_job(tmp_path, hyperparameters, {"train": Input({}, "text/csv;label_size=1")})

    assert run(base, "linear_learner_regression") == (0, "")

    assert "warning: hyperparameters.quantile is 1" in capsys.readouterr().out


def test_names_that_sagemaker_adds_itself_are_passed_over(tmp_path: Path, use: Any) -> None:
    fake = use(Fake())
    added = KMEANS | {"_tuning_objective_metric": "test:msd", "_kvstore": "auto"}

    assert run(write_job(tmp_path, added, {"train": CSV})) == (0, "")

    assert {"k", "feature_dim"} == fake.job.written


def test_data_that_the_stand_in_refuses_is_the_senders_mistake(
    tmp_path: Path, use: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    use(Fake(RefusedError("row 3 is bad"), writes=False))
    base = write_job(tmp_path, KMEANS, {"train": CSV})

    assert run(base) == (1, "ClientError: row 3 is bad")

    assert "Traceback" not in capsys.readouterr().err
    assert not list((base / "model").iterdir())


def test_our_own_mistake_is_an_algorithm_error_with_the_details_in_the_log_only(
    tmp_path: Path, use: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    use(Fake(ZeroDivisionError("secret detail")))

    code, failure = run(write_job(tmp_path, KMEANS, {"train": CSV}))

    assert (code, failure) == (1, "AlgorithmError: ZeroDivisionError; the job's log says more.")
    assert "secret detail" in capsys.readouterr().err


def test_a_reason_is_not_longer_than_sagemaker_takes(tmp_path: Path, use: Any) -> None:
    use(Fake(RefusedError("x" * 5000)))

    assert len(run(write_job(tmp_path, KMEANS, {"train": CSV}))[1]) == 1024


def test_a_job_that_is_stopped_is_no_failure_and_keeps_what_it_has(
    tmp_path: Path, use: Any
) -> None:
    use(Fake(SystemExit(0)))
    base = write_job(tmp_path, KMEANS, {"train": CSV})

    with pytest.raises(SystemExit):
        train.run("kmeans", base)

    assert not (base / "output" / "failure").exists()
    assert (base / "model" / STAMP).exists()


def test_an_unknown_row_of_the_catalogue_is_refused(tmp_path: Path) -> None:
    code, failure = run(tmp_path, "kmean")

    assert code == 1
    assert "The nearest is kmeans." in failure


def test_a_program_without_a_row_says_how_it_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert train.main([]) == 2
    assert "python -m flywheel.standins.train KEY" in capsys.readouterr().out


def test_both_rows_of_an_algorithm_with_two_modes_have_one_module() -> None:
    modules = {key: train.module_name(key) for key in KEYS}

    assert modules["linear_learner_regression"] == "linear_learner"
    assert modules["blazingtext_word2vec"] == "blazingtext"
    assert len(set(modules.values())) == 17
    folder = Path(train.__file__).parent
    assert {
        name
        for name in modules.values()
        if not (folder / f"{name}.py").exists() and not (folder / name / "__init__.py").exists()
    } == set()


@pytest.mark.parametrize(
    ("content_type", "accept", "request_of"),
    [
        ("text/CSV", None, ["text/csv", {}, None]),
        ("text/csv", "*/*", ["text/csv", {}, None]),
        (
            "text/csv; label_size=0",
            "Application/JSONLines; verbose=True",
            ["text/csv", {"label_size": "0"}, "application/jsonlines; verbose=true"],
        ),
    ],
)
def test_the_server_hands_over_requests_as_they_were_sent(
    tmp_path: Path, use: Any, content_type: str, accept: str | None, request_of: list[Any]
) -> None:
    use(Fake())
    base = write_job(tmp_path, KMEANS, {"train": CSV})
    run(base)

    model = serve.model_fn(str(base / "model"))
    body, answered = serve.transform_fn(model, b"1,2 ", content_type, accept)

    assert (body, answered) == (b"1,2 " + json.dumps(request_of).encode(), "text/plain")


def test_every_server_says_that_it_is_a_stand_in(
    tmp_path: Path, use: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    use(Fake())
    base = write_job(tmp_path, KMEANS, {"train": CSV})
    run(base)
    capsys.readouterr()

    serve.model_fn(str(base / "model"))

    assert "stand-in for Amazon's K-Means" in capsys.readouterr().out


def test_every_line_is_marked_also_those_that_come_in_parts() -> None:
    written = io.StringIO()
    marked = MarkedLines(written)
    print("one", "two\nthree", file=marked)
    marked.write("fo")
    marked.write("ur\n\nfive")
    assert written.getvalue().splitlines() == [
        f"{MARK}{line}" for line in ("one two", "three", "four", "", "five")
    ]


def test_a_metric_is_a_line_of_amazons_form(capsys: pytest.CaptureFixture[str]) -> None:
    report("test:msd", 0.1 + 0.2)

    log = capsys.readouterr().out
    assert log == "#quality_metric: host=algo-1, test:msd=0.30000000000000004\n"
