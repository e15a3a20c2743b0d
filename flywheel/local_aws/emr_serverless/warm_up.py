"""A Spark job that does a little of everything, so that the classes of real jobs can be kept.

Run by `class_archive.py` in an image's environment: `warm_up.py FOLDER`.
"""

import sys
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F  # noqa: N812  (pyspark's own convention)


def main(folder: str) -> None:
    """Read CSV, clean, join, aggregate and look back; write and read Parquet by partition."""
    spark = SparkSession.builder.appName("warm-up").getOrCreate()
    lines = "\n".join(
        f"{n},{n % 7},2013-01-{n % 28 + 1:02d},{n * 0.5},name{n % 5}" for n in range(500)
    )
    Path(folder, "rows.csv").write_text(f"id,group,day,value,name\n{lines}\n", encoding="utf-8")
    uri = Path(folder).as_uri()
    rows = spark.read.csv(
        f"{uri}/rows.csv",
        header=True,
        schema="id int, group int, day string, value double, name string",
    )
    features = _features(_typed(rows), rows).persist()
    for name in ("curated", "features"):
        (
            features.coalesce(1)
            .sortWithinPartitions("id")
            .write.mode("overwrite")
            .partitionBy("month")
            .parquet(f"{uri}/{name}")
        )
    again = spark.read.parquet(f"{uri}/curated").unionByName(spark.read.parquet(f"{uri}/features"))
    again.groupBy("month", "group").agg(F.count("*"), F.avg("mean"), F.max("value")).collect()
    spark.createDataFrame([(1, "a")], "id int, name string").join(again, "id").count()
    spark.stop()


def _typed(rows: DataFrame) -> DataFrame:
    day = F.to_date("day")
    known = F.when(F.length(F.trim("name")) > 0, F.upper(F.trim("name"))).otherwise(F.lit(None))
    return (
        rows.withColumn("name", known)
        .withColumn("time", F.to_timestamp("day"))
        .withColumn("seconds", F.unix_timestamp("time") + F.col("id"))
        .withColumn("at", F.timestamp_seconds("seconds"))
        .withColumn("built", F.make_date(F.year(day), F.lit(1), F.pmod(F.col("id"), F.lit(27)) + 1))
        .withColumn("month", F.date_format(day, "yyyy-MM"))
        .withColumn(
            "text", F.concat_ws("-", F.format_string("%02d", "group"), F.substring("name", 1, 2))
        )
        .where(F.col("value").isNotNull() & (F.abs("value") < 1e6))
        .dropDuplicates(["id"])
    )


def _features(typed: DataFrame, rows: DataFrame) -> DataFrame:
    before = Window.partitionBy("group").orderBy("seconds").rangeBetween(-7200, Window.currentRow)
    means = rows.groupBy("group").agg(F.avg("value").alias("mean"), F.max("id").alias("most"))
    codes = F.create_map(*[part for n in range(5) for part in (F.lit(f"NAME{n}"), F.lit(n))])
    spread = typed.select(
        "id", F.inline(F.array(F.struct(F.lit(1).alias("k"), F.col("value").alias("v"))))
    )
    return (
        typed.join(F.broadcast(means), "group", "left")
        .join(spread, "id", "left")
        .withColumn("recent", F.avg("value").over(before))
        .withColumn("previous", F.lag("value").over(Window.partitionBy("group").orderBy("seconds")))
        .withColumn("code", F.coalesce(codes[F.col("name")], F.lit(-1)))
        .withColumn("hour", F.floor(F.hour("at") + F.minute("at") / 60))
        .withColumn("late", F.expr("CAST(value > 100 AS INT)"))
    )


if __name__ == "__main__":
    main(sys.argv[1])
