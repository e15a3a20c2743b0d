"""Reads `config/` into settings, or says all that is wrong with it at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flywheel.algorithms import regions
from flywheel.algorithms.errors import nearest
from flywheel.errors import UserError
from flywheel.settings.algorithm_rules import algorithm_rules, algorithm_warnings
from flywheel.settings.document import Located, read
from flywheel.settings.environment import EnvironmentSettings
from flywheel.settings.environment_rules import ENVIRONMENT_RULES
from flywheel.settings.errors import Problem, SettingsError
from flywheel.settings.file_rules import file_rules
from flywheel.settings.image_rules import image_rules
from flywheel.settings.messages import problem_at
from flywheel.settings.overrides import override_problems, with_overrides
from flywheel.settings.rules import Values
from flywheel.settings.tuning_rules import TUNING_RULES
from flywheel.settings.validation import validated
from flywheel.settings.workload import WorkloadSettings
from flywheel.settings.workload_rules import WORKLOAD_RULES

FIRST_ENVIRONMENTS = ("local", "dev", "staging", "prod")
"""The order in which models are promoted; other environments follow in alphabetical order."""


def environment_names(config_dir: Path) -> tuple[str, ...]:
    """All environments by the names of their files, in the order of promotion."""
    return tuple(_environment_files(config_dir))


def load_environments(config_dir: Path) -> dict[str, EnvironmentSettings]:
    """All environments of `config_dir/environments`, in the order local, dev, staging, prod.

    Raises:
      SettingsError: with every problem of every file.
    """
    folder = config_dir / "environments"
    problems = _misnamed_files(folder, config_dir)
    environments: dict[str, EnvironmentSettings] = {}
    for name, path in _environment_files(config_dir).items():
        with _collected(problems):
            root = read(path, _shown(path, config_dir))
            environments[name] = validated(EnvironmentSettings, root, ENVIRONMENT_RULES, name)
    if not environments and not problems:
        where = _shown(folder, config_dir)
        problems.append(Problem(where, 1, "holds no environment; add dev.yaml to it."))
    _raise_if_any(problems)
    return environments


BUILTIN = "builtin"
"""Folder below `workloads/` with a workload for each built-in algorithm, to deploy when asked for:
nobody wants all of them, and each costs money. A copy beside the folder is a workload like any."""


def load_workloads(
    config_dir: Path, environment: str, *, builtin: bool = False
) -> dict[str, WorkloadSettings]:
    """All workloads as one environment has them, its `overrides` merged in, by name.

    Args:
      config_dir: Folder with `environments/` and `workloads/`.
      environment: One of them.
      builtin: Those of `workloads/builtin/` too, but for names that a workload of yours has.

    Raises:
      SettingsError: with every problem of every file.
      UserError: there is no such environment.
    """
    known = environment_names(config_dir)
    if environment not in known:
        near = nearest(environment, known)
        remedy = f"The nearest is {near}." if near else f"There are {', '.join(known) or 'none'}."
        raise UserError(f"environment is {environment}; config/environments has none. {remedy}")
    folder = config_dir / "workloads"
    problems = _misnamed_files(folder, config_dir)
    region = _region(config_dir, environment)
    rules = (
        *WORKLOAD_RULES,
        *TUNING_RULES,
        *image_rules(region),
        *algorithm_rules(region),
        *file_rules(config_dir.parent),
    )
    workloads: dict[str, WorkloadSettings] = {}
    for path in _workload_files(config_dir, builtin=builtin):
        with _collected(problems):
            root = read(path, _shown(path, config_dir))
            merged = with_overrides(root, environment)
            problems += override_problems(root, known)
            workload = validated(WorkloadSettings, merged, rules, path.stem)
            problems += _name_collisions(workload, workloads, root)
            workloads[workload.name] = workload
    _raise_if_any(problems)
    return workloads


def check_all(config_dir: Path) -> None:
    """Reads every file as every environment has it.

    Raises:
      SettingsError: with every problem of every file, each once.
    """
    problems: list[Problem] = []
    with _collected(problems):
        load_environments(config_dir)
    for name in environment_names(config_dir):
        with _collected(problems):
            load_workloads(config_dir, name, builtin=True)
    _raise_if_any(problems)


def warnings(config_dir: Path) -> tuple[Problem, ...]:
    """What is doubtful in settings that are in order, each once."""
    found: set[Problem] = set()
    for environment in environment_names(config_dir):
        for path in _workload_files(config_dir, builtin=True):
            root = with_overrides(read(path, _shown(path, config_dir)), environment)
            for doubt in algorithm_warnings(Values(root.plain())):
                found.add(problem_at(root, doubt.steps, doubt.rule, doubt.remedy, doubt.value))
    return tuple(sorted(found))


def _name_collisions(
    workload: WorkloadSettings, others: dict[str, WorkloadSettings], root: Located
) -> list[Problem]:
    for other in others.values():
        if other.construct_name == workload.construct_name:
            rule = f"its stacks would be called like those of {other.name}"
            return [problem_at(root, ("name",), rule, "Choose another name.")]
    return []


def _region(config_dir: Path, environment: str) -> str | None:
    """The environment's region, if it has one; what is wrong with its file is said elsewhere."""
    path = _environment_files(config_dir)[environment]
    try:
        located, absent = read(path, path.name).at(("region",))
    except SettingsError:
        return None
    known = not absent and located.value in regions.known()
    return str(located.value) if known else None


def _environment_files(config_dir: Path) -> dict[str, Path]:
    files = {path.stem: path for path in _yaml_files(config_dir / "environments")}
    first = [name for name in FIRST_ENVIRONMENTS if name in files]
    return {name: files[name] for name in (*first, *sorted(files.keys() - set(first)))}


def _workload_files(config_dir: Path, *, builtin: bool) -> list[Path]:
    folder = config_dir / "workloads"
    ours = [path for path in _yaml_files(folder) if BUILTIN not in path.relative_to(folder).parts]
    if not builtin:
        return ours
    taken = {path.stem for path in ours}
    return ours + [path for path in _yaml_files(folder / BUILTIN) if path.stem not in taken]


def _yaml_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.yaml") if path.is_file())


def _misnamed_files(folder: Path, config_dir: Path) -> list[Problem]:
    return [
        Problem(_shown(path, config_dir), 1, "is not read; its name must end in .yaml.")
        for path in sorted(folder.rglob("*.yml"))
    ]


def _shown(path: Path, config_dir: Path) -> str:
    return path.relative_to(config_dir.parent).as_posix()


@contextmanager
def _collected(problems: list[Problem]) -> Iterator[None]:
    try:
        yield
    except SettingsError as error:
        problems.extend(error.problems)


def _raise_if_any(problems: list[Problem]) -> None:
    if problems:
        raise SettingsError(problems)
