"""The local EMR Serverless: Spark jobs are real processes on this machine."""

from flywheel.local_aws.emr_serverless.service import EmrServerless

__all__ = ["EmrServerless"]
