"""The registry is frozen: a change of either resource would lose models or the champion."""

import json

import pytest

from tests.conftest import ENVIRONMENTS, Assembly

# The properties as they were first deployed, byte by byte. Do not adapt them to a change: undo the
# change. A new byte makes CloudFormation write `none` into the pointer, or replace the group.
POINTER = (
    '{{"Description": "ARN of the model package that serves; the retraining loop writes it", '
    '"Name": "/flywheel/{environment}/flight_delay/champion", "Type": "String", "Value": "none"}}'
)
GROUP = (
    '{{"ModelPackageGroupDescription": "Models of flight_delay, {environment}", '
    '"ModelPackageGroupName": "{environment}-flight-delay"}}'
)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_pointer_and_group_never_change(assembly: Assembly, environment: str) -> None:
    registry = assembly.template(environment, "FlightDelayRegistry")
    resources = {
        resource["Type"]: json.dumps(resource["Properties"])
        for resource in registry.body["Resources"].values()
    }
    assert resources == {
        "AWS::SSM::Parameter": POINTER.format(environment=environment),
        "AWS::SageMaker::ModelPackageGroup": GROUP.format(environment=environment),
    }


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_outputs_name_both(assembly: Assembly, environment: str) -> None:
    registry = assembly.template(environment, "FlightDelayRegistry")
    outputs = {name: output["Value"] for name, output in registry.body["Outputs"].items()}
    assert outputs == {
        "ModelPackageGroup": f"{environment}-flight-delay",
        "ChampionPointer": f"/flywheel/{environment}/flight_delay/champion",
    }
