#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every fuzz target once over its seeds and for at most 15 s more, so that a target that fails at once is seen at once.
cd "$(dirname "$0")/../.." || exit 1
CORDWOOD_FUZZ_OPTIONS="-runs=3000 -seed=1" exec tests/fuzz/run 0.25
