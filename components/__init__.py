"""Reusable constructs, one file each: our L2s where AWS CDK has none, and safe defaults where it has."""
