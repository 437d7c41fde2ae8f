"""The names of the accounts: paths of ids.

`party:institute` owes or is owed, `asset:wagepan:income` holds what uses earned and was not yet divided, `fund:solidarity`
is the members' fund, `asset:wagepan:members` is the control account of what its members are owed: each member's own line
stands in the settlement that the control transfer names, and the lines sum to the transfer. What is promised over months
waits under the name of the account that it is for, with `:vesting` behind it. `tax:wage-commons` is the tax on its invoices.
`cover:member-13:pension` is what a scheme saved for her, and `treasury:social-tax` what it took for the public.
`bank` is our account at the bank, `cash` what came in or was paid back beside it, `suspense` what a statement shows and
nobody has explained, and through `exchange` one currency becomes another.
"""

from __future__ import annotations

SOLIDARITY = "fund:solidarity"
TRAINING = "fund:training"
BANK, CASH, SUSPENSE, EXCHANGE = "bank", "cash", "suspense", "exchange"


def of_party(party: str) -> str:
    """The account of a party."""
    return f"party:{party}"


def income_of(asset: str) -> str:
    """Where what an asset earned waits to be divided."""
    return f"asset:{asset}:income"


def members_of(asset: str) -> str:
    """The control account of what an asset's members are owed."""
    return f"asset:{asset}:members"


def remitted_of(account: str) -> str:
    """Where what was remitted of a levy stands: it has left the node for whom the levy is for."""
    return f"{account}:remitted"


def tax_of(issuer: str) -> str:
    """Where the tax waits that an issuer of invoices stated and owes its tax office."""
    return f"tax:{issuer}"


def fund_of_surcharges(operator: str) -> str:
    """Where the surcharges wait that the customers of an operator paid on work, apart from what is its own."""
    return f"fund:{operator}-surcharges"


def vesting_of(account: str) -> str:
    """Where what is for an account waits until it has vested."""
    return f"{account}:vesting"


def cover_of(party: str, name: str) -> str:
    """What a scheme saved for a party under this name: hers, whomever she works for."""
    return f"cover:{party}:{name}"
