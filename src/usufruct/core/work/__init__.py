"""Work: jobs and who does them, allocation that can be checked, working time, skills, pay.

People's work stands on the same parties, agreements, uses, rules, journal and ledger as their data. A job is an offer, a job
agreed is an agreement, and doing it is a use: one thing done under an agreement, with the time that it took.
"""
