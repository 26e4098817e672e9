/* SPDX-License-Identifier: MIT */
/* Where tests keep files while they run. */
#ifndef IG1_COMPILER_TESTS_TEST_FOLDER_H
#define IG1_COMPILER_TESTS_TEST_FOLDER_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * A template for mkdtemp() and mkstemp(). Meson's runner says where the build tree is: what a killed test leaves
 * then goes with the tree. Makes that the working directory, so that names stay short. Else in /tmp.
 */
static inline void test_template(char *buf, size_t room, const char *name)
{
	const char *root = getenv("INTAGLIO_BUILD_ROOT");

	snprintf(buf, room, "%stest-%s-XXXXXX", root && !chdir(root) ? "" : "/tmp/", name);
}

#endif
