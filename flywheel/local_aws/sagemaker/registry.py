"""The model registry: groups, numbered model packages, approval."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flywheel.local_aws.sagemaker.errors import ServiceError, not_local, validation_error
from flywheel.local_aws.sagemaker.jobs import Services
from flywheel.local_aws.sagemaker.resources import Collection, Resource, echo, now, page

_DESCRIBED = (
    "ModelPackageDescription", "InferenceSpecification", "SourceAlgorithmSpecification",
    "ValidationSpecification", "MetadataProperties", "ModelMetrics", "Domain", "Task",
    "SamplePayloadUrl", "CustomerMetadataProperties", "DriftCheckBaselines",
    "AdditionalInferenceSpecifications", "SkipModelValidation", "SourceUri", "SecurityConfig",
    "ModelCard", "ModelLifeCycle", "ModelPackageRegistrationType", "ManagedStorageType",
)  # fmt: skip
_UPDATED = (
    "ModelApprovalStatus", "ApprovalDescription", "SourceUri", "InferenceSpecification",
    "ModelCard", "ModelLifeCycle", "ModelPackageRegistrationType",
)  # fmt: skip


@dataclass(kw_only=True)
class Group(Resource):
    """One model package group; versions are never given twice."""

    last_version: int = 0
    tokens: dict[str, str] = field(default_factory=dict)  # ClientToken → package ARN


@dataclass(kw_only=True)
class Package(Resource):
    """One version in a group, or an unversioned package."""

    group: str | None = None
    version: int | None = None

    @property
    def approval(self) -> str | None:
        """ModelApprovalStatus; an unversioned package has none."""
        status: str | None = self.request.get("ModelApprovalStatus")
        return status


class Registry:
    """The model packages of one account and region."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._config = services.config
        self.groups: Collection[Group] = Collection(services.state)
        self.packages: Collection[Package] = Collection(services.state)  # by ARN

    def actions(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        """What this part of the service answers."""
        return {
            "CreateModelPackageGroup": self.create_group,
            "DescribeModelPackageGroup": lambda params: self._describe_group(
                params["ModelPackageGroupName"]
            ),
            "DeleteModelPackageGroup": self.delete_group,
            "ListModelPackageGroups": lambda params: page(
                self.groups.all(), params, "ModelPackageGroupSummaryList", _group_summary
            ),
            "CreateModelPackage": self.create,
            "DescribeModelPackage": lambda params: self.describe(
                self.get(params["ModelPackageName"])
            ),
            "UpdateModelPackage": self.update,
            "DeleteModelPackage": self.delete,
            "ListModelPackages": self.find,
        }

    def create_group(self, params: dict[str, Any]) -> dict[str, Any]:
        """Answer CreateModelPackageGroup."""
        name = params["ModelPackageGroupName"]
        group = Group(name=name, arn=self._config.arn("model-package-group", name), request=params)
        self.groups.add(
            group,
            lambda known: validation_error(f"Model Package Group already exists: {known.arn}"),
        )
        return {"ModelPackageGroupArn": group.arn}

    def delete_group(self, params: dict[str, Any]) -> dict[str, Any]:
        """Answer DeleteModelPackageGroup: only an empty group goes."""
        group = self._group(params["ModelPackageGroupName"])
        if any(package.group == group.name for package in self.packages.all()):
            raise ServiceError(
                "ConflictException",
                "Model Package Group cannot be deleted because it still contains Model Packages: "
                f"{group.arn}",
            )
        self.groups.remove(group.name)
        return {}

    def create(self, params: dict[str, Any]) -> dict[str, Any]:
        """Answer CreateModelPackage.

        Raises:
            ServiceError: No such group, a name in use, or both kinds of names at once.
        """
        group_name, name = params.get("ModelPackageGroupName"), params.get("ModelPackageName")
        if group_name and name:
            raise validation_error(
                "Both ModelPackageName and ModelPackageGroupName are provided in the input. "
                "Cannot determine which "
                "one to use."
            )
        if not group_name and not name:
            raise validation_error("Missing ARN.")
        for container in params.get("InferenceSpecification", {}).get("Containers", ()):
            self._config.images.find(container.get("Image", ""))
        if "ValidationSpecification" in params:
            raise not_local("ValidationSpecification", "Validate the model in a processing job.")
        package = (
            self._version(group_name, params)
            if group_name
            else self._unversioned(str(name), params)
        )
        self._tell(package, [])
        return {"ModelPackageArn": package.arn}

    def update(self, params: dict[str, Any]) -> dict[str, Any]:
        """Answer UpdateModelPackage; a change of the approval is what deployments wait for."""
        package = self.get(params["ModelPackageArn"])
        with self._services.state.changed:
            changed = [name for name in _UPDATED if name in params]
            if package.version is None and "ModelApprovalStatus" in params:
                raise validation_error(
                    "ModelApprovalStatus can be set for versioned model packages only."
                )
            package.request |= echo(params, *changed)
            metadata = package.request.get("CustomerMetadataProperties", {}) | params.get(
                "CustomerMetadataProperties", {}
            )
            for name in params.get("CustomerMetadataPropertiesToRemove", ()):
                metadata.pop(name, None)
            if metadata:
                package.request["CustomerMetadataProperties"] = metadata
            else:
                package.request.pop("CustomerMetadataProperties", None)
            if {"CustomerMetadataProperties", "CustomerMetadataPropertiesToRemove"} & params.keys():
                changed.append("CustomerMetadataProperties")
            if added := params.get("AdditionalInferenceSpecificationsToAdd"):
                package.request.setdefault("AdditionalInferenceSpecifications", []).extend(added)
                changed.append("AdditionalInferenceSpecifications")
            package.modified = now()
            self._services.state.changed.notify_all()
        self._tell(package, changed)
        return {"ModelPackageArn": package.arn}

    def delete(self, params: dict[str, Any]) -> dict[str, Any]:
        """Answer DeleteModelPackage."""
        self.packages.remove(self.get(params["ModelPackageName"]).arn)
        return {}

    def find(self, params: dict[str, Any]) -> dict[str, Any]:
        """Answer ListModelPackages; without a group, unversioned packages only, as AWS does."""
        kind = params.get("ModelPackageType")
        group = params.get("ModelPackageGroupName")
        chosen = self.packages.all()
        if group is not None:
            chosen = [package for package in chosen if package.group == self._group(group).name]
        elif kind in (None, "Unversioned"):
            chosen = [package for package in chosen if package.group is None]
        elif kind == "Versioned":
            chosen = [package for package in chosen if package.group is not None]
        if "ModelApprovalStatus" in params:
            chosen = [
                package for package in chosen if package.approval == params["ModelApprovalStatus"]
            ]
        return page(chosen, params, "ModelPackageSummaryList", _summary)

    def get(self, arn_or_name: str) -> Package:
        """The package of an ARN, or of a name such as `group/3`.

        Raises:
            ServiceError: There is none.
        """
        named = arn_or_name.startswith("arn:")
        arn = arn_or_name if named else self._config.arn("model-package", arn_or_name)
        return self.packages.get(
            arn, lambda: validation_error(f"ModelPackage {arn} does not exist.")
        )

    def describe(self, package: Package) -> dict[str, Any]:
        """Answer DescribeModelPackage."""
        with self._services.state.changed:
            answer = {
                "ModelPackageName": package.group or package.name,
                "ModelPackageArn": package.arn,
                "CreationTime": package.created,
                "LastModifiedTime": package.modified,
                "ModelPackageStatus": package.status,
                "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
                "CertifyForMarketplace": package.request.get("CertifyForMarketplace", False),
                **echo(package.request, "ModelApprovalStatus", "ApprovalDescription", *_DESCRIBED),
            }
            if package.version is not None:
                answer |= {
                    "ModelPackageGroupName": package.group,
                    "ModelPackageVersion": package.version,
                }
            return answer

    def _version(self, group_name: str, params: dict[str, Any]) -> Package:
        with self._services.state.changed:
            group = self._group(group_name)
            token = params.get("ClientToken")
            if token in group.tokens:
                return self.get(group.tokens[token])
            group.last_version += 1
            name = f"{group.name}/{group.last_version}"
            package = Package(
                name=name,
                arn=self._config.arn("model-package", name),
                request={"ModelApprovalStatus": "PendingManualApproval"} | params,
                group=group.name,
                version=group.last_version,
            )
            self._add(package)
            if token is not None:
                group.tokens[token] = package.arn
            return package

    def _unversioned(self, name: str, params: dict[str, Any]) -> Package:
        package = Package(name=name, arn=self._config.arn("model-package", name), request=params)
        self._add(package)
        return package

    def _add(self, package: Package) -> None:
        with self._services.state.changed:
            if self.packages.find(package.arn) is not None:
                raise ServiceError(
                    "ConflictException", f"ModelPackage already exists: {package.arn}"
                )
            self.packages.insert(package.arn, package)

    def _group(self, arn_or_name: str) -> Group:
        name = arn_or_name.rpartition("/")[2].lower()
        found = next((group for group in self.groups.all() if group.name.lower() == name), None)
        if found is None:
            raise validation_error(
                f"ModelPackageGroup {self._config.arn('model-package-group', name)} does not exist."
            )
        return found

    def _describe_group(self, name: str) -> dict[str, Any]:
        group = self._group(name)
        return {
            **_group_summary(group),
            "CreatedBy": {},
            **echo(group.request, "ManagedConfiguration"),
        }

    def _tell(self, package: Package, changed: list[str]) -> None:
        detail = self.describe(package) | {"ModelPackageName": package.name}
        if changed:
            detail["UpdatedModelPackageFields"] = changed
        self._services.events.send("Model Package", package.arn, detail, package.tags)


def inference_container(package: Package, specification: str | None = None) -> Mapping[str, Any]:
    """The one container that a package says how to serve.

    Raises:
        ServiceError: It has none, several, or no specification of that name.
    """
    request = package.request
    chosen = request.get("InferenceSpecification")
    if specification is not None:
        named = request.get("AdditionalInferenceSpecifications", ())
        chosen = next((one for one in named if one["Name"] == specification), None)
    containers = (chosen or {}).get("Containers", ())
    if len(containers) != 1:
        raise not_local(
            f"ModelPackage {package.arn} with {len(containers)} containers to serve",
            "It must have exactly one.",
        )
    container: Mapping[str, Any] = containers[0]
    return container


def _group_summary(group: Group) -> dict[str, Any]:
    return {
        "ModelPackageGroupName": group.name,
        "ModelPackageGroupArn": group.arn,
        "CreationTime": group.created,
        "ModelPackageGroupStatus": "Completed",
        **echo(group.request, "ModelPackageGroupDescription"),
    }


def _summary(package: Package) -> dict[str, Any]:
    answer = {
        "ModelPackageArn": package.arn,
        "CreationTime": package.created,
        "ModelPackageStatus": package.status,
        **echo(package.request, "ModelPackageDescription", "ModelApprovalStatus", "ModelLifeCycle"),
    }
    if package.version is None:
        return answer | {"ModelPackageName": package.name}
    return answer | {"ModelPackageGroupName": package.group, "ModelPackageVersion": package.version}
