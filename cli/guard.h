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

/* To be called first, with main's `argv`. OpenBLAS starts a thread for each core when
 * it is loaded, which nothing here needs: each asks for work in a busy loop (20 of the
 * 50 ms of a question to 100,000 images were spent beside one), and where memory is
 * limited (ulimit -v, -d) it asks for that without end, even while the program exits.
 * So a program may use one core only until it calls this, and OpenBLAS starts none.
 * Where that is not allowed and memory is limited, the program starts itself once more,
 * with OPENBLAS_NUM_THREADS=1. What cannot be done is left out. */
void pf_guard_threads(char **argv);

/* No core files, no ptrace() (Linux); `name` says it on stderr, and the program ends
 * with 1, when the model's file is cut while it is computed with. A Debug build and one
 * with sanitizers can be debugged: they keep cores and ptrace(). What the system does
 * not allow is left out. */
void pf_guard_begin(const char *name);

#endif
