// SPDX-License-Identifier: GPL-2.0-only
/* Tracepoints' bodies. */
#define CREATE_TRACE_POINTS
#include "ig1_trace.h"
