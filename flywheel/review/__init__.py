"""What a change does to an environment, from the templates alone: the infrastructure review.

environment = read_environment(Path("cdk.out"), "prod")
verdict = review(read_environment(Path("before"), "prod"), environment, against="main")
print(verdict.model_dump_json(indent=1))
"""

from flywheel.review.assembly import Environment, Stack, read_assembly, read_environment
from flywheel.review.review import review
from flywheel.review.verdict import Review

__all__ = ["Environment", "Review", "Stack", "read_assembly", "read_environment", "review"]
