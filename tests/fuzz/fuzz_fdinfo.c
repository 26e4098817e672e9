// SPDX-License-Identifier: MIT
/* fdinfo and telemetry text, as accel-smi reads it. */
#include <stdlib.h>
#include <string.h>

#include "tools/common/smi_sysfs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct smi_client c = { 0 };
	struct smi_node node = { 0 };

	smi_fdinfo((const char *)data, size, &c);
	if (!memchr(c.pci, 0, sizeof(c.pci)))
		abort();
	smi_telemetry((const char *)data, size, &node);
	if (node.known >> SMI_TELEMETRY)
		abort();
	return 0;
}
