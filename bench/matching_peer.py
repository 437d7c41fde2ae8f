"""What openmined-psi needs for the same match, in one process of its own: it pins a version of protobuf that others cannot
live with. Called by `bench.matching` with the two sizes and how many are in both; prints one JSON object."""

from __future__ import annotations

import json
import sys
import time

import private_set_intersection.python as psi

FALSE_POSITIVES = 1e-9


def run(ours: int, theirs: int, both: int) -> dict[str, float]:
    """Both sides, one after the other, messages in bytes; the client learns how many are in both."""
    client_items = [f"EE{number}" for number in range(ours)]
    server_items = [f"EE{number + ours - both}" for number in range(theirs)]
    begun, spent = time.perf_counter(), time.process_time()
    client, server = psi.client.CreateWithNewKey(False), psi.server.CreateWithNewKey(False)
    setup = server.CreateSetupMessage(FALSE_POSITIVES, ours, server_items, psi.DataStructure.GCS).SerializeToString()
    asked = client.CreateRequest(client_items).SerializeToString()
    request = psi.Request()
    request.ParseFromString(asked)
    answered = server.ProcessRequest(request).SerializeToString()
    response, listed = psi.Response(), psi.ServerSetup()
    response.ParseFromString(answered)
    listed.ParseFromString(setup)
    found = client.GetIntersectionSize(listed, response)
    taken = time.perf_counter() - begun, time.process_time() - spent
    return {
        "seconds": taken[0],
        "processor": taken[1],
        "found": found,
        "bytes": len(setup) + len(asked) + len(answered),
    }


if __name__ == "__main__":
    print(json.dumps(run(*map(int, sys.argv[1:]))))
