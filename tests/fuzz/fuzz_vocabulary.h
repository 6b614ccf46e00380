/*
 * fuzz_vocabulary.h - the bytes of an input as a file that a tokenizer can open.
 */
#ifndef PF_TESTS_FUZZ_FUZZ_VOCABULARY_H
#define PF_TESTS_FUZZ_FUZZ_VOCABULARY_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/fuzz/require.h"

static char fuzz_vocabulary_path[96]; /* of this process */

static inline void fuzz_vocabulary_remove(void)
{
    unlink(fuzz_vocabulary_path);
}

/* The path of a file, with `ending` as the end of its name, that has these bytes. Each
 * call replaces the file of the one before. */
static inline const char *fuzz_vocabulary(const char *ending, const uint8_t *bytes,
                                          size_t n)
{
    if (fuzz_vocabulary_path[0])
        unlink(fuzz_vocabulary_path);
    else
        require(atexit(fuzz_vocabulary_remove) == 0, "a file that can be removed");
    snprintf(fuzz_vocabulary_path, sizeof fuzz_vocabulary_path,
             "/tmp/plainfilm-fuzz-%ld-%s", (long)getpid(), ending);
    FILE *f = fopen(fuzz_vocabulary_path, "wb");
    require(f != NULL, "a file to write to");
    require(n == 0 || fwrite(bytes, 1, n, f) == n, "a file that can be written");
    require(fclose(f) == 0, "a file that can be closed");
    return fuzz_vocabulary_path;
}

#endif
