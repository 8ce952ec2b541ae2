"""Payload formats, one module each, named as `endpoint.format` names it.

Each module has the three functions of `processing.endpoint.payload.PayloadFormat`.
"""
