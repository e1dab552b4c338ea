"""Which version of each tool a lab used: a recording says what made it."""

from __future__ import annotations

import shutil
import subprocess

from explain.lab.perform import ENVIRONMENT
from explain.lab.records import Lab, Step
from explain.lab.services import BUILT_IN

VERSIONS = {
    "ping": ("ping", "-V"),
    "traceroute": ("traceroute", "--version"),
    "curl": ("curl", "--version"),
    "nc": ("nc", "-h"),
    "udhcpc": ("busybox",),
    "dhclient": ("dhclient", "--version"),
    "dnsmasq": ("dnsmasq", "--version"),
    "ip": ("ip", "-V"),
    "nft": ("nft", "--version"),
    "iptables": ("iptables", "--version"),
}


def tool_versions(lab: Lab) -> dict[str, str]:
    """The first line that each tool of the lab says of its version."""
    wanted = {step.run[0] for step in (*lab.fault, *lab.steps) if isinstance(step, Step)} - set(BUILT_IN)
    wanted |= {"dnsmasq" for service in lab.services if service.kind == "dnsmasq"} | {"ip"}
    found = {}
    for tool in sorted(wanted & set(VERSIONS)):
        argv = VERSIONS[tool]
        path = shutil.which(argv[0], path=ENVIRONMENT["PATH"])
        if path is None:
            continue
        done = subprocess.run([path, *argv[1:]], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        lines = (done.stdout + done.stderr).strip().splitlines()
        found[tool] = lines[0][:120] if lines else ""
    return found
