"""The Dataspace Protocol 2025-1 in bytes (Eclipse Dataspace Working Group; binding to HTTPS): messages, answers, catalogues.

Plain JSON with types as schemas, read in two steps: any spelling of JSON-LD to the plain form (`spelling`), the plain form
to the values of `core.dataspace` (`shapes`, `reading`, `odrl`, `catalogue`). Written in one: `writing`, `catalogue`.
"""

from __future__ import annotations

from usufruct.wire.dsp.catalogue import (
    read_catalogue,
    read_dataset,
    read_links,
    write_catalogue,
    write_dataset,
    write_links,
)
from usufruct.wire.dsp.description import schemas
from usufruct.wire.dsp.reading import (
    read_agreement_verification,
    read_catalogue_request,
    read_contract_agreement,
    read_contract_offer,
    read_contract_request,
    read_error,
    read_negotiation,
    read_negotiation_event,
    read_negotiation_termination,
    read_transfer,
    read_transfer_completion,
    read_transfer_request,
    read_transfer_start,
    read_transfer_suspension,
    read_transfer_termination,
    read_versions,
)
from usufruct.wire.dsp.writing import (
    write,
    write_catalogue_error,
    write_catalogue_request,
    write_negotiation,
    write_negotiation_error,
    write_transfer,
    write_transfer_error,
    write_versions,
)

__all__ = [
    "read_agreement_verification",
    "read_catalogue",
    "read_catalogue_request",
    "read_contract_agreement",
    "read_contract_offer",
    "read_contract_request",
    "read_dataset",
    "read_error",
    "read_links",
    "read_negotiation",
    "read_negotiation_event",
    "read_negotiation_termination",
    "read_transfer",
    "read_transfer_completion",
    "read_transfer_request",
    "read_transfer_start",
    "read_transfer_suspension",
    "read_transfer_termination",
    "read_versions",
    "schemas",
    "write",
    "write_catalogue",
    "write_catalogue_error",
    "write_catalogue_request",
    "write_dataset",
    "write_links",
    "write_negotiation",
    "write_negotiation_error",
    "write_transfer",
    "write_transfer_error",
    "write_versions",
]  # fmt: skip
