// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernels_impl.h"

static const struct ig1_kernels *chosen;

const struct ig1_kernels *ig1_kernels_get(enum ig1_simd kind)
{
	switch (kind) {
	case IG1_SIMD_SCALAR:
		return &ig1_kernels_scalar;
#if defined(__x86_64__) && !defined(__clang__)
	case IG1_SIMD_AVX2:
		if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c"))
			return &ig1_kernels_avx2;
		return NULL;
	case IG1_SIMD_AVX512:
		if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
		    __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
		    __builtin_cpu_supports("avx512vnni"))
			return &ig1_kernels_avx512;
		return NULL;
#endif
	default:
		return NULL;
	}
}

int ig1_kernels_set(enum ig1_simd kind)
{
	const struct ig1_kernels *k = ig1_kernels_get(kind);

	if (!k)
		return -ENOTSUP;
	__atomic_store_n(&chosen, k, __ATOMIC_RELEASE);
	return 0;
}

static const struct ig1_kernels *pick(void)
{
	const char *want = getenv("IG1_SIMD");
	int kind;

	for (kind = IG1_SIMD_COUNT - 1; kind >= 0; kind--) {
		const struct ig1_kernels *k = ig1_kernels_get((enum ig1_simd)kind);

		if (k && (!want || !strcmp(want, k->name)))
			return k;
	}
	/* an unknown or lacking name: the fastest is as exact as any */
	for (kind = IG1_SIMD_COUNT - 1; kind > 0; kind--)
		if (ig1_kernels_get((enum ig1_simd)kind))
			break;
	return ig1_kernels_get((enum ig1_simd)kind);
}

const struct ig1_kernels *ig1_kernels(void)
{
	const struct ig1_kernels *k = __atomic_load_n(&chosen, __ATOMIC_ACQUIRE);

	if (!k) {
		k = pick();
		__atomic_store_n(&chosen, k, __ATOMIC_RELEASE);
	}
	return k;
}
