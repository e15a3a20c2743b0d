"""Models and endpoint configurations: what can be served, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flywheel.local_aws.sagemaker import stand_ins
from flywheel.local_aws.sagemaker.errors import ServiceError, not_local, validation_error
from flywheel.local_aws.sagemaker.jobs import Services
from flywheel.local_aws.sagemaker.registry import Registry, inference_container
from flywheel.local_aws.sagemaker.resources import Collection, Resource, echo, page

_CONFIG_ECHOED = (
    "ProductionVariants", "DataCaptureConfig", "KmsKeyId", "ExecutionRoleArn", "VpcConfig",
    "EnableNetworkIsolation", "MetricsConfig",
)  # fmt: skip
_NOT_LOCAL = ("AsyncInferenceConfig", "ShadowProductionVariants", "ExplainerConfig")


@dataclass(frozen=True)
class Container:
    """What a model server is started with."""

    image: str
    model_data: str | None  # URI of a model.tar.gz, or of a prefix when it is not compressed
    compressed: bool
    environment: Mapping[str, str]
    isolated: bool


@dataclass(kw_only=True)
class Model(Resource):
    """One model; it never changes."""

    container: Container


class Models:
    """The models and endpoint configurations of one account and region."""

    def __init__(self, services: Services, registry: Registry) -> None:
        self._services = services
        self._config = services.config
        self._registry = registry
        self.models: Collection[Model] = Collection(services.state)
        self.configs: Collection[Resource] = Collection(services.state)

    def actions(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        """What this part of the service answers."""
        return {
            "CreateModel": self.create_model,
            "DescribeModel": lambda params: self._describe_model(self.model(params["ModelName"])),
            "DeleteModel": self.delete_model,
            "ListModels": lambda params: page(self.models.all(), params, "Models", _model_summary),
            "CreateEndpointConfig": self.create_config,
            "DescribeEndpointConfig": lambda params: self._describe_config(
                self.config(params["EndpointConfigName"])
            ),
            "DeleteEndpointConfig": self.delete_config,
            "ListEndpointConfigs": lambda params: page(
                self.configs.all(), params, "EndpointConfigs", _config_summary
            ),
        }

    def create_model(self, params: dict[str, Any]) -> dict[str, Any]:
        """Answer CreateModel: the model package, the image and the artifact must be there."""
        name = params["ModelName"]
        model = Model(
            name=name,
            arn=self._config.arn("model", name),
            request=params,
            container=self._container(params),
        )
        self.models.add(model, lambda known: _exists("model", known.arn))
        self._services.events.send("Model", model.arn, self._describe_model(model), model.tags)
        return {"ModelArn": model.arn}

    def delete_model(self, params: dict[str, Any]) -> dict[str, Any]:
        """Answer DeleteModel."""
        model = self.model(params["ModelName"])
        self.models.remove(model.name)
        self._services.events.send("Model", model.arn, self._describe_model(model), model.tags)
        return {}

    def model(self, name: str) -> Model:
        """The model of that name.

        Raises:
            ServiceError: There is none.
        """
        return self.models.get(name, lambda: _missing("model", self._config.arn("model", name)))

    def create_config(self, params: dict[str, Any]) -> dict[str, Any]:
        """Answer CreateEndpointConfig."""
        for member in _NOT_LOCAL:
            if params.get(member):
                raise not_local(member, "Leave it out, or override it for the local environment.")
        variants = params["ProductionVariants"]
        names = [variant["VariantName"] for variant in variants]
        if len(set(names)) < len(names):
            raise validation_error("Duplicate variant names in ProductionVariants.")
        for variant in variants:
            if "ModelName" not in variant:
                raise not_local(
                    f"Variant {variant['VariantName']}: inference components", "Give a ModelName."
                )
            self.model(variant["ModelName"])
            if "InstanceType" not in variant and "ServerlessConfig" not in variant:
                raise validation_error(
                    f"Variant {variant['VariantName']} must have an InstanceType or a "
                    "ServerlessConfig."
                )
        if sum(variant.get("InitialVariantWeight", 1.0) for variant in variants) <= 0:
            raise validation_error(
                "At least one ProductionVariant must have an InitialVariantWeight above 0."
            )
        name = params["EndpointConfigName"]
        config = Resource(name=name, arn=self._config.arn("endpoint-config", name), request=params)
        self.configs.add(config, lambda known: _exists("endpoint configuration", known.arn))
        return {"EndpointConfigArn": config.arn}

    def delete_config(self, params: dict[str, Any]) -> dict[str, Any]:
        """Answer DeleteEndpointConfig; an endpoint that uses it goes on."""
        self.configs.remove(self.config(params["EndpointConfigName"]).name)
        return {}

    def config(self, name: str) -> Resource:
        """The endpoint configuration of that name.

        Raises:
            ServiceError: There is none.
        """
        arn = self._config.arn("endpoint-config", name)
        return self.configs.get(name, lambda: _missing("endpoint configuration", arn))

    def _container(self, params: Mapping[str, Any]) -> Container:
        given = (
            [params["PrimaryContainer"]]
            if "PrimaryContainer" in params
            else params.get("Containers", [])
        )
        if "PrimaryContainer" in params and params.get("Containers"):
            raise validation_error("Only one of PrimaryContainer and Containers can be given.")
        if not given:
            raise validation_error("One of PrimaryContainer or Containers must be provided.")
        if len(given) > 1:
            raise not_local("A model of several containers", "Give one container.")
        definition = given[0]
        if definition.get("Mode", "SingleModel") != "SingleModel":
            raise not_local("Mode MultiModel", "Use SingleModel.")
        if "ModelPackageName" in definition:
            definition = self._from_package(definition)
        elif "Image" not in definition:
            raise validation_error(
                "Either Image or ModelPackageName must be given for a container."
            )
        source = definition.get("ModelDataSource", {}).get("S3DataSource")
        uri = source["S3Uri"] if source else definition.get("ModelDataUrl")
        compressed = source is None or source["CompressionType"] == "Gzip"
        image = self._config.images.find(definition["Image"])
        stand_ins.serving(image, definition.get("Environment", {}))
        if uri is not None and compressed and not self._services.storage.exists(uri):
            raise validation_error(
                f"Could not access model data at {uri}. Please ensure that the role "
                f'"{params.get("ExecutionRoleArn")}" '
                'exists and that its trust relationship policy allows the action "sts:AssumeRole" '
                "for the service "
                'principal "sagemaker.amazonaws.com". Also ensure that the role has '
                '"s3:GetObject" permissions and '
                f"that the object is located in {self._config.region}."
            )
        return Container(
            image=definition["Image"],
            model_data=uri,
            compressed=compressed,
            environment=dict(definition.get("Environment", {})),
            isolated=params.get("EnableNetworkIsolation", False),
        )

    def _from_package(self, definition: Mapping[str, Any]) -> Mapping[str, Any]:
        package = self._registry.get(definition["ModelPackageName"])
        if package.version is not None and package.approval != "Approved":
            raise validation_error(
                f'Cannot create Model from Model Package "{package.arn}": its ModelApprovalStatus '
                "is "
                f"{package.approval}, it must be Approved."
            )
        described = inference_container(package, definition.get("InferenceSpecificationName"))
        environment = described.get("Environment", {}) | definition.get("Environment", {})
        return {**described, "Environment": environment}

    def _describe_model(self, model: Model) -> dict[str, Any]:
        return {
            **_model_summary(model),
            "EnableNetworkIsolation": model.container.isolated,
            **echo(
                model.request,
                "PrimaryContainer",
                "Containers",
                "InferenceExecutionConfig",
                "ExecutionRoleArn",
                "VpcConfig",
            ),
        }

    def _describe_config(self, config: Resource) -> dict[str, Any]:
        return {**_config_summary(config), **echo(config.request, *_CONFIG_ECHOED)}


def _model_summary(model: Model) -> dict[str, Any]:
    return {"ModelName": model.name, "ModelArn": model.arn, "CreationTime": model.created}


def _config_summary(config: Resource) -> dict[str, Any]:
    return {
        "EndpointConfigName": config.name,
        "EndpointConfigArn": config.arn,
        "CreationTime": config.created,
    }


def _exists(noun: str, arn: str) -> ServiceError:
    return validation_error(f'Cannot create already existing {noun} "{arn}".')


def _missing(noun: str, arn: str) -> ServiceError:
    return validation_error(f'Could not find {noun} "{arn}".')
