"""The small AWS of `world`, with what built-in algorithms and tuning need of it."""

import json
from dataclasses import dataclass, field
from typing import Any

from tests.loop.world import AwsError, Run, World


@dataclass
class AlgorithmWorld(World):
    """An AWS around one of `tests.sample_workloads`.

    Attributes:
        workload: Its settings, as the file has them.
        unwritten: Keys, or beginnings of keys, that the Spark job does not write.
        files_a_month: How many files each month of each folder has.
        models: The models that exist.
        best: The training that the tuning job calls the best; empty: none has succeeded.
    """

    workload: dict[str, Any] = field(default_factory=dict)
    unwritten: tuple[str, ...] = ()
    files_a_month: int = 1
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    best: str = "best"

    def arrive(self, *months: str, name: str = "") -> Run:
        """New objects of these months, as the pipe hands them over."""
        place = f"{self.workload['name']}/{self.workload['data']['trigger_prefix']}"
        keys = [{"key": f"{place}month={month}/part-0.csv"} for month in months]
        return self.run(keys, name=name)

    def manifest(self, run: str, channel: str) -> list[Any]:
        """What a run wrote for a channel."""
        key = f"{self.workload['name']}/runs/{run}/{channel}.manifest"
        content: list[Any] = json.loads(self.objects["artifacts", key])
        return content

    @property
    def _folders(self) -> dict[str, bool]:
        """Folder of the feature zone → whether it is the same in every run."""
        channels = self.workload["training"].get("channels")
        if not channels:
            return {}
        folders = {
            use.get("folder") or name: use["data"] == "fixed" for name, use in channels.items()
        }
        return {**folders, "requests": False, "truth": False}

    def _on_start_job_run(self, arguments: Any) -> Any:
        script = arguments["JobDriver"]["SparkSubmit"]["EntryPointArguments"]
        months = script[script.index("--months") + 1].split(",")
        name = self.workload["name"]
        keys = [f"{name}/{folder}/part-0" for folder, fixed in self._folders.items() if fixed]
        keys += [
            f"{name}/{folder}/month={month}/part-{part}"
            for folder, fixed in self._folders.items()
            for month in months
            for part in range(self.files_a_month)
            if not fixed
        ]
        if self._folders:
            keys += [f"{name}/truth/month={months[0]}/_SUCCESS", f"{name}/truth/"]
        else:
            keys = [f"{name}/month={month}/part-0.parquet" for month in months]
        for key in keys:
            if not key.removeprefix(f"{name}/").startswith(self.unwritten or ("-",)):
                self.objects["features", key] = b"data"
        return {"JobRunId": "1", "State": "SUCCESS"}

    def _on_create_training_job(self, arguments: Any) -> Any:
        self._assert_channels_exist(arguments["InputDataConfig"])
        return super()._on_create_training_job(arguments)

    def _on_create_hyper_parameter_tuning_job(self, arguments: Any) -> Any:
        self._assert_channels_exist(arguments["TrainingJobDefinition"]["InputDataConfig"])
        name = arguments["HyperParameterTuningJobName"]
        best = {
            "TrainingJobName": f"{name}-004-{self.best}",
            "TunedHyperParameters": {"epochs": "4"},
            "FinalHyperParameterTuningJobObjectiveMetric": {
                "MetricName": self.workload["training"]["tuning"]["objective"],
                "Value": 0.25,
            },
        }
        return {
            "HyperParameterTuningJobName": name,
            "HyperParameterTuningJobStatus": "Completed",
            "TrainingJobStatusCounters": {"Completed": 5, "Stopped": 1},
            **({"BestTrainingJob": best} if self.best else {}),
        }

    def _on_describe_training_job(self, arguments: Any) -> Any:
        name = arguments["TrainingJobName"]
        models = f"s3://artifacts/{self.workload['name']}/models"
        return {"ModelArtifacts": {"S3ModelArtifacts": f"{models}/{name}/output/model.tar.gz"}}

    def _assert_channels_exist(self, channels: Any) -> None:
        for channel in channels:
            source = channel["DataSource"]["S3DataSource"]
            bucket, _, key = source["S3Uri"].removeprefix("s3://").partition("/")
            if source["S3DataType"] == "ManifestFile":
                prefix, *rest = json.loads(self.objects[bucket, key])
                assert rest
                for entry in rest:
                    where, _, start = prefix["prefix"].removeprefix("s3://").partition("/")
                    assert (where, start + entry) in self.objects
            elif bucket == "features":
                assert [found for found in self.objects if found[1].startswith(key)]

    def _on_create_model(self, arguments: Any) -> Any:
        name = arguments["ModelName"]
        if name in self.models:
            raise AwsError("SageMaker.SageMakerException", f"Cannot create existing model {name}")
        self.models[name] = arguments
        return {"ModelArn": f"arn:aws:sagemaker:us-east-1:000000000000:model/{name}"}

    def _on_delete_model(self, arguments: Any) -> Any:
        name = arguments["ModelName"]
        if self.models.pop(name, None) is None:
            raise AwsError("SageMaker.SageMakerException", f'Could not find model "{name}".')
        return {}

    def _on_create_transform_job(self, arguments: Any) -> Any:
        assert arguments["ModelName"] in self.models
        source = arguments["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
        prefix = source.removeprefix("s3://features/")
        asked = [key for bucket, key in self.objects if key.startswith(prefix)]
        assert asked
        output = arguments["TransformOutput"]["S3OutputPath"].removeprefix("s3://artifacts/")
        for key in asked:
            self.objects["artifacts", f"{output}/{key.rpartition('/')[2]}.out"] = b"answers"
        return {"TransformJobStatus": "Completed"}

    def _on_create_processing_job(self, arguments: Any) -> Any:
        answer = super()._on_create_processing_job(arguments)
        if not self.workload["training"].get("algorithm"):
            return answer
        metric = self.workload["gate"]["metric"]
        key = next(key for key in reversed(self.objects) if key[1].endswith("evaluation.json"))
        report = json.loads(self.objects[key])
        for one in filter(None, report.values()):
            one[metric] = one.pop("auc")
            one["baseline"] = 0.1
        self.objects[key] = json.dumps(report).encode()
        return answer
