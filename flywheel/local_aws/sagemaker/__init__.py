"""A local SageMaker: training, processing, registry, endpoints. Jobs and model servers are real
processes."""
