"""Captures: bytes in, windows of frames out; file formats and compression, no protocol."""

from __future__ import annotations

from explain.capture.reader import CaptureReader, open_capture

__all__ = ["CaptureReader", "open_capture"]
