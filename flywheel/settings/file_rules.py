"""Files that settings name: they must exist in the repository."""

from collections.abc import Iterator
from pathlib import Path

from flywheel.algorithms.errors import nearest
from flywheel.settings.rules import Broken, Rule, Values


def file_rules(repository: Path) -> tuple[Rule, ...]:
    """The rules about one checkout."""
    return (
        _script_exists("etl", repository),
        _script_exists("evaluation", repository),
        _modules_exist("etl", repository),
        _modules_exist("evaluation", repository),
        _source_exists("training", repository),
        _source_exists("serving", repository),
    )


def _script_exists(section: str, repository: Path) -> Rule:
    def rule(values: Values) -> Iterator[Broken]:
        script = values(section, "script")
        if not (repository / script).is_file():
            remedy = _nearest_script(repository / script, repository)
            yield Broken((section, "script"), "there is no such file", remedy)

    return rule


def _modules_exist(section: str, repository: Path) -> Rule:
    def rule(values: Values) -> Iterator[Broken]:
        for steps in values.entries(section, "modules"):
            module = repository / values(*steps)
            if not module.is_file():
                remedy = _nearest_script(module, repository)
                yield Broken(steps, "there is no such file", remedy)

    return rule


def _source_exists(section: str, repository: Path) -> Rule:
    def rule(values: Values) -> Iterator[Broken]:
        source = values(section, "source")
        folder = repository / source
        if not folder.is_dir():
            folders = [path.name for path in repository.iterdir() if path.is_dir()]
            near = nearest(source, folders)
            remedy = f"The nearest is {near}." if near else "Create it or correct the name."
            yield Broken((section, "source"), "there is no such folder", remedy)
            return
        script = values(section, "script")
        if not (folder / script).is_file():
            remedy = _nearest_script(folder / script, folder)
            yield Broken((section, "script"), f"there is no such file in {source}", remedy)

    return rule


def _nearest_script(path: Path, base: Path) -> str:
    near = nearest(path.name, sorted(other.name for other in path.parent.glob("*.py")))
    if not near:
        return "Create it or correct the name."
    return f"The nearest is {path.with_name(near).relative_to(base).as_posix()}."
