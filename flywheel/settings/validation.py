"""From located values to settings: types first, then the rules between settings, all at once."""

from pydantic import ValidationError

from flywheel.settings.base import Settings
from flywheel.settings.document import Located
from flywheel.settings.errors import Problem, SettingsError
from flywheel.settings.messages import entries_of, misspelt, problem_at, problems_of
from flywheel.settings.rules import Rule, Steps, Values, broken


def validated[S: Settings](
    model: type[S], root: Located, rules: tuple[Rule, ...], file_name: str
) -> S:
    """The settings; raises SettingsError with all that is wrong with them."""
    problems: list[Problem] = []
    plain = root.plain()
    invalid: frozenset[Steps] = frozenset()
    settings: S | None = None
    try:
        settings = model.model_validate(plain)
    except ValidationError as error:
        refused = entries_of(error, root)
        problems += problems_of(refused, model, root)
        invalid = frozenset(tuple(entry["loc"]) for entry in refused) | misspelt(refused, model)
    for found in broken(rules, Values(plain, invalid)):
        problems.append(problem_at(root, found.steps, found.rule, found.remedy, found.value))
    problems += _name_problems(root, file_name)
    if settings is None or problems:
        raise SettingsError(problems)
    return settings


def _name_problems(root: Located, file_name: str) -> list[Problem]:
    located, absent = root.at(("name",))
    if absent or not isinstance(located.value, str) or located.value == file_name:
        return []
    rule = f"it must be {file_name}, as the file is called"
    return [problem_at(root, ("name",), rule, "Rename the file or the setting.")]
