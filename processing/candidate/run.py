"""EvaluateModel in candidate mode: deploy, evaluate, delete, whatever happens in between.

The evaluation runs in a process of its own. A process that runs out of memory, or crashes in
native code, cannot clean up after itself; this one is small, does nothing but wait, and does it for
it. SIGTERM, with which SageMaker stops a job, ends the evaluation and then deletes. Only what ends
the whole container at once leaves something behind, for `processing.candidate.cleanup` to find.
"""

from __future__ import annotations

import datetime as dt
import math
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any

from processing.base import container
from processing.base.errors import CandidateError, ConfigError
from processing.base.instance import this_instance
from processing.candidate.already_evaluated import write_already_evaluated
from processing.candidate.cleanup import age, find_abandoned, sweep
from processing.candidate.deployment import (
    PACKAGE_TAG,
    Deployment,
    candidate_section,
    create,
    delete,
    plan,
    wait_until_in_service,
)
from processing.candidate.evaluated import VerdictRegister
from processing.candidate.package import CandidatePackage, read_package
from processing.endpoint.asynchronous import delete_results
from processing.endpoint.client import ask, endpoint_rate_limit, runtime_client
from processing.endpoint.payload import request_body
from processing.endpoint.warm_up import ARE_YOU_READY

if TYPE_CHECKING:
    from boto3 import Session

    from processing.evaluation.job import EvaluationJob
    from processing.report.evaluation import Evaluation

DELETE_SECONDS = 1800.0
"""How long to go on trying to delete; SageMaker refuses while the endpoint is being created."""
STOP_SECONDS = 100.0
"""How long after SIGTERM: SageMaker kills the container 120 s later."""
CHILD_SECONDS = 5.0
RESERVED_SECONDS = 300.0
"""Of the job's time, for deleting; of a short one's a quarter."""
BEGAN = time.monotonic()


class _StoppedBySagemaker(BaseException):
    """SIGTERM has come."""


class _Termination:
    """Turns the first SIGTERM into an exception, once, and never while something is deleted."""

    def __init__(self) -> None:
        self.received = self.cleaning = False
        self.killed_at = math.inf
        signal.signal(signal.SIGTERM, self._handle)

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        first, self.received = not self.received, True
        if first:
            self.killed_at = time.monotonic() + STOP_SECONDS
        if first and not self.cleaning:
            raise _StoppedBySagemaker


def evaluate_candidate(job: EvaluationJob, arguments: Sequence[str]) -> None:
    """Evaluate `job.model_package_arn`; `arguments` are this job's own, for the evaluation.

    Raises ConfigError or CandidateError, and SystemExit with the evaluation's exit code if that has
    failed and has said why, or with 143 when SageMaker has stopped the job.
    """
    _require_one_instance(job)
    termination = _Termination()
    try:
        _evaluate_once(job, arguments, termination)
    except _StoppedBySagemaker:
        print("stopped by SageMaker", flush=True)
        raise SystemExit(128 + signal.SIGTERM) from None


def _require_one_instance(job: EvaluationJob) -> None:
    """Each instance would deploy an endpoint of its own, and delete it while others ask it."""
    number = len(this_instance().hosts)
    if number > 1:
        raise ConfigError(
            f"ModelPackageArn={job.model_package_arn}: a candidate is evaluated by one instance, "
            f"and this job has {number}: set infrastructure.evaluate.instance_count to 1, or "
            "deploy the candidate yourself and give EndpointName"
        )


def _evaluate_once(job: EvaluationJob, arguments: Sequence[str], termination: _Termination) -> None:
    """Unless it has been evaluated, or is being."""
    import boto3

    session = boto3.Session()
    client = session.client("sagemaker")
    candidate = candidate_section(job.config)
    group = job.config.registration.model_package_group
    package = read_package(client, job.model_package_arn or "", group)
    register = _register(session, job, job.fingerprint(package.identity(candidate)))
    earlier = _claim(register) if register else None
    if earlier is not None:
        write_already_evaluated(earlier, job)
        return
    evaluated = False
    try:
        _deploy_and_evaluate(client, job, package, arguments, termination)
        evaluated = True
    finally:
        if register and not evaluated:
            register.release()


def keep_verdict(evaluation: Evaluation, job: EvaluationJob) -> None:
    """A candidate's verdict, for later executions with the same candidate.

    A run that a cap has ended is none on the model: the next start goes on. Nor is one that ended
    as passed, and what was on its way then has closed the gate, as where a judge broke down.
    """
    import boto3

    if not (job.model_package_arn and job.store.uri):
        return
    register = VerdictRegister(boto3.Session(), job, evaluation.fingerprint)
    verdict = evaluation.verdict
    stopped = verdict.stopped
    if stopped and (stopped.capped or (stopped.passes and not verdict.passed)):
        register.release()
    else:
        register.keep(evaluation)


def _register(session: Session, job: EvaluationJob, found: str) -> VerdictRegister | None:
    """None for a job by hand, without a place where earlier verdicts are."""
    return VerdictRegister(session, job, found) if job.store.uri else None


def _claim(register: VerdictRegister) -> dict[str, Any] | None:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return register.claim()
    except (ClientError, BotoCoreError) as error:
        raise CandidateError(
            f"the record of evaluated candidates, {register.uri}, cannot be used: {error}; "
            "the job role needs s3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject there"
        ) from error


def _deploy_and_evaluate(
    client: Any,
    job: EvaluationJob,
    package: CandidatePackage,
    arguments: Sequence[str],
    termination: _Termination,
) -> None:
    _require_a_record(job, arguments)
    deployment = plan(job.config, package, job.execution_arn, container.job_name())
    try:
        try:
            _sweep_before(client, job)
            print(f"deploying candidate {package.name} as {deployment.name}", flush=True)
            create(client, deployment, package, job.config)
            wait_until_in_service(
                client,
                deployment,
                min(candidate_section(job.config).wait_seconds, _seconds_left(job)),
            )
            _require_an_answer(job, deployment)
            _evaluate(job, deployment, arguments)
        finally:
            termination.cleaning = True
    finally:
        _delete(client, deployment, termination)
        if job.config.endpoint.asynchronous and not termination.received:
            delete_results(job.config.infrastructure, deployment.name)


def _require_a_record(job: EvaluationJob, arguments: Sequence[str]) -> None:
    """MLflow keeps what it is sent, or nothing is deployed. In a process of its own, too."""
    child = subprocess.Popen(
        [sys.executable, "-m", "processing.evaluate", *arguments, "--only-try-mlflow"]
    )
    try:
        code = child.wait(_seconds_left(job))
    finally:
        _end(child)
    if code:
        raise SystemExit(code)  # it has said why


def _sweep_before(client: Any, job: EvaluationJob) -> None:
    """What earlier jobs of this execution left, and what no living job can still be using."""
    longest = dt.timedelta(seconds=job.config.infrastructure.evaluate.max_runtime_seconds)
    abandoned = [
        deployment
        for deployment in find_abandoned(client, job.config.pipeline.name)
        if age(deployment) > longest + dt.timedelta(minutes=10)
        or (job.execution_arn and deployment.execution_arn == job.execution_arn)
    ]
    sweep(client, abandoned, lambda line: print(f"left by an earlier job: {line}", flush=True))


def _require_an_answer(job: EvaluationJob, deployment: Deployment) -> None:
    """In service says that the container is up; the first answer of a model may take longer.

    It is asked for here, so that it does not count as the model's latency.
    """
    import boto3

    names = {"name": deployment.name, "variant": None, "inference_component": None}
    endpoint = job.endpoint.model_copy(update=names)
    client = runtime_client(endpoint, boto3.Session(), job.config.infrastructure)
    body = request_body(endpoint, ARE_YOU_READY)
    call = ask(client, endpoint, body, endpoint_rate_limit(endpoint))
    if call.error:
        raise CandidateError(
            f"candidate {deployment.tags[PACKAGE_TAG]} is in service but does not answer: "
            f"{call.error}; see endpoint: in evaluation.yaml for the format it is asked in, and "
            f"its log /aws/sagemaker/Endpoints/{deployment.name}"
        )


def _evaluate(job: EvaluationJob, deployment: Deployment, arguments: Sequence[str]) -> None:
    """The evaluation in a process of its own, with the endpoint's name added."""
    child = subprocess.Popen(
        [
            *(sys.executable, "-m", "processing.evaluate", *arguments),
            *("--deployed-endpoint", deployment.name),
        ]
    )
    try:
        code = child.wait(_seconds_left(job))
    except subprocess.TimeoutExpired:
        raise CandidateError(
            f"the evaluation of {deployment.tags[PACKAGE_TAG]} was ended, to be able to delete its "
            "endpoint before the job's time is over: raise "
            "infrastructure.evaluate.max_runtime_seconds; what was answered is kept, so that "
            "another start goes on from there"
        ) from None
    finally:
        _end(child)
    if code < 0:
        raise CandidateError(
            f"the evaluation of {deployment.tags[PACKAGE_TAG]} was ended by "
            f"{signal.Signals(-code).name}; if by SIGKILL, it most likely ran out of memory: "
            "choose a larger infrastructure.evaluate.instance_type"
        )
    if code:
        raise SystemExit(code)  # it has said why, and where SageMaker looks for it


def _seconds_left(job: EvaluationJob) -> float:
    """For everything but deleting.

    Whether SageMaker sends SIGTERM to a job that is over its time is not documented, so this one
    ends by itself before.
    """
    allowed = job.config.infrastructure.evaluate.max_runtime_seconds
    reserved = min(RESERVED_SECONDS, allowed / 4)
    return max(0.0, BEGAN + allowed - reserved - time.monotonic())


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(CHILD_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _delete(client: Any, deployment: Deployment, termination: _Termination) -> None:
    """Goes on until all is gone, or until SageMaker is about to kill this container."""
    until = time.monotonic() + DELETE_SECONDS
    left = delete(client, deployment.name, lambda: min(until, termination.killed_at))
    if not left:
        print(f"deleted endpoint, endpoint configuration and model {deployment.name}", flush=True)
        return
    print(
        f"LEFT BEHIND, and costing money: {'; '.join(left)}. "
        "`pipeline_definition.py sweep` deletes it",
        file=sys.stderr,
        flush=True,
    )
