"""Who may do what: one policy for each of those who act, with the names of this configuration.

caller          the person who types upsert, start, status, trigger put
administrator   the person who types permissions create (and lets trigger put make its role)
pipeline        the role of SageMaker Pipelines: starts the jobs, reads the verdict, registers
job             the role of the processing jobs: read, ask, score, record, deploy a candidate
model           the role that a candidate's container runs with: its image, its data, its log
stamp           the role of the jobs that approve or reject the candidate's own package
register        the role of the job that registers, with `registration.by: job`
sweep           the role of the job that deletes abandoned candidates, and nothing else
trigger         the role of EventBridge: starts this pipeline and its sweep, and nothing else
"""
