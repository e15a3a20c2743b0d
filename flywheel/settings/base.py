"""What every settings model shares: frozen, strict, unknown keys refused, values immutable."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, NoReturn, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """A frozen group of settings. Text is never taken for a number, nor a number for text."""

    read_elsewhere: ClassVar[tuple[str, ...]] = ()
    """Keys of the file that are known but not settings of this group."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        validate_default=False,
    )


class FrozenDict[K, V](dict[K, V]):
    """A dict that refuses changes, so that nobody edits settings that others have read."""

    def _refuse(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise TypeError("settings are read-only; change the YAML file instead")

    __setitem__ = __delitem__ = _refuse
    __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[Any, ...]:  # copies and pickles, which would set items
        return FrozenDict, (dict(self),)

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))


def _freeze[K, V](values: Mapping[K, V]) -> Mapping[K, V]:
    return FrozenDict(values)


_K = TypeVar("_K")
_T = TypeVar("_T")

# A list in YAML, a tuple in Python. Its members stay strict.
Many = Annotated[tuple[_T, ...], Field(strict=False)]
Table = Annotated[Mapping[_K, _T], AfterValidator(_freeze)]
