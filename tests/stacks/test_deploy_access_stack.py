"""Who may deploy from GitHub: one repository, one environment, and only the bootstrap's roles."""

from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from flywheel.settings import GitHubSettings, load_environments
from stacks.deploy_access_stack import DeployAccessStack
from tests.conftest import ROOT, Template, feature_flags

HOST = "token.actions.githubusercontent.com"


def synthesise(folder: Path, github: GitHubSettings) -> Template:
    environment = load_environments(ROOT / "config")["prod"]
    app = cdk.App(outdir=str(folder), context=feature_flags(), analytics_reporting=False)
    stage = cdk.Stage(app, "prod", env=cdk.Environment(region=environment.region))
    stack = DeployAccessStack(stage, "DeployAccess", environment=environment, github=github)
    return Template(
        app.synth()
        .get_nested_assembly("assembly-prod")
        .get_stack_artifact(stack.artifact_id)
        .template
    )


@pytest.fixture
def template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Template:
    monkeypatch.setenv("CDK_VALIDATION", "false")
    return synthesise(tmp_path / "cdk.out", GitHubSettings(repository="owner/flights"))


def trust(template: Template) -> dict[str, Any]:
    [statement] = template.only("AWS::IAM::Role")["AssumeRolePolicyDocument"]["Statement"]
    found: dict[str, Any] = statement
    return found


def test_only_this_repositorys_jobs_of_this_environment_get_in(template: Template) -> None:
    assert trust(template)["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert trust(template)["Condition"] == {
        "StringEquals": {
            f"{HOST}:aud": "sts.amazonaws.com",
            f"{HOST}:sub": "repo:owner/flights:environment:prod",
        }
    }


def test_the_role_may_only_take_on_the_roles_of_the_bootstrap(template: Template) -> None:
    [(_, statement)] = template.statements()
    assert statement["Action"] == "sts:AssumeRole"
    names = [str(resource).partition("role/")[2] for resource in statement["Resource"]]
    assert [name.split("-role-")[0] for name in names] == [
        "cdk-hnb659fds-deploy",
        "cdk-hnb659fds-file-publishing",
        "cdk-hnb659fds-lookup",
    ]
    assert "*" not in str(statement)


def test_the_identity_provider_is_githubs(template: Template) -> None:
    assert template.only("AWS::IAM::OIDCProvider") == {
        "ClientIdList": ["sts.amazonaws.com"],
        "Url": f"https://{HOST}",
    }


def test_a_second_environment_of_an_account_uses_the_provider_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDK_VALIDATION", "false")
    github = GitHubSettings(repository="owner/flights", create_provider=False)
    template = synthesise(tmp_path / "cdk.out", github)
    assert not template.of_type("AWS::IAM::OIDCProvider")
    assert f"oidc-provider/{HOST}" in str(trust(template)["Principal"])


def test_without_the_setting_there_is_no_such_stack(assembly: Any) -> None:
    assert "DeployAccess" not in assembly.templates("prod")
