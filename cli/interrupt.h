/*
 * interrupt.h - Ctrl-C, and the shell's other ways to end a program, as a flag that
 * long work looks at.
 */
#ifndef PF_CLI_INTERRUPT_H
#define PF_CLI_INTERRUPT_H

#include "include/plainfilm.h"

enum { PF_INTERRUPT_SECONDS = 10 };

/* From now on SIGINT, SIGTERM and SIGHUP set the flag that is given, so that the work
 * ends in good order; a second one, of whichever kind, ends the program at once. What
 * the caller told us to ignore (nohup) stays ignored.
 *
 * Who sends SIGTERM or SIGHUP does not wait: PF_INTERRUPT_SECONDS later the program
 * ends where it is. Both ends are with _exit(), which nothing in the process can hold
 * up; what it writes has to bear that, as it has to bear SIGKILL. */
const pf_stop *pf_interrupt_catch(void);

/* The exit status of a program that a caught signal ended, 128 + its number, as the
 * shell has it for one that died of it; 0 when none came. */
int pf_interrupt_status(void);

#endif
