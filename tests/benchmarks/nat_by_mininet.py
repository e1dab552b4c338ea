"""Two hosts and a router with NAT by Mininet's Python API: start, one ping, stop; prints the seconds, imports left out.

Runs under the system's Python, which has Debian's package ``mininet``, and inside namespaces of its own
(``unshare --net --mount``), since Mininet makes its cables where it stands.  Nothing is recorded.
"""

from __future__ import annotations

import sys
import time

from mininet.log import setLogLevel
from mininet.net import Mininet
from mininet.node import Node


def main() -> int:
    setLogLevel("critical")
    began = time.perf_counter()
    net = Mininet(controller=None)
    h1 = net.addHost("h1", ip="10.0.0.2/24", defaultRoute="via 10.0.0.1")
    h2 = net.addHost("h2", ip="203.0.113.2/24")
    r1 = net.addHost("r1", cls=Node, ip=None)
    net.addLink(h1, r1, intfName2="r1-eth0", params2={"ip": "10.0.0.1/24"})
    net.addLink(h2, r1, intfName2="r1-eth1", params2={"ip": "203.0.113.1/24"})
    net.start()
    r1.cmd("sysctl -w net.ipv4.ip_forward=1")
    r1.cmd("iptables -t nat -A POSTROUTING -o r1-eth1 -j MASQUERADE")
    said = h1.cmd("ping -c 1 203.0.113.2")
    net.stop()
    print(time.perf_counter() - began)
    if "1 received" not in said:
        print(said, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
