// SPDX-License-Identifier: MIT
/* Single engine commands on the reference model, without a job around them. */
#include <string.h>

#include "fp.h"
#include "ref_internal.h"

struct ig1_ref *bench_ref_create(const struct ig1_config *cfg, const struct ig1_mask *mask,
				 const struct ig1_bus *bus, uint64_t pt_root)
{
	struct ig1_ref *r;

	if (ig1_ref_create(cfg, mask, bus, &r))
		return NULL;
	ref_mmu_start(r, pt_root);
	return r;
}

int bench_ref_exec(struct ig1_ref *r, const uint32_t w[32], uint32_t *fault, uint64_t *addr,
		   uint64_t counters[IG1_CTR_COUNT])
{
	struct ig1_fpenv env = ig1_fp_enter();
	int ret;

	memset(r->counters, 0, sizeof(r->counters));
	memset(&r->fault, 0, sizeof(r->fault));
	switch (w[0] & 0xff) {
	case IG1_OP_T_MM:
		ret = ref_exec_mm(r, w);
		break;
	case IG1_OP_T_EMB:
		ret = ref_exec_emb(r, w);
		break;
	case IG1_OP_T_QK:
		ret = ref_exec_qk(r, w);
		break;
	case IG1_OP_T_PV:
		ret = ref_exec_pv(r, w);
		break;
	default:
		ret = ref_exec_vec(r, w);
		break;
	}
	*fault = r->fault.code;
	*addr = r->fault.addr;
	memcpy(counters, r->counters, sizeof(r->counters));
	ig1_fp_leave(env);
	return ret;
}
