/* SPDX-License-Identifier: MIT */
/*
 * A client can truncate a file whose mapping the chip is using; the kernel then sends SIGBUS. One
 * client must not take down the process, so a faulting mapping is replaced by memory of our own.
 */
#ifndef DMA_GUARD_H
#define DMA_GUARD_H

#include <stdbool.h>
#include <stddef.h>

/* Installs the process's handler, as often as you like. Other SIGBUSes stay deadly. 0 or -errno. */
int dma_guard_install(void);

/*
 * Around each access to [base, base + bytes), a whole mapping. end() says whether it was replaced
 * (base is then zero-filled private memory, for good).
 */
void dma_guard_begin(void *base, size_t bytes);
bool dma_guard_end(void);

#endif
