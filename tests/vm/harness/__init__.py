# SPDX-License-Identifier: MIT
"""Runs tests in a kernel in QEMU with simulated chips; see tests/vm/README.md."""
