"""`pipeline_definition.py image`: the built image to ECR, and its digest into the configuration.

The configuration then names the image by its digest, REPOSITORY@sha256:..., so that every execution
runs the very image that was pushed, whatever is pushed later.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.definition.architecture import architectures
from pipeline.definition.bundle import Bundle
from pipeline.definition.steps.processing_job import sdk_tags
from processing.base.code_digest import code_digest
from processing.base.errors import LaunchError
from processing.config.file import load_config

if TYPE_CHECKING:
    from boto3 import Session

KEPT_IMAGES = 50
_LIFECYCLE = {
    "rules": [
        {
            "rulePriority": 1,
            "description": f"keep the last {KEPT_IMAGES} images",
            "selection": {
                "tagStatus": "any",
                "countType": "imageCountMoreThan",
                "countNumber": KEPT_IMAGES,
            },
            "action": {"type": "expire"},
        }
    ]
}
_CODE = "llm-evaluation.code-digest"
_NO_NETWORK = re.compile(r"dial tcp|no such host|i/o timeout|connection refused|network is", re.I)
_PUSHED = re.compile(r"content-[0-9a-f]{16}(-(?P<architecture>\w+))?")
_SCALAR = re.compile(r"\"[^\"]*\"|'[^']*'|[^\s,}#]+")


def publish(session: Session, bundle: Bundle, repository: str, image: str) -> str:
    """Push a local image, unless ECR has it; its URI by digest.

    Raises LaunchError where the image was not built from this working copy's code, or not for the
    configuration's instances, or Docker fails; botocore's ClientError where ECR refuses.
    """
    described = _inspect(image)
    if problem := unfit(described, image, bundle):
        raise LaunchError(problem)
    identity = described["Id"]
    ecr = session.client("ecr")
    uri = _repository_uri(ecr, repository, bundle)
    tag = _tag(identity, described["Architecture"])
    digest = _digest_in_ecr(ecr, repository, tag) or _push(ecr, image, f"{uri}:{tag}")
    return f"{uri}@{digest}"


def write_image(path: Path, uri: str) -> None:
    """Put `uri` in place of infrastructure.image, and leave the rest of the file as it is.

    Raises LaunchError where that cannot be done; the file is then unchanged.
    """
    from ruamel.yaml import YAML

    before = path.read_text(encoding="utf-8")
    line, column = YAML(typ="rt").load(before)["infrastructure"].lc.value("image")
    lines = before.splitlines(keepends=True)
    lines[line] = lines[line][:column] + _SCALAR.sub(lambda _: uri, lines[line][column:], count=1)
    path.write_text("".join(lines), encoding="utf-8")
    if load_config(path).infrastructure.image != uri:
        path.write_text(before, encoding="utf-8")
        raise LaunchError(f"{path}:{line + 1}: could not be changed: write image: {uri} there")


def unfit(described: Mapping[str, Any], image: str, bundle: Bundle) -> str:
    """Why the jobs cannot run an image that `docker image inspect` describes; empty if they can."""
    if (described["Config"].get("Labels") or {}).get(_CODE) != code_digest():
        return f"the image {image} was built from other code than this: make image"
    manifest = (described.get("Descriptor") or {}).get("mediaType", "")
    if is_index(manifest):
        return (
            f"the image {image} is an index of several manifests ({manifest}), which SageMaker "
            "refuses: make image, which builds one manifest (--platform, --provenance=false)"
        )
    built = f"{described['Os']}/{described['Architecture']}"
    for key, wanted in architectures(bundle.config.infrastructure).items():
        if built != f"linux/{wanted}":
            return f"the image {image} is {built}, and {key} needs linux/{wanted}: make image" + (
                "" if wanted == "amd64" else f" ARCH={wanted}"
            )
    return ""


def is_index(media_type: str) -> bool:
    """Of Docker or of OCI: a list of manifests instead of one."""
    return "manifest.list" in media_type or "image.index" in media_type


def pushed_architecture(tags: Iterable[str]) -> str | None:
    """Of an image in ECR that `publish` has pushed; None for another's."""
    found = next((match for tag in tags if (match := _PUSHED.fullmatch(tag))), None)
    return (found["architecture"] or "amd64") if found else None


def _tag(identity: str, architecture: str) -> str:
    suffix = "" if architecture == "amd64" else f"-{architecture}"
    return f"content-{identity.removeprefix('sha256:')[:16]}{suffix}"


def _inspect(image: str) -> dict[str, Any]:
    inspected = _docker("image", "inspect", image)
    if inspected.returncode and "no such image" not in inspected.stderr.lower():
        raise LaunchError(f"Docker does not answer: {_one_line(inspected)}; start it")
    if inspected.returncode:
        raise LaunchError(f"there is no image {image} on this machine: make image")
    [described] = json.loads(inspected.stdout)
    return dict(described)


def _repository_uri(ecr: Any, name: str, bundle: Bundle) -> str:
    try:
        found = ecr.describe_repositories(repositoryNames=[name])["repositories"][0]
    except ecr.exceptions.RepositoryNotFoundException:
        found = ecr.create_repository(
            repositoryName=name,
            imageTagMutability="IMMUTABLE",
            imageScanningConfiguration={"scanOnPush": True},
            tags=sdk_tags(bundle.config.infrastructure),
        )["repository"]
        ecr.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=json.dumps(_LIFECYCLE))
    return str(found["repositoryUri"])


def _digest_in_ecr(ecr: Any, repository: str, tag: str) -> str | None:
    try:
        found = ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])
    except ecr.exceptions.ImageNotFoundException:
        return None
    return str(found["imageDetails"][0]["imageDigest"])


def _push(ecr: Any, image: str, reference: str) -> str:
    [authorization] = ecr.get_authorization_token()["authorizationData"]
    user, _, password = (
        base64.b64decode(authorization["authorizationToken"]).decode().partition(":")
    )
    # a configuration folder of its own: the token is not left in the user's
    with tempfile.TemporaryDirectory() as folder:
        docker = ("--config", folder)
        login = ("login", "--username", user, "--password-stdin", authorization["proxyEndpoint"])
        _require(_docker(*docker, *login, stdin=password), "docker login")
        _require(_docker("tag", image, reference), "docker tag")
        _require(_docker(*docker, "push", reference), f"docker push {reference}")
    inspected = _docker("image", "inspect", "--format", "{{json .RepoDigests}}", reference)
    repository = reference.rpartition(":")[0]
    for known in json.loads(inspected.stdout or "[]"):
        if known.startswith(f"{repository}@sha256:"):
            return str(known.rpartition("@")[2])
    raise LaunchError(f"{reference} was pushed, but Docker does not know its digest")


def _require(done: subprocess.CompletedProcess[str], what: str) -> None:
    if done.returncode:
        said = _one_line(done)
        advice = (
            "; Docker cannot reach ECR: check its network or proxy"
            if _NO_NETWORK.search(said)
            else ""
        )
        raise LaunchError(f"{what}: {said}{advice}")


def _one_line(done: subprocess.CompletedProcess[str]) -> str:
    return " ".join((done.stderr or done.stdout).split())[:500].rstrip(".?")


def _docker(*arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["docker", *arguments], input=stdin, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise LaunchError(f"Docker is not installed: {error}") from error
