"""A project that is in order, and a way to break it at one place."""

from pathlib import Path

from flywheel.settings import SettingsError, check_all

ENVIRONMENT = """\
name: dev
region: eu-west-1
retain_data: false
termination_protection: false
approval: automatic
log_retention_days: 30
network:
  cidr: 10.20.0.0/16
  max_azs: 2
  interface_endpoints: [sagemaker.api, ecr.dkr]
budget_usd_per_month: 300
alarm_email: null
retraining:
  batching_window_seconds: 300
  batching_size: 10000
  settle_seconds: 60
  poll_seconds: 30
  lock_hours: 24
"""

WORKLOAD = """\
name: flight_delay
description: Says whether a flight will be late.
data:
  trigger_prefix: flights/
  partition: month
  tables:
    curated: {flight_date: date, carrier: string}
    features: {late: int, hour: double}
etl:
  script: etl_code/flight_delay.py
  timeout_minutes: 60
  driver: {cpu: 2 vCPU, memory: 8 GB}
  executor: {cpu: 2 vCPU, memory: 8 GB, instances: 2}
  maximum_capacity: {cpu: 16 vCPU, memory: 64 GB}
checks:
  - {name: num_rows, expression: count(*), min: 1000}
  - name: missing_carrier
    expression: "avg(CASE WHEN carrier IS NULL THEN 1.0 ELSE 0.0 END)"
    max: 0.01
training:
  source: training_code
  script: train.py
  image: {framework: xgboost, version: 3.2-0}
  instance_type: ml.m5.xlarge
  instance_count: 1
  volume_size_gb: 30
  max_runtime_minutes: 60
  spot: true
  max_wait_minutes: 120
  checkpoints: true
  hyperparameters:
    num_round: 200
    objective: binary:logistic
  metrics: []
evaluation:
  script: training_code/evaluate.py
  instance_type: ml.m5.large
  volume_size_gb: 30
  max_runtime_minutes: 30
gate: {metric: auc, minimum: 0.65, tolerance: 0.02}
serving:
  source: inference_code
  script: inference.py
  variants:
    - {name: main, instance_type: ml.c7i.large, instance_count: 2, weight: 1}
  data_capture_percent: 20
  canary: {percent: 10, wait_seconds: 300}
  autoscaling: {min_count: 2, max_count: 4, invocations_per_instance_per_minute: 600}
  max_latency_ms: 500
  max_error_percent: 1
api: {throttle_rate_per_second: 50, throttle_burst: 100}
schedule: rate(7 days)
overrides:
  prod:
    serving:
      variants:
        - {name: main, instance_type: ml.g5.xlarge, instance_count: 3}
  staging: {gate: {tolerance: 0.05}}
"""

SOURCES = (
    "etl_code/flight_delay.py",
    "training_code/train.py",
    "training_code/evaluate.py",
    "inference_code/inference.py",
)


class Project:
    """A folder with config/ and code, all in order until a test breaks it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.config_dir = root / "config"
        for name in ("dev", "staging", "prod"):
            self.write(f"config/environments/{name}.yaml", ENVIRONMENT.replace("dev", name, 1))
        self.write("config/workloads/flight_delay.yaml", WORKLOAD)
        for source in SOURCES:
            self.write(source, "")

    def write(self, name: str, text: str | bytes) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)

    def replace(self, name: str, old: str, new: str) -> None:
        text = (self.root / name).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        self.write(name, text.replace(old, new))

    def problems(self) -> list[str]:
        """What is wrong, a line each; nothing if all is in order."""
        try:
            check_all(self.config_dir)
        except SettingsError as error:
            return str(error).splitlines()
        return []
