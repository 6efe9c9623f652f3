# SPDX-License-Identifier: ISC
"""An independent, scripted X.400 MTA for tests.  See README."""

import sys

# Threads of the peer mostly wait for each other: hand over at once.
sys.setswitchinterval(1e-4)
