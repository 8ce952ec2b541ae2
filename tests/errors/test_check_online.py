"""`check --online`: a line for each thing that the file names; exit code 1 if one is wrong."""

from __future__ import annotations

import datetime as dt

import pytest
from errors.aws_double import Refusal, aws_double
from running_aws import ConfigWriter, RunningAws
from typed_command import typed

from processing.config.file import load_config

pytestmark = pytest.mark.integration

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/llm-evaluation@sha256:" + "a" * 64
SMALL = {"scorers": ["rougeL_fmeasure", "Safety"], "thresholds": {"Safety": {"min": 0.5}}}


def lines_of(output: str) -> dict[str, str]:
    """What was said of each thing, by its first word; "good " or "WRONG" comes first."""
    found = [line for line in output.splitlines() if line.startswith(("good ", "WRONG"))]
    return {line[7:].partition(":")[0].partition(" ")[0]: line for line in found}


def test_all_is_good(aws: RunningAws, write_config: ConfigWriter) -> None:
    config = write_config(**SMALL, mlflow={"tracking_uri": aws.mlflow})
    done = aws.type("check", "--online", "--config", str(config))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    said = lines_of(done.stdout)
    assert list(said) == [
        *("credentials", "bucket", "pipeline", "job", "model", "endpoint", "judge", "MLflow"),
        *("registry", "trigger"),
    ]
    assert all(line.startswith("good ") for line in said.values())
    assert "it answered '" in said["endpoint"]
    assert "endpoint 1 calls" in said["endpoint"]
    assert said["bucket"].endswith("us-east-1")
    assert "`trigger put` makes it" in said["trigger"]
    assert "answers; 1 call, " in said["judge"]


def test_each_judge_is_asked_as_the_run_will_ask_it_and_its_cost_is_told(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    aws.set_judge("old", refuses=["temperature", "output_format"], max_tokens=4096)
    aws.set_judge("calm", thinks_tokens=50)
    aws.set_judge("switched-off", unavailable="retired")
    aws.set_judge("narrow", thinks_tokens=50)
    small = {"model": "bedrock:/narrow", "parameters": {"max_tokens": 20}}
    config = write_config(
        judge={"model": "bedrock:/old", "parameters": {"temperature": 0}},
        scorers=[
            "Safety",
            {"Correctness": {"judge": {"model": "bedrock:/calm"}}},
            {"Equivalence": {"judge": {"model": "bedrock:/calm"}}},
            {"RelevanceToQuery": {"judge": {"model": "bedrock:/switched-off"}}},
            {"tone": {"kind": "Guidelines", "guidelines": ["Be calm."], "judge": small}},
        ],
        thresholds={"Safety": {"min": 0.5}},
        slices={},
        prices={"calm": {"input_per_million": 1, "output_per_million": 1_000_000}},
        mlflow={"tracking_uri": aws.mlflow},
    )
    done = aws.type("check", "--online", "--config", str(config))
    assert done.returncode == 1
    judges = {
        line[7:].partition(":")[0].split()[1]: line
        for line in done.stdout.splitlines()
        if line[7:].startswith("judge ")
    }
    assert list(judges) == ["old", "calm", "switched-off", "narrow"]
    for part in ("temperature", "outputConfig.textFormat", "max_tokens"):
        assert part in judges["old"]
    assert judges["old"].startswith("good ")
    assert "4 calls" in judges["old"]
    assert "by prices.calm" in judges["calm"]
    assert float(judges["calm"].split(" out, ")[1].split()[0]) > 50
    assert judges["switched-off"].startswith("WRONG")
    assert "and for good" in judges["switched-off"]
    assert judges["narrow"].startswith("WRONG")
    assert "cut off at judge.parameters.max_tokens" in judges["narrow"]


def test_each_thing_that_is_wrong_is_told_at_once(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    aws.client("s3").create_bucket(
        Bucket="elsewhere", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    aws.client("iam").create_role(
        RoleName="distrusting", AssumeRolePolicyDocument='{"Statement": []}'
    )
    role = "arn:aws:iam::123456789012:role"
    not_enabled = Refusal(
        403, "AccessDeniedException",
        "You don't have access to the model with the specified model ID.",
    )  # fmt: skip
    config = write_config(
        **SMALL,
        endpoint={"name": "nobody-at-home"},
        mlflow={"tracking_uri": "http://127.0.0.1:9"},
        infrastructure={
            "bucket": "elsewhere", "pipeline_role": f"{role}/nobody",
            "job_role": f"{role}/distrusting", "image": IMAGE,
        },
    )  # fmt: skip
    with aws_double({"Converse": not_enabled}) as judge:
        bedrock = {"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": judge.url}
        environment = {**aws.environment, **bedrock}
        done = typed("check", "--online", "--config", str(config), **environment)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    said = lines_of(done.stdout)
    wrong = {what: line for what, line in said.items() if line.startswith("WRONG")}
    assert set(wrong) == {"bucket", "pipeline", "job", "image", "endpoint", "judge", "MLflow"}
    assert "it is in eu-west-1, and the pipeline in us-east-1" in wrong["bucket"]
    assert "nobody" in wrong["pipeline"]
    assert "permissions create" in wrong["pipeline"]
    assert "does not trust sagemaker.amazonaws.com" in wrong["job"]
    assert "make image" in wrong["image"]
    assert "is the name right" in wrong["endpoint"]
    assert "InService" not in done.stdout
    assert "Model access" in wrong["judge"]
    assert "does a server run there" in wrong["MLflow"]


def test_credentials_of_another_account(aws: RunningAws, write_config: ConfigWriter) -> None:
    theirs = "arn:aws:iam::210987654321:role/llm-evaluation-pipeline"
    config = write_config(**SMALL, infrastructure={"pipeline_role": theirs})
    done = aws.type("check", "--online", "--config", str(config))
    assert done.returncode == 1
    line = lines_of(done.stdout)["credentials"]
    assert "they are of account 123456789012" in line
    assert "infrastructure.pipeline_role is in 210987654321" in line


def test_an_answer_that_cannot_be_read_and_a_rule_that_was_changed(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    aws.add_endpoint("garbled", faults={"malformed": 1})
    config = write_config(
        **SMALL,
        pipeline={"name": "looked-at"},
        endpoint={"name": "garbled"},
        mlflow={"tracking_uri": aws.mlflow},
    )
    assert aws.type("upsert", "--config", str(config)).returncode == 0
    assert aws.type("trigger", "put", "--config", str(config)).returncode == 0
    good = lines_of(aws.type("check", "--online", "--config", str(config)).stdout)
    assert good["trigger"].startswith("good   trigger: there, and as the configuration says")
    assert good["endpoint"].startswith("WRONG")
    assert "unusable answer" in good["endpoint"]
    aws.client("events").disable_rule(Name="looked-at-candidates")
    done = aws.type("check", "--online", "--config", str(config))
    assert done.returncode == 1
    assert lines_of(done.stdout)["trigger"] == "WRONG  trigger: is DISABLED"


def test_the_judges_prices_are_looked_up_and_kept_where_they_are_certain(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    haiku, unlisted = "us.anthropic.claude-haiku-4-5-20251001-v1:0", "us.anthropic.claude-new-9"
    config = write_config(
        judge={"model": f"bedrock:/{haiku}"},
        scorers=[
            "Safety",
            {"Correctness": {"judge": {"model": f"bedrock:/{unlisted}"}}},
            {"Equivalence": {"judge": {"model": "bedrock:/amazon.nova-pro-v1:0"}}},
        ],
        thresholds={"Safety": {"min": 0.5}},
        prices={"amazon.nova-pro-v1:0": {"input_per_million": 0.7, "output_per_million": 3}},
        mlflow={"tracking_uri": aws.mlflow},
    )
    before = config.read_text()

    def price_lines(*options: str) -> tuple[int, dict[str, str]]:
        done = aws.type("check", "--online", *options, "--config", str(config))
        assert done.stderr == ""
        found = [line[7:] for line in done.stdout.splitlines() if line.startswith("price  ")]
        return done.returncode, {line.partition(": ")[0]: line for line in found}

    code, said = price_lines()
    assert code == 0  # what nobody asked to be written is no mistake
    assert config.read_text() == before
    assert "1.1 in, 5.5 out per million tokens" in said[haiku]
    assert (
        "not certain: AmazonBedrock and AmazonBedrockFoundationModels list no such model"
        in (said[unlisted])
    )
    assert (
        "the file says 0.7 in, 3 out per million tokens, without as_of: yours"
        in (said["amazon.nova-pro-v1:0"])
    )
    code, _ = price_lines("--write-prices")
    assert code == 1  # one of them has no price
    written = load_config(config).prices
    assert set(written) == {haiku, "amazon.nova-pro-v1:0"}
    assert written[haiku].as_of == dt.datetime.now(dt.UTC).date()
    assert written["amazon.nova-pro-v1:0"].input_per_million == 0.7
    _, said = price_lines()
    assert said[haiku].endswith("; as in the file")


def test_who_may_not_see_the_price_list_is_told_so_and_all_else_is_looked_at(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    config = write_config(**SMALL, mlflow={"tracking_uri": aws.mlflow})
    denied = Refusal(
        400, "AccessDeniedException",
        "User: arn:aws:iam::123456789012:user/me is not authorized to perform: pricing:GetProducts",
    )  # fmt: skip
    with aws_double({"GetProducts": denied}, aws.environment["AWS_ENDPOINT_URL"]) as double:
        environment = {**aws.environment, "AWS_ENDPOINT_URL": double.url}
        done = typed("check", "--online", "--config", str(config), **environment)
        asked = typed("check", "--online", "--write-prices", "--config", str(config), **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "price  not looked up: " in done.stdout
    assert "pricing:GetProducts" in done.stdout
    assert asked.returncode == 1
    offline = aws.type("check", "--write-prices", "--config", str(config))
    assert offline.returncode == 2
    assert "check --online --write-prices" in offline.stderr
