"""Principals outside the account that trust and resource policies let in."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from flywheel.review.iam import actions as tables
from flywheel.review.iam.clauses import ANYONE, Clause
from flywheel.review.verdict import Outsider

_OWN = "${AWS::AccountId}"
_ACCOUNT = re.compile(r"arn:[^:]*:(?:iam|sts)::|[0-9a-f]{64}$|A[A-Z0-9]{15,}$")
"""ARNs of accounts, users and roles, canonical user ids, unique ids."""
_PROVIDER = re.compile(r":(?:oidc|saml)-provider/")
_SERVICE = re.compile(r"\.amazonaws\.com(?:\.cn)?$")
_GUARDS = frozenset(
    {
        "aws:sourceaccount",
        "aws:sourceowner",
        "aws:sourcearn",
        "aws:sourceorgid",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "kms:calleraccount",
        "s3:dataaccesspointaccount",
    }
)
"""Condition keys that say who, or from where. Source: IAM User Guide, 'Global condition keys'."""
_NEGATED = re.compile("Not")


def outsiders_in(
    subject: str, stack: str, clauses: Iterable[Clause], readable: Callable[[str], str]
) -> Iterator[Outsider]:
    """Everybody from outside whom a policy allows something."""
    grouped: dict[tuple[str, tuple[str, ...], bool], set[str]] = {}
    for clause in clauses:
        if clause.effect == "Allow" and kind_of(clause.principal):
            conditions = tuple(sorted(readable(each.text) for each in clause.conditions))
            key = clause.principal, conditions, _is_guarded(clause)
            grouped.setdefault(key, set()).update(clause.written)
    for (principal, conditions, guarded), written in sorted(grouped.items()):
        kind = kind_of(principal)
        if kind:
            yield Outsider(
                subject=subject,
                stack=stack,
                principal=principal,
                kind=kind,
                actions=tuple(
                    sorted(
                        name if "*" in name else tables.proper_name(name.lower())
                        for name in written
                    )
                ),
                conditions=conditions,
                guarded=guarded,
            )


def kind_of(principal: str) -> Literal["anyone", "account", "identity provider"] | None:
    """What kind of outsider a principal is; None for this account, its roles and AWS services."""
    if principal == ANYONE or principal.startswith("all but "):
        return "anyone"
    if _PROVIDER.search(principal):
        return "identity provider"
    if not principal or principal.startswith("${") or _OWN in principal:
        return None
    if _SERVICE.search(principal) and not principal.startswith("cognito-identity."):
        return None
    return "account" if _ACCOUNT.match(principal) else "identity provider"


def _is_guarded(clause: Clause) -> bool:
    return any(
        each.key in _GUARDS
        and not _NEGATED.search(each.operator)
        and not each.operator.endswith("IfExists")
        and all(value.strip("*") for value in each.values)
        for each in clause.conditions
    )
