// SPDX-License-Identifier: MIT
/* Names: errors, faults, counters, engines, opcodes. */
#include "accel/accel.h"
#include "ig1_tables.h"

const char *accel_error_string(int error)
{
	switch (error) {
	case ACCEL_OK:
		return "success";
	case ACCEL_EARG:
		return "bad argument";
	case ACCEL_ESIZE:
		return "option struct of a wrong size or a newer version";
	case ACCEL_ESTATE:
		return "object is not in the right state";
	case ACCEL_ECONTEXT:
		return "tokens do not fit the model's context";
	case ACCEL_ENOMEM:
		return "out of host memory";
	case ACCEL_ENOSPACE:
		return "out of device memory, address space or queues";
	case ACCEL_ENODEV:
		return "no device";
	case ACCEL_EBACKEND:
		return "back end is unknown or not compiled in";
	case ACCEL_EIO:
		return "input/output error";
	case ACCEL_EFORMAT:
		return "damaged file";
	case ACCEL_EVERSION:
		return "unsupported version";
	case ACCEL_EMISMATCH:
		return "model is not the one in the chip";
	case ACCEL_EFAULT:
		return "job ended with a fault";
	case ACCEL_ECANCELED:
		return "cancelled";
	case ACCEL_ETIMEOUT:
		return "deadline passed";
	case ACCEL_EDEVICE:
		return "device is lost";
	case ACCEL_ENOTSUP:
		return "not supported";
	case ACCEL_EDOMAIN:
		return "logits without a maximum";
	case ACCEL_EPERM:
		return "not permitted";
	}
	return "unknown error";
}

uint32_t accel_version(void)
{
	return ACCEL_VERSION_MAJOR << 16 | ACCEL_VERSION_MINOR << 8 | ACCEL_VERSION_PATCH;
}

_Static_assert(ACCEL_COUNTERS == IG1_CTR_COUNT, "counters");

const char *accel_counter_name(uint32_t index, int *timed)
{
	if (index >= IG1_CTR_COUNT)
		return NULL;
	if (timed)
		*timed = ig1_ctr_timed[index];
	return ig1_ctr_names[index].name;
}

const char *accel_fault_name(uint32_t code)
{
	return ig1_fault_name(code);
}

const char *accel_engine_name(uint32_t engine)
{
	return engine < IG1_ENGINE_COUNT ? ig1_engine_names[engine].name : "unknown";
}

const char *accel_opcode_name(uint32_t opcode)
{
	const struct ig1_op_desc *op = opcode < 256 ? ig1_op_find((uint8_t)opcode) : NULL;

	return op ? op->name : "unknown";
}
