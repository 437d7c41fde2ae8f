"""What SecretFlow's SPU does for a match, run by the Python of an environment that has it and nothing of the node.

Standard input says, as JSON, on which two addresses the sides listen, which of them this one is, the file of its elements
and where to write those that both have. Only the first side learns them.
"""

from __future__ import annotations

import json
import sys

RETRIES, RETRY_MS = 240, 500  # until the other side listens
SILENCE_MS = 300_000  # how long it may take over one message
COLUMN = "element"


def main() -> None:
    """Meets the other side and intersects."""
    import spu.libspu.link as link  # type: ignore[import-not-found]
    from spu import psi

    asked = json.load(sys.stdin)
    described = link.Desc()
    described.recv_timeout_ms, described.connect_retry_times = SILENCE_MS, RETRIES
    described.connect_retry_interval_ms = RETRY_MS
    for place, address in enumerate(asked["addresses"]):
        described.add_party(f"side-{place}", address)
    talk = link.create_brpc(described, asked["side"])
    psi.psi_execute(
        psi.PsiExecuteConfig(
            protocol_conf=psi.PsiProtocolConfig(
                protocol=psi.PsiProtocol.PROTOCOL_RR22, receiver_rank=0, broadcast_result=False
            ),
            input_params=psi.InputParams(path=asked["elements"], selected_keys=[COLUMN], keys_unique=True),
            output_params=psi.OutputParams(path=asked["found"], disable_alignment=True),
        ),
        talk,
    )
    talk.stop_link()


if __name__ == "__main__":
    main()
