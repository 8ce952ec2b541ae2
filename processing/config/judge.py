"""The model that judges answers: how it is configured, how litellm names it, where its calls go."""

from __future__ import annotations

import os
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from processing.config import patterns

_LITELLM_PROVIDERS = {
    "bedrock": "bedrock/converse",  # MLflow 3.17 itself refuses bedrock:/MODEL; Converse takes all
    "amazon-bedrock": "bedrock/converse",
    "ai21labs": "ai21",
    "databricks-model-serving": "databricks",
    "endpoints": "databricks",
    "togetherai": "together_ai",
}


DEFAULT_MAX_TOKENS = 8192
"""A verdict takes some hundred tokens; what a judge thinks counts toward the limit too."""

_LIMITS = ("max_tokens", "maxTokens", "max_completion_tokens")

PANEL = "panel:/"
"""How the name of a panel begins, which has its judges' models after it. No provider's."""

MOST_ON_A_PANEL = 9

_EACH_ITS_OWN = ("base_url", "requests_per_minute", "tokens_per_minute")


class Judge(BaseModel):
    """A judge as an MLflow model URI: `bedrock:/MODEL`, `openai:/MODEL`, `anthropic:/MODEL`, ...

    After `bedrock:/` stands a model id, an inference profile id or an ARN, as it is, not encoded.
    `base_url` is the address of an OpenAI-compatible server, up to and with `/v1`.

    With a `panel` it stands for several: `model` is then their name and none that can be asked, and
    its other settings hold for each of them that has none of its own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = Field(pattern=patterns.JUDGE)
    base_url: str | None = Field(default=None, pattern=r"^https?://.+")
    parameters: dict[str, Any] = {}
    timeout_seconds: float = Field(default=60, gt=0, le=900)
    # how long, in pauses, a call that is throttled is made again
    retry_seconds: float = Field(default=120, ge=0)
    # the most calls at once; how many it really is, the judge's throttling decides
    concurrency: int = Field(default=32, ge=1, le=256)
    requests_per_minute: float | None = Field(default=None, gt=0)
    tokens_per_minute: float | None = Field(default=None, gt=0)
    # how often each verdict is asked for; the row's is the majority, or the mean
    repeats: int = Field(default=1, ge=1, le=9)
    # how many answers to other questions each comparing scorer is given, to be rejected
    swapped_answers: int = Field(default=5, ge=0, le=100)
    # all who judge, instead of one model; the last field, since it takes over those before it
    panel: tuple[Judge, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _named_after_its_panel(cls, document: Any) -> Any:
        """A panel's entry may be a model alone; the panel's `model` is the name of all."""
        listed = document.get("panel") if isinstance(document, dict) else None
        if not listed:
            return document
        if not isinstance(listed, list | tuple):
            return {"model": PANEL + "?", **document}  # the one thing wrong is that it is no list
        judges = [{"model": each} if isinstance(each, str) else each for each in listed]
        name = PANEL + " + ".join(sorted(map(_model_in, judges)))
        if document.get("model", name) != name:
            raise ValueError(
                "has a model and a panel: the panel names every judge, so move the model there"
            )
        return {**document, "panel": judges, "model": name}

    @field_validator("panel")
    @classmethod
    def _settings_of_each(cls, panel: tuple[Judge, ...], info: ValidationInfo) -> tuple[Judge, ...]:
        if not panel:
            return panel
        models = [judge.model for judge in panel]
        if doubles := sorted({model for model in models if models.count(model) > 1}):
            raise ValueError(
                f"{doubles[0]} is on it more than once; judge.repeats asks a judge several times"
            )
        if len(panel) > MOST_ON_A_PANEL:
            raise ValueError(f"has {len(panel)} judges; {MOST_ON_A_PANEL} are the most")
        if len(panel) == 1:
            raise ValueError("of one judge is none: write judge: model: instead, or add another")
        if any(judge.panel for judge in panel):
            raise ValueError("has a panel on it; its judges are models")
        if own := [key for key in _EACH_ITS_OWN if info.data.get(key) is not None]:
            raise ValueError(f"{own[0]} is each judge's own: write it in the panel's entries")
        of_all = {key: value for key, value in info.data.items() if key != "model"}
        return tuple(
            judge.model_copy(
                update={k: v for k, v in of_all.items() if k not in judge.model_fields_set}
            )
            for judge in panel
        )

    @field_validator("parameters")
    @classmethod
    def _no_stop_sequences(cls, parameters: dict[str, Any]) -> dict[str, Any]:
        for key in ("stop", "stop_sequences", "stopSequences"):
            if key in parameters:
                raise ValueError(f"{key} could cut a judge's JSON verdict short; leave it out")
        return parameters

    @property
    def judges(self) -> tuple[Judge, ...]:
        """Who is asked for each verdict: the panel, or this one alone."""
        return self.panel or (self,)

    @property
    def sent_parameters(self) -> dict[str, Any]:
        """What each request has: `parameters`, and DEFAULT_MAX_TOKENS if they name no limit.

        Nothing else is added: a model may refuse a parameter that others take, as newer ones do
        with temperature.
        """
        if any(limit in self.parameters for limit in _LIMITS):
            return self.parameters
        return {**self.parameters, "max_tokens": DEFAULT_MAX_TOKENS}

    @property
    def litellm_model(self) -> str:
        """`bedrock:/us.x` -> `bedrock/converse/us.x`."""
        provider, _, name = self.model.partition(":/")
        return f"{_LITELLM_PROVIDERS.get(provider, provider)}/{name}"

    @property
    def api_key(self) -> str | None:
        """What goes to an OpenAI-compatible `base_url`; None lets litellm find the provider's own.

        OpenAI's client wants a key even for a server on this machine that asks for none.
        """
        openai = self.model.startswith("openai:/")
        return os.environ.get("OPENAI_API_KEY", "none") if openai and self.base_url else None


def _model_in(entry: object) -> str:
    return str(entry.get("model", "")) if isinstance(entry, dict) else getattr(entry, "model", "")


def mlflow_model_uri(model: str) -> str:
    """The form of a judge's URI that the pinned MLflow can use.

    MLflow 3.17 refuses `bedrock:/MODEL` (its Bedrock provider has no endpoint URL);
    `bedrock/converse:/MODEL` goes through litellm to Bedrock's Converse API, for every model.
    """
    provider, _, name = model.partition(":/")
    return f"bedrock/converse:/{name}" if provider == "bedrock" else model


def route_bedrock_calls() -> None:
    """Make litellm honour the address that boto3 honours.

    litellm reads AWS_BEDROCK_RUNTIME_ENDPOINT and ignores botocore's own variables
    (AWS_ENDPOINT_URL_BEDROCK_RUNTIME, AWS_ENDPOINT_URL).
    """
    address = os.environ.get("AWS_ENDPOINT_URL_BEDROCK_RUNTIME") or os.environ.get(
        "AWS_ENDPOINT_URL"
    )
    if address:
        os.environ.setdefault("AWS_BEDROCK_RUNTIME_ENDPOINT", address)


def silence_libraries() -> None:
    """Turn off telemetry and downloads at import. Must run before mlflow, ragas or litellm load."""
    os.environ.update(
        MLFLOW_DISABLE_TELEMETRY="true",
        DO_NOT_TRACK="true",
        DEEPEVAL_TELEMETRY_OPT_OUT="1",  # else deepeval also makes a folder .deepeval at import
        DEEPEVAL_DISABLE_DOTENV="1",  # else deepeval reads keys from a .env that lies about
        CONFIDENT_TRACING_ENABLED="NO",  # deepeval's own traces, meant for its makers' service
        RAGAS_DO_NOT_TRACK="true",
        LITELLM_MODE="PRODUCTION",  # else litellm does so too
        LITELLM_LOCAL_MODEL_COST_MAP="True",  # else litellm downloads a price list at import
        LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS="True",  # and another list for Anthropic's models
        MLFLOW_MODEL_CATALOG_URI="",  # else make_judge downloads a model catalogue
        HF_HUB_DISABLE_TELEMETRY="1",
        TQDM_DISABLE="1",  # a progress bar is noise in CloudWatch; tqdm reads this at import
    )


def judge_name(model: str) -> str:
    """The one name of a judge's account, from the configuration's URI or from litellm's name.

    `bedrock:/us.x` and `converse/us.x` are both `us.x`.
    """
    name = model.partition(":/")[2].lstrip("/") or model
    return name.removeprefix("bedrock/").removeprefix("converse/").removeprefix("openai/")
