"""Every error that a person is meant to read.

ReportedError               what is wrong, where, and how to fix it
├── ConfigError             evaluation.yaml: key path and line
├── SecretError             a secret that the file names cannot be read
├── DatasetError            the rows cannot be used
├── EndpointError           the model endpoint does not exist, or has stopped answering
├── CandidateError          the model package cannot be deployed, or did not start
├── JudgingError            the judge refuses every verdict
├── TrackingError           MLflow does not hold what it should
├── DiskError               the disk takes no more, so that nothing that is paid for is kept
├── InstanceError           the instances of one job do not come together
├── CodeError               the job's code is not the code that the pipeline was upserted with
└── LaunchError             AWS refused, or the pipeline cannot be built or found
"""

from __future__ import annotations


class ReportedError(Exception):
    """An error whose message is for the user and needs no traceback."""


class ConfigError(ReportedError):
    """The configuration cannot be used; the message holds one line for each mistake."""


class SecretError(ReportedError):
    """A secret that evaluation.yaml names is missing, denied or of no use; a line for each."""


class DatasetError(ReportedError):
    """The dataset cannot be read, or too many of its rows cannot be used."""


class EndpointError(ReportedError):
    """The endpoint cannot be described, or has stopped answering."""


class CandidateError(ReportedError):
    """The candidate's model package cannot be deployed, or its endpoint did not start."""


class JudgingError(ReportedError):
    """A judge refuses every verdict, and would go on to."""


class TrackingError(ReportedError):
    """MLflow cannot be reached, or its record is incomplete."""


class DiskError(ReportedError):
    """The disk takes no more: what is paid for, or the report, cannot be kept."""


class InstanceError(ReportedError):
    """An instance of the job failed, is missing, or has measured something else."""


class CodeError(ReportedError):
    """The job's code is not the code that the pipeline was upserted with."""


class LaunchError(ReportedError):
    """The pipeline cannot be built, found or started."""


DEBUG = "LLM_EVALUATION_DEBUG"
"""A variable of the environment: if it is set, every error shows where it comes from."""
