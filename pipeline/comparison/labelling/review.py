"""The drawn rows' traces in MLflow, tagged so that people find them there."""

from __future__ import annotations

import datetime as dt

from pipeline.comparison.labelling.sample import Draw
from pipeline.comparison.run import ComparedRun


def tag_for_review(run: ComparedRun, tracking_uri: str, draw: Draw) -> str:
    """Tag them; what came of it, in words. A record that cannot be reached stays as it is."""
    import mlflow
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    from processing.mlflow_record import human_labels as tags
    from processing.mlflow_record.errors import short_reason
    from processing.mlflow_record.row_traces import ROW_TAG, traces_of
    from processing.mlflow_record.run import TrackedRun
    from processing.mlflow_record.signing import asking

    held = run.document["mlflow"]
    tracked = TrackedRun(held["run_id"], held["experiment_id"], tracking_uri)
    common = {
        tags.REVIEW_TAG: tags.WANTED,
        tags.DRAW_TAG: draw.name,
        tags.DRAWN_AT_TAG: dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        tags.SCORERS_TAG: ",".join(draw.scorers),
    }
    tagged = 0
    try:
        with asking(tracking_uri):
            mlflow.set_tracking_uri(tracking_uri)
            client = MlflowClient()
            for trace in list(traces_of(tracked)):
                probability = draw.probabilities.get(trace.info.tags[ROW_TAG])
                if probability is not None:
                    own = {tags.PROBABILITY_TAG: f"{probability:.9g}"}
                    for key, value in {**common, **own}.items():
                        client.set_trace_tag(trace.info.trace_id, key, value)
                    tagged += 1
    except (MlflowException, OSError) as error:
        return f"the traces could not be tagged: {short_reason(str(error))}"
    return f"{tagged} traces have the tag review = wanted"
