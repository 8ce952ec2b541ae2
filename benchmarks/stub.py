"""A model endpoint and a judge that take a fixed time and count their calls: the benchmark's ruler.

Speaks SageMaker Runtime's InvokeEndpoint, Bedrock's Converse and OpenAI's chat completions, and
answers the describe calls that an evaluation makes. A verdict is the best that its schema allows.

    python benchmarks/stub.py 9100 --latency 0.2 [--at-once 16]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from typing import Any

ANSWER = "Rest, drink enough water, and see a doctor if the fever lasts for more than three days."
DESCRIBED: dict[str, dict[str, Any]] = {
    "DescribeEndpoint": {
        "EndpointName": "bench",
        "EndpointArn": "arn:aws:sagemaker:us-east-1:123456789012:endpoint/bench",
        "EndpointConfigName": "bench",
        "EndpointStatus": "InService",
        "CreationTime": 1.7e9,
        "LastModifiedTime": 1.7e9,
    },
    "DescribeEndpointConfig": {
        "EndpointConfigName": "bench",
        "EndpointConfigArn": "arn:aws:sagemaker:us-east-1:123456789012:endpoint-config/bench",
        "ProductionVariants": [{"VariantName": "AllTraffic", "ModelName": "bench"}],
        "CreationTime": 1.7e9,
    },
    "DescribeModel": {
        "ModelName": "bench",
        "ModelArn": "arn:aws:sagemaker:us-east-1:123456789012:model/bench",
        "PrimaryContainer": {"Image": "bench"},
        "CreationTime": 1.7e9,
    },
}


class Stub:
    """`at_once`: more calls in flight than that are throttled; 0 for no limit."""

    def __init__(self, latency: float, at_once: int) -> None:
        self.latency, self.at_once = latency, at_once
        self.calls: dict[str, int] = {}
        self.throttled = 0
        self.in_flight = 0
        self.curve: list[tuple[float, int]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = 0
                for line in head.split(b"\r\n"):
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                    elif line.lower().startswith(b"expect:"):
                        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                body = await reader.readexactly(length) if length else b""
                writer.write(await self.answer(head, body))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def answer(self, head: bytes, body: bytes) -> bytes:
        path = head.split(b" ", 2)[1].decode()
        if path == "/calls":
            told = {"calls": self.calls, "throttled": self.throttled, "curve": self.curve}
            self.calls, self.throttled, self.curve = {}, 0, []
            return _response(told)
        for name, described in DESCRIBED.items():
            if f"SageMaker.{name}\r\n".encode() in head:
                return _response(described)
        return await self._asked(path, body)

    async def _asked(self, path: str, body: bytes) -> bytes:
        kind = "endpoint" if path.endswith("/invocations") else "judge"
        if 0 < self.at_once <= self.in_flight:
            self.throttled += 1
            return _response({"message": "too many"}, "429 Too Many Requests")
        self.calls[kind] = self.calls.get(kind, 0) + 1
        self.in_flight += 1
        self.curve.append((round(time.monotonic(), 3), self.in_flight))
        await asyncio.sleep(self.latency)
        self.in_flight -= 1
        return _response(_reply(path, json.loads(body)))


def _response(document: dict[str, Any], status: str = "200 OK") -> bytes:
    data = json.dumps(document).encode()
    kind = "x-amzn-ErrorType: ThrottlingException\r\n" if status.startswith("429") else ""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{kind}"
    return f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data


def _reply(path: str, asked: dict[str, Any]) -> dict[str, Any]:
    if path.endswith("/converse"):
        form = asked.get("outputConfig", {}).get("textFormat", {}).get("structure", {})
        schema = json.loads(form.get("jsonSchema", {}).get("schema", "null"))
        tools = asked.get("toolConfig", {}).get("tools", [])
        content: dict[str, Any] = {"text": _verdict(schema)}
        if tools:
            tool = tools[0]["toolSpec"]
            given = json.loads(_verdict(tool["inputSchema"]["json"]))
            content = {"toolUse": {"toolUseId": "1", "name": tool["name"], "input": given}}
        return {
            "output": {"message": {"role": "assistant", "content": [content]}},
            "stopReason": "tool_use" if tools else "end_turn",
            "usage": {"inputTokens": 100, "outputTokens": 20, "totalTokens": 120},
            "metrics": {"latencyMs": 200},
        }
    schema = asked.get("response_format", {}).get("json_schema", {}).get("schema")
    judged = schema is not None or "rationale" in json.dumps(asked.get("messages", ""))
    message = {"role": "assistant", "content": _verdict(schema) if judged else ANSWER}
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "bench",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
    }


def _verdict(schema: dict[str, Any] | None) -> str:
    if not schema:
        return json.dumps({"result": "yes", "rationale": "It is as it should be, in every point."})
    return json.dumps(_filled(schema, schema))


def _filled(part: dict[str, Any], whole: dict[str, Any]) -> Any:
    if "$ref" in part:
        part = whole["$defs"][part["$ref"].rpartition("/")[2]]
    part = part.get("anyOf", [part])[0]
    if part.get("type") == "object":
        return {name: _field(name, each, whole) for name, each in part["properties"].items()}
    if part.get("type") == "array":
        return [_filled(part.get("items", {}), whole)]
    plain = {"integer": 1, "number": 1, "boolean": True}
    return part.get("enum", [plain.get(part.get("type", ""), "It is as it should be.")])[0]


def _field(name: str, part: dict[str, Any], whole: dict[str, Any]) -> Any:
    says_yes = name in ("result", "verdict") and "enum" not in part and "anyOf" not in part
    return "yes" if says_yes and part.get("type") == "string" else _filled(part, whole)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--latency", type=float, default=0.2, help="seconds")
    parser.add_argument("--at-once", type=int, default=0)
    given = parser.parse_args()
    stub = Stub(given.latency, given.at_once)
    server = await asyncio.start_server(stub.serve, "127.0.0.1", given.port, backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
