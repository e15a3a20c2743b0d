"""The Athena workgroup through which the lake is queried."""

from aws_cdk import aws_athena as athena
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

_MAX_BYTES_PER_QUERY = 100 * 1024**3


class QueryWorkgroup(athena.CfnWorkGroup):
    """A workgroup whose settings no client can override: our result zone, our key, a limit.

    A query that would scan more than 100 GiB (about half a dollar) is stopped.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        workgroup_name: str,
        results: s3.IBucket,
        key: kms.IKey,
    ) -> None:
        workgroup = athena.CfnWorkGroup
        super().__init__(
            scope,
            construct_id,
            name=workgroup_name,
            # Queries are history, not data: their results are in the result zone.
            recursive_delete_option=True,
            work_group_configuration=workgroup.WorkGroupConfigurationProperty(
                enforce_work_group_configuration=True,
                publish_cloud_watch_metrics_enabled=True,
                bytes_scanned_cutoff_per_query=_MAX_BYTES_PER_QUERY,
                engine_version=workgroup.EngineVersionProperty(
                    selected_engine_version="Athena engine version 3"
                ),
                result_configuration=workgroup.ResultConfigurationProperty(
                    output_location=f"s3://{results.bucket_name}/",
                    encryption_configuration=workgroup.EncryptionConfigurationProperty(
                        encryption_option="SSE_KMS", kms_key=key.key_arn
                    ),
                ),
            ),
        )
