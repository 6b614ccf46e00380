/*
 * guard.h - what a program does before it touches a picture. Pictures may be
 * confidential: they are to be in no core file, and no other program of the same user
 * is to look into the memory they are in. And it is not to hang where memory is short.
 *
 * Signals and limits belong to the whole process, so this is a program's to do and
 * never the library's.
 */
#ifndef PF_CLI_GUARD_H
#define PF_CLI_GUARD_H

/* To be called first, with main's `argv`. Where memory is limited (ulimit -v, -d) the
 * program starts itself once more, with OPENBLAS_NUM_THREADS=1: OpenBLAS starts a
 * thread for each core when it is loaded, and a thread that gets no memory asks for it
 * without end, even while the program exits. What cannot be done is left out. */
void pf_guard_memory(char **argv);

/* No core files, no ptrace() (Linux); `name` says it on stderr, and the program ends
 * with 1, when the model's file is cut while it is computed with. A Debug build and one
 * with sanitizers can be debugged: they keep cores and ptrace(). What the system does
 * not allow is left out. */
void pf_guard_begin(const char *name);

#endif
