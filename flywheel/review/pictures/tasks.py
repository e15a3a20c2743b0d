"""What state machines ask of the parts of an environment, and the jobs that they start."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flywheel.review.naming import readable_path
from flywheel.review.pictures.links import Job, Link, link, roles_in
from flywheel.review.pictures.parts import Key, Part, Parts
from flywheel.review.pictures.verbs import JOBS, RUNS, Verb, verb_of_task
from flywheel.review.state_machines import STATE_MACHINE, Task, definition_of, tasks_of


@dataclass
class Tasks:
    """What the tasks of all state machines come to.

    Attributes:
        roles: Role → the parts and jobs that work under it.
        readers: Role of a machine → the machine, and the workgroup that reads in its name.
    """

    parts: Parts
    links: list[Link] = field(default_factory=list)
    jobs: dict[Key, Job] = field(default_factory=dict)
    roles: dict[Key, set[Key]] = field(default_factory=dict)
    readers: dict[Key, tuple[Key, Key]] = field(default_factory=dict)

    @classmethod
    def of(cls, parts: Parts) -> "Tasks":
        tasks = cls(parts)
        for part in parts.by_key.values():
            if part.type == STATE_MACHINE:
                properties = parts.properties(part.stack, part.logical_id)
                own = roles_in(parts, properties.get("RoleArn"))
                for _, task in tasks_of(definition_of(part.stack, properties)):
                    tasks._add(part, own, task)
        return tasks

    def _add(self, machine: Part, own: Iterable[Key], task: Task) -> None:
        passed = roles_in(self.parts, task.arguments)
        if task.action in JOBS:
            job = self._job(machine, JOBS[task.action], task.arguments, passed)
            self._link(machine, job, RUNS, passed)
            return
        verb = verb_of_task(task)
        if verb is None:
            return
        for target in self._targets(task):
            if target.key != machine.key and (not verb.kinds or target.kind.name in verb.kinds):
                self._link(machine, target.key, verb, passed)
                if task.service == "athena":
                    self.readers |= dict.fromkeys(own, (machine.key, target.key))

    def _link(self, machine: Part, target: Key, verb: Verb, passed: Iterable[Key]) -> None:
        self.links.append(link(machine.key, target, verb, verb.label))
        for role in passed:
            self.roles.setdefault(role, set()).add(target)

    def _targets(self, task: Task) -> list[Part]:
        """What a task is about: named by reference, by ARN, by its own name or its stack's."""
        given: Any = task.arguments
        if task.service == "s3":
            given = {"Bucket": task.arguments.get("Bucket")}
        found = self.parts.parts_in(given)
        names = {value.strip("/") for value in given.values() if isinstance(value, str)}
        for part in self.parts.by_key.values():
            own = self.parts.properties(part.stack, part.logical_id).get(part.kind.named_by)
            by_name = part.kind.arn and isinstance(own, str) and own.strip("/") in names
            by_stack = task.service == "cloudformation" and part.stack.name in names
            if (by_name or by_stack) and part not in found:
                found.append(part)
        return found

    def _job(
        self, machine: Part, kind: str, arguments: Mapping[str, Any], roles: Iterable[Key]
    ) -> Key:
        """The job of this kind under this role; it stands in the role's stack."""
        stack_id, logical_id = min(roles, default=machine.key)
        stack = self.parts.environment.stacks[stack_id]
        steps = readable_path(stack, logical_id).split("/")
        title = steps[-2] if len(steps) > 2 else kind
        key = stack_id, f"{kind} {title}"
        detail, text = _instances(arguments), str(arguments)
        self.jobs.setdefault(key, Job(key, title, kind, detail, text, frozenset(roles)))
        return key


def _instances(arguments: Mapping[str, Any]) -> str:
    """Instances of a job: `2 × ml.m5.xlarge`."""
    text = str(arguments)
    types = re.findall(r"'InstanceType': '(ml\.[a-z0-9.]+)'", text)
    counts = re.findall(r"'InstanceCount': '?(\d+)", text)
    return f"{counts[0] if counts else 1} × {types[0]}" if types else ""
