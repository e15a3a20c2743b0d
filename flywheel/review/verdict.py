"""What a review says, as data. `review.schema.json` beside this file is its JSON Schema."""

from typing import Any, Literal

from flywheel.review.model import Model
from flywheel.review.sections import Checks, Costs, Quotas

Level = Literal["nothing", "routine", "look", "danger"]
"""How much attention it wants: none, a glance, a look, or a decision."""
LEVELS: tuple[Level, ...] = ("nothing", "routine", "look", "danger")
Action = Literal["removed", "replaced", "maybe_replaced", "changed", "added"]
ACTIONS: tuple[Action, ...] = ("removed", "replaced", "maybe_replaced", "changed", "added")
"""In the order in which they are shown."""


class FileChange(Model):
    """One file of a code asset."""

    path: str
    action: Literal["added", "removed", "changed"]
    diff: str = ""
    """Unified diff without its two header lines; empty for what is not text."""
    num_hidden_lines: int = 0
    """Lines of the diff that were cut off."""
    bytes_before: int | None = None
    bytes_after: int | None = None


class CodeChange(Model):
    """A code asset that a property refers to."""

    asset: str
    """Name of the asset, for example Training/Code."""
    property: str
    """The property that carries it."""
    files: tuple[FileChange, ...] | None
    """None when the assembly does not hold the asset's files."""


class PropertyChange(Model):
    """One property, before and after; None where it was or is not there."""

    path: str
    before: Any = None
    after: Any = None
    forces: Literal["", "replacement", "maybe_replacement"] = ""
    """What the resource schema says about a change here."""
    because_of: str = ""
    """Path of the replaced resource that this property refers to, when nothing else changes."""


class ResourceChange(Model):
    """One resource."""

    stack: str
    logical_id: str
    former_logical_id: str = ""
    """The logical id before, where the construct kept its path, or moved, and the id changed."""
    path: str
    """Construct path below the environment."""
    type: str
    source: tuple[str, ...] = ()
    """Lines of code, the innermost first, where the assembly was made with stack traces."""
    action: Action
    stateful: bool = False
    consequence: str = ""
    """What is lost, or what happens to what it holds, in one sentence."""
    properties: tuple[PropertyChange, ...] = ()
    code: tuple[CodeChange, ...] = ()


class StackChange(Model):
    """One stack."""

    stack: str
    name: str
    action: Literal["removed", "changed", "added"]
    settings: tuple[PropertyChange, ...] = ()
    """Parameters, conditions, outputs, tags and termination protection of the stack."""
    resources: tuple[ResourceChange, ...] = ()
    """Stateful first, then by action."""
    reworded: tuple[str, ...] = ()
    """Construct paths of policies that say the same in other words."""


class Grant(Model):
    """What somebody may do: one row of a table."""

    effect: Literal["Allow", "Deny"]
    principals: tuple[str, ...] = ()
    """Who, for trust and resource policies; an identity policy is about its role."""
    actions: tuple[str, ...]
    """As written, with wildcards: `s3:Get*`; one by one where only some of them are meant."""
    num_actions: int
    access: tuple[str, ...]
    """Access levels of the actions, from List to Permissions management."""
    resources: tuple[str, ...]
    """Patterns, with construct paths in place of what only AWS knows."""
    conditions: tuple[str, ...] = ()
    has_effect: bool = True
    """False where AWS's table says that the actions never apply to this resource."""


class AccessChange(Model):
    """Rights on one subject: a role's, or those that a resource's policy gives."""

    subject: str
    """Construct path of the role or of the resource."""
    stack: str
    logical_id: str
    type: str
    kind: Literal["identity", "trust", "resource", "network"]
    """`network` is the policy of a VPC endpoint: it limits, and grants nothing."""
    source: tuple[str, ...] = ()
    change: Literal["added", "removed", "widened", "narrowed", "both", "same"]
    gained: tuple[Grant, ...] = ()
    lost: tuple[Grant, ...] = ()
    kept: tuple[Grant, ...] = ()


class Wildcard(Model):
    """A wildcard in a right of a role, with the reason that somebody wrote beside it."""

    subject: str
    stack: str
    text: str
    """As cdk-nag writes it: `Resource::*`, `Action::s3:*`."""
    reasons: tuple[str, ...] = ()
    """Empty: nobody has acknowledged it."""
    new: bool = False


class Outsider(Model):
    """A principal outside the account that a trust or resource policy lets in."""

    subject: str
    stack: str
    principal: str
    kind: Literal["anyone", "account", "identity provider"]
    actions: tuple[str, ...]
    conditions: tuple[str, ...] = ()
    guarded: bool = False
    """Whether a condition keeps it to known accounts, organisations, networks or sources."""
    new: bool = False


class Finding(Model):
    """One sentence of the verdict."""

    rule: str
    level: Level
    blocking: bool = False
    stack: str = ""
    path: str = ""
    """Construct path."""
    text: str


class Review(Model):
    """The whole verdict."""

    version: Literal[1] = 1
    environment: str
    against: str
    """The environment, revision or deployment that it was compared with."""
    kind: Literal["update", "comparison"]
    """An update of one environment, or two environments side by side."""
    level: Level
    blocked: bool
    findings: tuple[Finding, ...] = ()
    """The gravest first."""
    stacks: tuple[StackChange, ...] = ()
    access: tuple[AccessChange, ...] = ()
    """Every subject; those whose rights are the same too."""
    wildcards: tuple[Wildcard, ...] = ()
    outsiders: tuple[Outsider, ...] = ()
    costs: Costs | None = None
    quotas: Quotas | None = None
    checks: Checks | None = None
