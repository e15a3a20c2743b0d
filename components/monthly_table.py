"""A Glue table over the Parquet files of one workload, found by month without a crawler."""

from collections.abc import Mapping

from aws_cdk import aws_glue as glue
from aws_cdk import aws_s3 as s3
from constructs import Construct

_FIRST_MONTH = "2000-01"


class MonthlyTable(glue.CfnTable):
    """An external table, partitioned by month by projection.

    Athena works out the partitions from the query: a new month can be queried as soon as its files
    are there, and no crawler or `MSCK REPAIR` is needed. Months from 2000-01 until now exist.

    Source: Amazon Athena User Guide, "Supported types for partition projection", date type.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        catalog_id: str,
        database_name: str,
        table_name: str,
        columns: Mapping[str, str],
        partition: str,
        bucket: s3.IBucket,
        prefix: str,
    ) -> None:
        location = f"s3://{bucket.bucket_name}/{prefix}/"
        table = glue.CfnTable
        super().__init__(
            scope,
            construct_id,
            catalog_id=catalog_id,
            database_name=database_name,
            table_input=table.TableInputProperty(
                name=table_name,
                table_type="EXTERNAL_TABLE",
                partition_keys=[table.ColumnProperty(name=partition, type="string")],
                parameters={
                    "classification": "parquet",
                    "EXTERNAL": "TRUE",
                    "projection.enabled": "true",
                    f"projection.{partition}.type": "date",
                    f"projection.{partition}.format": "yyyy-MM",
                    f"projection.{partition}.range": f"{_FIRST_MONTH},NOW",
                    f"projection.{partition}.interval": "1",
                    f"projection.{partition}.interval.unit": "MONTHS",
                    "storage.location.template": f"{location}{partition}=${{{partition}}}/",
                },
                storage_descriptor=table.StorageDescriptorProperty(
                    location=location,
                    columns=[
                        table.ColumnProperty(name=name, type=type_)
                        for name, type_ in columns.items()
                    ],
                    input_format="org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
                    output_format="org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
                    serde_info=table.SerdeInfoProperty(
                        serialization_library=(
                            "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
                        )
                    ),
                ),
            ),
        )
