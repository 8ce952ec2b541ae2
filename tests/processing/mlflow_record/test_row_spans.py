"""What a row's trace shows of its answer beside the text, on a real server."""

from __future__ import annotations

import mlflow
import pytest
from mlflow.genai.utils.trace_utils import extract_retrieval_context_from_trace

from processing.dataset.retrieved import Passage, Retrieved
from processing.dataset.rows import make_row
from processing.dataset.turns import ToolCall
from processing.endpoint.answers import Answer
from processing.endpoint.client import Call
from processing.endpoint.reply import Reply
from processing.mlflow_record.row_traces import draft_trace
from processing.mlflow_record.run import tracked_run

pytestmark = pytest.mark.integration

START = 1_700_000_000_000_000_000


def test_retrieved_passages_are_the_documents_of_a_retriever_s_span(server: str) -> None:
    found = (Passage("One.", {"title": "A", "doc_uri": "s3://b/a"}), Passage("Two."))
    replies = {
        "Found?": Reply("Here.", retrieved=Retrieved(found)),
        "Lost?": Reply("Here.", retrieved=Retrieved(problem="nothing there")),
        "Plain?": Reply("Here."),
        "Called?": Reply("", tool_calls=(ToolCall("look", '{"at": "Rome"}', "c1"),)),
    }
    with tracked_run(server, "passages", "run", {}, {}) as run:
        for question, reply in replies.items():
            call = Call(reply, None, 1, 12.5, START, START + 10**7)
            draft_trace(Answer(make_row(question, "There."), {"messages": []}, call))
        traces = {
            trace.data.spans[0].inputs["question"]: trace
            for trace in mlflow.MlflowClient().search_traces(
                locations=[run.experiment_id], run_id=run.run_id
            )
        }
    [documents] = extract_retrieval_context_from_trace(traces["Found?"]).values()
    assert [document["content"] for document in documents] == ["One.", "Two."]
    assert documents[0]["doc_uri"] == "s3://b/a"
    [lost] = [span for span in traces["Lost?"].data.spans if span.name == "retrieval"]
    assert (lost.outputs, lost.attributes["problem"]) == ([], "nothing there")
    assert lost.status.status_code == "ERROR"
    [choice] = traces["Called?"].data.spans[1].outputs["choices"]
    [call] = choice["message"]["tool_calls"]
    assert call["function"] == {"name": "look", "arguments": '{"at": "Rome"}'}
    assert [span.name for span in traces["Plain?"].data.spans] == ["answer", "InvokeEndpoint"]
