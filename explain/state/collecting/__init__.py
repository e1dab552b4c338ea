"""The state of the host that this runs on, asked of ``ip`` and its like, or of the kernel itself."""
