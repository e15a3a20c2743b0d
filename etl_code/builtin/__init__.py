"""Spark jobs for the workloads of the built-in algorithms, and what they share."""
