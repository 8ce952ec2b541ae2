"""The variables in which a judge's provider is given its key, for providers that are often used.

Source: litellm's `validate_environment` and its pages on providers.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator

from processing.base.errors import ConfigError
from processing.config.model import EvaluationConfig

_KEYS = {
    "anthropic": ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"),
    "azure": ("AZURE_API_KEY", "AZURE_AD_TOKEN", "AZURE_CLIENT_ID"),
    "cohere": ("COHERE_API_KEY", "CO_API_KEY"),
    "deepseek": ("DEEPSEEK_API_KEY",),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "groq": ("GROQ_API_KEY",),
    "mistral": ("MISTRAL_API_KEY",),
    "openai": ("OPENAI_API_KEY",),
    "openrouter": ("OPENROUTER_API_KEY", "OR_API_KEY"),
    "togetherai": ("TOGETHERAI_API_KEY", "TOGETHER_API_KEY", "TOGETHER_AI_TOKEN"),
    "xai": ("XAI_API_KEY",),
}
"""By provider, as the judge's URI has it; one of the variables is enough."""


def missing_judge_keys(config: EvaluationConfig, variables: Collection[str]) -> Iterator[str]:
    """A line for each judge whose provider will ask for a key that the `variables` do not hold.

    An OpenAI-compatible server at a `base_url` may ask for none.
    """
    asked = (judge for scorer in config.judged_scorers() for judge in config.judges_of(scorer))
    judges = {(judge.model, judge.base_url): judge for judge in asked}
    for judge in judges.values():
        provider = judge.model.partition(":/")[0]
        keys = () if provider == "openai" and judge.base_url else _KEYS.get(provider, ())
        if keys and not set(keys) & set(variables):
            yield (
                f"judge {judge.model}: {provider} asks for a key, and the job's environment has no "
                f"{keys[0]}: keep it in Secrets Manager or Parameter Store and name its ARN under "
                f"secrets: (secrets: {{{keys[0]}: arn:...}})"
            )


def require_judge_keys(config: EvaluationConfig) -> None:
    """Raises ConfigError, before a row is asked about."""
    if missing := list(missing_judge_keys(config, {*os.environ, *config.secrets})):
        raise ConfigError("\n".join(missing))
