"""Rules of nft and iptables: read into one form, and what they do to a packet at one hook."""
