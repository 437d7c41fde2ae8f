"""Programs in Java, by the Maven coordinates in a pom beside this file; where that cannot be, it is said why."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
JAVA = 17  # what both outside programs are compiled for


class NotHere(Exception):
    """The program cannot be had on this machine."""


def classpath(pom: str, place: Path) -> str:
    """The jars that the pom names and all that they need, fetched if they are not here yet.

    Raises:
        NotHere: there is no Java or no Maven, or nothing can be fetched.
    """
    for tool in ("java", "mvn"):
        if not shutil.which(tool):
            raise NotHere(f"there is no `{tool}` on this machine")
    told = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', told)
    if version is None or int(version[1]) < JAVA:
        raise NotHere(f"Java {JAVA} is needed")
    found = place / "classpath"
    resolve = ["mvn", "--quiet", "--batch-mode", "--file", str(HERE / pom), "dependency:build-classpath"]
    resolve += ["-DincludeScope=runtime", f"-Dmdep.outputFile={found}"]
    for how in (["--offline"], []):
        done = subprocess.run([*resolve, *how], capture_output=True, text=True, check=False, timeout=600)
        if done.returncode == 0:
            return found.read_text().strip()
    raise NotHere("the Maven artifacts cannot be fetched here")


def java(classpath: str, main: str, settings: dict[str, str], *arguments: str) -> list[str]:
    """The command that runs a main class, with `settings` as system properties. Small, for the machine is shared."""
    given = [f"-D{name}={value}" for name, value in settings.items()]
    return ["java", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-cp", classpath, *given, main, *arguments]


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
