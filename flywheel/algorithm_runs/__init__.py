"""`make algorithms`: every built-in algorithm from data to prediction, in the embedded AWS.

Each row of the catalogue is a workload like any other: deployed by the CDK CLI, fed with its sample
data, trained, evaluated against a naive baseline, registered, served, and asked in every content
type that it takes.
"""
