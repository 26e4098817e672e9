/* SPDX-License-Identifier: MIT */
/*
 * The control socket, for tests: lines "CHIP COMMAND [N]", one answer line each, "ok ..." or
 * "error ...". Commands are `status` and the names of pci_inject.h. One connection at a time.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include "pci_device.h"

#define CONTROL_LINE 256 /* of a command or an answer, with the newline */

struct control;

/* devs must outlive it. Errors as of unix_listen(), or -ENOMEM, -EAGAIN. */
int control_start(const char *path, struct pci_device *const *devs, unsigned int count,
		  struct control **out);
void control_stop(struct control *c);

/* Carries out a line without its newline; fills answer (with newline). For control_start, tests. */
void control_command(struct pci_device *const *devs, unsigned int count, const char *line,
		     char answer[CONTROL_LINE]);

/* The other end: sends a line, waits for the answer. 0 or a negative errno. */
int control_send(const char *path, const char *line, char answer[CONTROL_LINE]);

#endif
