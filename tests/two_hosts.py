"""The smallest lab there is: two hosts and a cable."""

from __future__ import annotations

TWO_HOSTS = """
schema = 1
chapter = "test"
title = { en = "Two hosts", ja = "二台のホスト" }
links = [["h1.eth0", "h2.eth0"]]
nodes.h1.interfaces.eth0 = { address = "192.0.2.1/24" }
nodes.h2.interfaces.eth0 = { address = "192.0.2.2/24" }
"""
