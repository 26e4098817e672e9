/* SPDX-License-Identifier: MIT */
/* Mailbox: one command at a time from the host. */
#ifndef FW_MAILBOX_H
#define FW_MAILBOX_H

/* Executes the command in the mailbox registers and answers it. */
void mailbox_run(void);

#endif
