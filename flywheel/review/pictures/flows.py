"""The ways of an environment, who stands outside, and the jobs that no template declares."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from flywheel.review.assembly import Environment
from flywheel.review.intrinsics import references
from flywheel.review.pictures.events import links_of_events
from flywheel.review.pictures.links import CALLERS, PRODUCERS, Job, Link, link
from flywheel.review.pictures.parts import Key, Part, Parts
from flywheel.review.pictures.rights import links_of_rights
from flywheel.review.pictures.tasks import Tasks
from flywheel.review.pictures.verbs import Verb

_API_OPERATION = re.compile(r"AWS::ApiGateway(?:::Method|V2::Route)")
_WAYS_IN = {"NONE": "anyone", "AWS_IAM": "signed by IAM", "JWT": "with a token"}


@dataclass(frozen=True)
class Flows:
    """All of it, for one version of an environment."""

    parts: Parts
    links: tuple[Link, ...]
    jobs: Mapping[Key, Job]


def flows_of(environment: Environment) -> Flows:
    """Read the ways out of the templates."""
    parts = Parts(environment)
    tasks = Tasks.of(parts)
    links = [
        *links_of_events(parts),
        *tasks.links,
        *links_of_rights(parts, tasks),
        *_stored_parameters(parts),
    ]
    links += _outside(parts, links)
    return Flows(parts, tuple(dict.fromkeys(links)), tasks.jobs)


def _stored_parameters(parts: Parts) -> Iterator[Link]:
    """A stored value that a stack takes as its parameter, and what uses it there."""
    verb = Verb("decides", "control")
    for stack in parts.environment.stacks.values():
        for name, parameter in stack.template.get("Parameters", {}).items():
            path = str(parameter.get("Default", "")).strip("/")
            stored = parts.called("AWS::SSM::Parameter", path)
            if stored is None or "AWS::SSM::Parameter" not in str(parameter.get("Type")):
                continue
            for part in parts.by_key.values():
                if part.stack.id == stack.id and part.kind.shape != "note":
                    members = [properties for _, properties in parts.members(part)]
                    if (stack.id, name) in references(members):
                        yield link(stored.key, part.key, verb, verb.text)


def _outside(parts: Parts, links: list[Link]) -> Iterator[Link]:
    """Who calls the doors, and who fills what nobody here fills."""
    written = {each.target for each in links if each.flow == "data"}
    starting = {each.source for each in links if each.flow == "event"}
    for part in parts.by_key.values():
        if part.kind.name in ("REST API", "HTTP API") and not _is_private(parts, part):
            verb = Verb("calls", "data")
            yield link(CALLERS, part.key, verb, way_in(parts, part))
        if part.kind.name == "S3 bucket" and part.key in starting - written:
            yield link(PRODUCERS, part.key, Verb("puts files", "data"))


def _is_private(parts: Parts, part: Part) -> bool:
    properties = parts.properties(part.stack, part.logical_id)
    return "PRIVATE" in ((properties.get("EndpointConfiguration") or {}).get("Types") or ())


def way_in(parts: Parts, part: Part) -> str:
    """How those who call an API prove who they are."""
    ways = set()
    for kind, properties in parts.members(part):
        if _API_OPERATION.fullmatch(kind) and properties.get("HttpMethod") != "OPTIONS":
            way = str(properties.get("AuthorizationType", "NONE"))
            with_key = way == "NONE" and properties.get("ApiKeyRequired") == "true"
            ways.add("with an API key" if with_key else _WAYS_IN.get(way, way.lower()))
    return ", ".join(sorted(ways))
