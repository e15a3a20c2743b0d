"""The app's own environments."""

import pytest

from flywheel.review import Environment, read_environment
from tests.conftest import Assembly


@pytest.fixture(scope="session")
def dev(assembly: Assembly) -> Environment:
    return read_environment(assembly.path, "dev")


@pytest.fixture(scope="session")
def prod(assembly: Assembly) -> Environment:
    return read_environment(assembly.path, "prod")
