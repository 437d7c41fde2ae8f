"""Allocation: who does which job, decided by a published rule, and proved so that anyone can check it without a solver.

An *instance* is all that the rule may look at: workers, jobs with their seats, and for each pair that could be, how the worker
ranks the job and what each published part of the score is worth for it (`instance`). Pairs that a rule forbids stand in it too,
with the first rule that forbade them. Ties fall by one *lottery number* for each worker and round (`lottery`).

Two methods are there. *stable* lets workers propose (`stable`); *sum* takes the largest sum of scores (`largest_sum`). Both
have exactly one right result for an instance and a seed. So the certificate, too, is a function of them (`certificate`): the
allocation, and for a sum the prices at which nobody would rather have another job. To check it takes one look at every
pair. What a worker reads about a job that she did not get is read off the certificate, not off a model (`reasons`).
"""
