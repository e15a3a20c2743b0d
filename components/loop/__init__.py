"""The retraining loop: one state machine, split by idea, each state beside what it may do.

Reading order is running order: `intake` (arrivals, lock, `champion`), `checks` (Spark, quarantine),
`manifests`, `training` (job, evaluation, gate), `promotion` (registration, approval), `deployment`
(pointer, stack, live check), `rollback`, `outcome` (release, message, end). `machine` puts them
together, `triggers` starts them.
"""
