"""`first-run`: what only an AWS account can settle is tried there once, cheapest first.

step            one thing to settle, its cost, and how an answer of AWS counts
throwaway       what is made for the trial, and deleted whatever happens
trial           what the steps share: the account, the configuration, the throwaway definition
plan            the steps in their order
rights          are the roles allowed what this project's policies allow them?
definition      does CreatePipeline take the whole definition?
registration    RegisterModel and GateFailed's message, with a job that only copies a file
event           what EventBridge is told of a new version, held against the trigger's rule
evaluation      a real run of 5 rows
candidate       a candidate is stopped, and nothing is left of it
results         the table, and the file to send back
"""
