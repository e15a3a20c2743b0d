"""Spark jobs: raw objects to curated rows and features. Run on EMR Serverless."""
