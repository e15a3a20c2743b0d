"""What the stand-ins' tests share: the environments of the images, and jobs in them."""

from __future__ import annotations

import pytest

from flywheel.local_aws.images import ImageCatalogue
from flywheel.local_aws.lifecycle import IMAGES_DIR
from tests.standins.container import Container


@pytest.fixture(scope="session")
def images() -> ImageCatalogue:
    """The environments that stand for AWS's images; built when they are missing."""
    return ImageCatalogue(IMAGES_DIR)


@pytest.fixture(scope="session")
def tabular(images: ImageCatalogue, tmp_path_factory: pytest.TempPathFactory) -> Container:
    """The environment of the algorithms on tables; mark tests `xdist_group("standin-tabular")`."""
    return Container(images.python("linear-learner:1"), tmp_path_factory.mktemp("tabular"))


@pytest.fixture(scope="session")
def xgboost(images: ImageCatalogue, tmp_path_factory: pytest.TempPathFactory) -> Container:
    """The environment of XGBoost; mark tests `xdist_group("standin-xgboost")`."""
    return Container(images.python("sagemaker-xgboost:3.2-0"), tmp_path_factory.mktemp("xgboost"))
