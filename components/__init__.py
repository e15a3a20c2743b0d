"""Reusable constructs, one file each: L2s where AWS CDK has none, safe defaults where it has."""
