// SPDX-License-Identifier: MIT
/* The public header in C++, and the library linked from it. */
#include <accel/accel.h>

int main()
{
	accel_device_options options = {};
	accel_device *dev = nullptr;

	options.size = sizeof(options);
	options.backend = "null";
	if (accel_version() >> 8 != (ACCEL_VERSION_MAJOR << 8 | ACCEL_VERSION_MINOR))
		return 1;
	if (accel_device_open(&options, &dev) != ACCEL_OK)
		return 2;
	accel_device_unref(dev);
	return 0;
}
