/* SPDX-License-Identifier: MIT */
#ifndef IG1_TESTS_MODELS_FORMS_H
#define IG1_TESTS_MODELS_FORMS_H

/* Prints what the two forms of squared linear attention cost, as a table; 0, or -1 with a message. */
int forms_table(void);

#endif
