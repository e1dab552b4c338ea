"""What ip, sysctl, iptables, bridge, ss and conntrack print for people, in the form of the state file."""
