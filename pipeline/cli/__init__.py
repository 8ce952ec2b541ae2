"""The command line: one module per command or family of commands, listed in `commands.py`.

Modules import what they need inside their functions, so that `--help` answers at once.
"""
