/*
 * interrupt.h - Ctrl-C, and the shell's other ways to end a program, as a flag that
 * long work looks at.
 */
#ifndef PF_CLI_INTERRUPT_H
#define PF_CLI_INTERRUPT_H

#include "include/plainfilm.h"

/* From now on SIGINT, SIGTERM and SIGHUP set the flag that is given, so that the work
 * ends in good order; the second one ends the program at once. What the caller told us
 * to ignore (nohup) stays ignored. */
const pf_stop *pf_interrupt_catch(void);

#endif
