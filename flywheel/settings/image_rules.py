"""Rules about the container image: it exists, in this region, for these instance types."""

from collections.abc import Iterator

from flywheel.algorithms import images
from flywheel.algorithms.errors import RefusedError, nearest
from flywheel.settings.rules import AbsentError, Broken, Rule, Steps, Values

_IMAGE = ("training", "image")
_EVALUATION_IMAGE = ("evaluation", "image")


def image_rules(region: str | None) -> tuple[Rule, ...]:
    """The rules for one region; without a region, all but the one about it."""
    in_region = (_is_in_region(region),) if region else ()
    return (
        _image_runs_scripts(_IMAGE),
        _image_runs_scripts(_EVALUATION_IMAGE),
        _image_exists(_IMAGE),
        _image_exists(_EVALUATION_IMAGE),
        _image_runs_on("training", "instance_type"),
        _image_runs_on("evaluation", "instance_type"),
        _variants_share_an_image,
        *in_region,
    )


def _image_runs_scripts(image: Steps) -> Rule:
    def rule(values: Values) -> Iterator[Broken]:
        framework, version = values(*image, "framework"), values(*image, "version")
        known = images.SCRIPT_FRAMEWORKS
        if framework not in known:
            built_in = framework in images.names()
            near = nearest(framework, known)
            yield Broken(
                (*image, "framework"),
                (
                    "a built-in algorithm runs no script"
                    if built_in
                    else "there is no such framework"
                )
                + f"; AWS publishes images of {', '.join(known)}",
                f"The nearest is {near}." if near and not built_in else "",
            )
        elif (framework, version) == ("xgboost", "1"):
            yield Broken(
                (*image, "version"),
                "this is the built-in algorithm, which runs no script",
                f"Choose a framework version, for example {images.versions('xgboost')[0]}.",
            )

    return rule


def _image_exists(image: Steps) -> Rule:
    def rule(values: Values) -> Iterator[Broken]:
        framework, version = values(*image, "framework"), values(*image, "version")
        if framework not in images.SCRIPT_FRAMEWORKS:
            return
        for scope in ("training", "inference"):
            try:
                images.repository_and_tag(framework, version, scope=scope)
            except RefusedError as error:
                yield Broken((*image, "version"), error.rule, error.remedy)
                return

    return rule


def _image_runs_on(*steps: str) -> Rule:
    def rule(values: Values) -> Iterator[Broken]:
        instance_type = values(*steps)
        try:
            _repository_and_tag(values, instance_type, "training", _image_of(values, steps[0]))
        except RefusedError as error:
            if error.about == "instance_type":
                yield Broken(steps, error.rule, error.remedy)

    return rule


def _variants_share_an_image(values: Values) -> Iterator[Broken]:
    first: tuple[Steps, str] | None = None
    for variant in values.entries("serving", "variants"):
        steps = (*variant, "instance_type")
        try:
            image = _repository_and_tag(values, values(*steps), "inference")
        except AbsentError:
            continue
        except RefusedError as error:
            if error.about == "instance_type":
                yield Broken(steps, error.rule, error.remedy)
            continue
        if first and image != first[1]:
            yield Broken(
                steps,
                f"it needs the image {image}, the first variant {first[1]}",
                "A model has one image: choose instances of the same kind for all variants.",
            )
        first = first or (steps, image)


def _is_in_region(region: str) -> Rule:
    def rule(values: Values) -> Iterator[Broken]:
        framework, version = values(*_IMAGE, "framework"), values(*_IMAGE, "version")
        for scope in ("training", "inference"):
            try:
                images.image_uri(framework, version, region, scope=scope)
            except RefusedError as error:
                if error.about == "region":
                    yield Broken(
                        _IMAGE,
                        f"AWS does not publish it in {region}, the environment's region",
                        f"{error.rule}.",
                        value=f"{framework} {version}",
                    )
                return

    return rule


def _image_of(values: Values, section: str) -> Steps:
    own = values.get(section, "image", default=None) if section == "evaluation" else None
    return _IMAGE if own is None else (section, "image")


def _repository_and_tag(
    values: Values, instance_type: str, scope: images.Scope, image: Steps = _IMAGE
) -> str:
    framework, version = values(*image, "framework"), values(*image, "version")
    return images.repository_and_tag(framework, version, instance_type=instance_type, scope=scope)
