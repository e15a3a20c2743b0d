"""The endpoint config of one champion: fleets, disks, data capture."""

from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from components.acknowledge import acknowledge
from components.data_lake import DataLake
from components.instance_storage import has_local_storage
from flywheel.settings import ServingSettings


class ChampionConfig(sagemaker.CfnEndpointConfig):
    """An endpoint config without a name: it cannot be changed, so each change makes a new one.

    Disks are encrypted with our key where the instance types take one.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        serving: ServingSettings,
        model_name: str,
        lake: DataLake,
        prefix: str,
    ) -> None:
        local_disks = any(has_local_storage(v.instance_type) for v in serving.variants)
        super().__init__(
            scope,
            construct_id,
            kms_key_id=None if local_disks else lake.key.key_arn,
            production_variants=[
                sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                    variant_name=variant.name,
                    model_name=model_name,
                    instance_type=variant.instance_type,
                    initial_instance_count=variant.instance_count,
                    initial_variant_weight=variant.weight,
                )
                for variant in serving.variants
            ],
            data_capture_config=_data_capture(serving, lake, prefix),
        )
        if local_disks:
            acknowledge(
                self,
                "The instances have disks of their own, encrypted by hardware; AWS refuses a key "
                "of ours for them.",
                "NIST.800.53.R5-SageMakerEndpointConfigurationKMSKeyConfigured",
            )


def _data_capture(
    serving: ServingSettings, lake: DataLake, prefix: str
) -> sagemaker.CfnEndpointConfig.DataCaptureConfigProperty | None:
    if not serving.data_capture_percent:
        return None
    config = sagemaker.CfnEndpointConfig
    return config.DataCaptureConfigProperty(
        enable_capture=True,
        initial_sampling_percentage=serving.data_capture_percent,
        destination_s3_uri=f"s3://{lake.captured.bucket_name}/{prefix}/",
        kms_key_id=lake.key.key_arn,
        capture_options=[
            config.CaptureOptionProperty(capture_mode="Input"),
            config.CaptureOptionProperty(capture_mode="Output"),
        ],
        capture_content_type_header=config.CaptureContentTypeHeaderProperty(
            csv_content_types=["text/csv"],
            json_content_types=["application/json", "application/jsonlines"],
        ),
    )
