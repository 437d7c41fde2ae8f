"""A person gives or refuses consent; it counts from the next decision on."""

from __future__ import annotations

from usufruct.core.access.facts import ConsentGiven, ConsentRefused
from usufruct.core.access.rules import say
from usufruct.core.base.refusals import Refusal
from usufruct.core.proof.receipt import Receipt
from usufruct.node.node import Node
from usufruct.ports import Transaction


def record_word(
    node: Node, asset: str, party: str, purpose: str, yes: bool
) -> tuple[ConsentGiven | ConsentRefused, Receipt] | Refusal:
    """Records a person's yes or no, and returns it with its receipt."""

    def command(tx: Transaction) -> tuple[ConsentGiven | ConsentRefused, int] | Refusal:
        fact = say(tx, asset, party, purpose, yes)
        return fact if isinstance(fact, Refusal) else (fact, tx.append(fact).seq)

    done = node.store.write(command)
    if isinstance(done, Refusal):
        return done
    fact, seq = done
    with node.store.read() as state:
        return fact, state.receipt(seq)
