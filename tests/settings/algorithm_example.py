"""A workload with a built-in algorithm that is in order."""

ALGORITHM_WORKLOAD = """\
name: flowers
description: Groups flowers by their measures.
data:
  trigger_prefix: flowers/
  tables:
    curated:
      {sepal_length: double, petal_length: double}
etl:
  script: etl_code/flight_delay.py
  driver: {cpu: 1 vCPU, memory: 2 GB}
  executor: {cpu: 1 vCPU, memory: 2 GB, instances: 1}
  maximum_capacity: {cpu: 2 vCPU, memory: 4 GB}
checks:
  - {name: num_rows, expression: count(*), min: 10}
training:
  algorithm: kmeans
  channels:
    train: {data: training, folder: rows, content_type: text/csv}
    test: {data: holdout, folder: rows, content_type: text/csv}
  instance_type: ml.m5.xlarge
  max_runtime_minutes: 60
  hyperparameters:
    feature_dim: 2
    k: 3
  tuning:
    objective: test:msd
    ranges:
      epochs: {min: 1, max: 5}
      init_method: {}
    max_jobs: 6
evaluation:
  script: training_code/evaluate.py
  image: {framework: sklearn, version: 1.9-0}
  instance_type: ml.m5.large
gate: {metric: silhouette, minimum: 0.4}
serving:
  variants:
    - {instance_type: ml.c7i.large}
  max_latency_ms: 500
  max_error_percent: 1
"""
