/* SPDX-License-Identifier: MIT */
/* The functions of hw.h over the model, for firmware code built for the host. */
#ifndef FW_TESTS_MOCK_H
#define FW_TESTS_MOCK_H

#include "chip.h"

extern struct chip mock_chip;

#define MOCK_SPARE_WORDS 4096u
/* Spare SRAM of the MCU. */
extern uint32_t mock_spare[MOCK_SPARE_WORDS];
extern uint32_t mock_spare_words;
/* What hw_spare returns; mock_spare unless a test has other memory. */
extern volatile uint32_t *mock_spare_at;

/* Cycle counter; goes on by 100 at every look. */
extern uint64_t mock_cycle;

/* A fresh chip and fresh firmware state. */
void mock_reset(void);

#endif
