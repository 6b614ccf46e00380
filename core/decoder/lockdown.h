/*
 * lockdown.h - giving up whatever a decoder does not need, for good.
 */
#ifndef PF_CORE_DECODER_LOCKDOWN_H
#define PF_CORE_DECODER_LOCKDOWN_H

#include <stdbool.h>
#include <stdint.h>

/* End with the parent; no core file, no larger file, no other process; at most so much
 * memory and time; every descriptor above `last` closed, and those of a terminal. False
 * when the system refuses any of it. */
bool pf_lockdown_limits(int last, uint64_t max_memory, unsigned max_cpu_seconds);

/* From now on nothing but reading and writing the socket `control`, mapping `input` for
 * reading, and memory. *has_filter: false where the kernel has no seccomp. */
bool pf_lockdown_calls(int control, int input, bool *has_filter);

#endif
