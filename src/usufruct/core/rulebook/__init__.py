"""The numbers and lists that the rules read: dated, each with its source and the authority that set it.

`parameters` holds the dated numbers, `grades` what each grade of data allows, `purposes` what data may be used for.
The data stand beside the code as TOML; a change of a number is a new dated entry, never an edit, so that a decision of
last year can be made again today.
"""
