// SPDX-License-Identifier: MIT
/* SIGBUS in mapped client memory. */
#include "dma_guard.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>

/* Only the thread itself and its signal handler touch these. */
static __thread struct {
	void *volatile base;
	volatile size_t bytes;
	volatile sig_atomic_t replaced;
} guard;

static void on_sigbus(int sig, siginfo_t *info, void *context)
{
	uintptr_t addr = (uintptr_t)info->si_addr;
	uintptr_t base = (uintptr_t)guard.base;
	int err = errno;
	void *p;

	(void)context;
	if (base && addr - base < guard.bytes) {
		/* the whole mapping, since parts of huge pages cannot be replaced */
		p = mmap(guard.base, guard.bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
		if (p != MAP_FAILED) {
			guard.replaced = 1;
			errno = err;
			return;
		}
	}
	/* not ours: die of it when the access is repeated */
	signal(sig, SIG_DFL);
}

int dma_guard_install(void)
{
	struct sigaction sa = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO };

	sigemptyset(&sa.sa_mask);
	return sigaction(SIGBUS, &sa, NULL) ? -errno : 0;
}

void dma_guard_begin(void *base, size_t bytes)
{
	guard.bytes = bytes;
	guard.replaced = 0;
	guard.base = base;
	__asm__ volatile("" ::: "memory");
}

bool dma_guard_end(void)
{
	__asm__ volatile("" ::: "memory");
	guard.base = NULL;
	return guard.replaced;
}
