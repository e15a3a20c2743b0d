"""Which ministack these modules know."""

from __future__ import annotations

from importlib.metadata import version

VERSION = "1.5.33"


class VersionError(RuntimeError):
    """ministack is not the version whose private names these modules know."""


def check_version() -> None:
    """Refuse to start on another ministack: a private name may be gone or mean something else.

    Raises:
        VersionError: another version is installed.
    """
    installed = version("ministack")
    if installed != VERSION:
        raise VersionError(
            f"ministack is {installed}; the embedded AWS needs exactly {VERSION}: run `make setup`."
        )
