"""pcapng: sections, blocks and options, read and written."""
