"""The embedded AWS: the real CDK CLI deploys into it, and the whole loop runs on this machine."""

from flywheel.local_aws.lifecycle import LocalAws, LocalAwsError

__all__ = ["LocalAws", "LocalAwsError"]
