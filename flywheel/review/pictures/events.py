"""Events: rules, schedules, pipes, notifications, alarms."""

from collections.abc import Iterator, Mapping
from typing import Any

from flywheel.review.naming import readable_path
from flywheel.review.pictures.links import CLOCK, PEOPLE, Link, link
from flywheel.review.pictures.parts import CARRIERS, Key, Part, Parts, targets_of
from flywheel.review.pictures.verbs import Verb

_TELLS = Verb("tells", "event")
_STARTS = Verb("starts", "event")
_TO_PEOPLE = ("email", "sms", "http")


def links_of_events(parts: Parts) -> Iterator[Link]:
    """All ways that an event takes."""
    yield from _carried(parts)
    for part in parts.by_key.values():
        properties = parts.properties(part.stack, part.logical_id)
        if part.kind.shape == "note":
            for target in parts.parts_in(properties):
                if target.kind.name == "SNS topic":
                    yield link(part.key, target.key, _TELLS)
        for target in parts.parts_in(properties.get("NotificationConfiguration")):
            yield link(part.key, target.key, _STARTS)
        for kind, member in parts.members(part):
            yield from _subscribed(parts, part, kind, member)


def _carried(parts: Parts) -> Iterator[Link]:
    """Rules, schedules and pipes."""
    for stack in parts.environment.stacks.values():
        for logical_id, resource in stack.resources.items():
            if resource["Type"] not in CARRIERS:
                continue
            properties = parts.properties(stack, logical_id)
            sources, says = _causes(parts, properties)
            label = _words(readable_path(stack, logical_id).rsplit("/", 1)[-1])
            for target in parts.parts_in(targets_of(properties)):
                for source in sources:
                    if source != target.key:
                        verb, carrier = Verb(says, "event"), (stack.id, logical_id)
                        yield link(source, target.key, verb, label, carrier)


def _causes(parts: Parts, properties: Mapping[str, Any]) -> tuple[list[Key], str]:
    """What a rule, a schedule or a pipe waits for."""
    pattern = properties.get("EventPattern")
    if isinstance(pattern, Mapping):
        named = parts.parts_in(pattern) or _named_plainly(parts, pattern)
        says = ", ".join(map(str, pattern.get("detail-type") or ["event"]))
        return [part.key for part in named], says
    if properties.get("ScheduleExpression"):
        return [CLOCK], str(properties["ScheduleExpression"])
    found = parts.parts_in(properties.get("Source"))
    return [part.key for part in found], "in batches"


def _named_plainly(parts: Parts, pattern: Mapping[str, Any]) -> list[Part]:
    """The parts that a rule names without an ARN: `ModelPackageGroupName: [prod-flights]`."""
    found = []
    for name, values in (pattern.get("detail") or {}).items():
        for part in parts.by_key.values():
            own = parts.properties(part.stack, part.logical_id).get(name)
            if name == part.kind.named_by and isinstance(values, list) and own in values:
                found.append(part)
    return found


def _subscribed(parts: Parts, part: Part, kind: str, member: Any) -> Iterator[Link]:
    """Who listens to a topic, and the queue or stream that a function reads."""
    if kind in ("AWS::SNS::Subscription", "AWS::SNS::Topic"):
        for each in (member, *(member.get("Subscription") or ())):
            if str(each.get("Protocol", "")).startswith(_TO_PEOPLE):
                yield link(part.key, PEOPLE, _TELLS, str(each["Protocol"]))
            for target in parts.parts_in(each.get("Endpoint")):
                yield link(part.key, target.key, _TELLS)
    if kind == "AWS::Lambda::EventSourceMapping":
        for source in parts.parts_in(member.get("EventSourceArn")):
            yield link(source.key, part.key, _STARTS)


def _words(name: str) -> str:
    """`NewObjects` → `new objects`."""
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
    return spaced.strip()
