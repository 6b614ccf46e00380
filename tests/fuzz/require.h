/*
 * require.h - what a fuzz target was promised, and how it says that it was not kept.
 */
#ifndef PF_TESTS_FUZZ_REQUIRE_H
#define PF_TESTS_FUZZ_REQUIRE_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static inline void require(bool is_so, const char *what)
{
    if (!is_so) {
        fprintf(stderr, "broken promise: %s\n", what);
        abort();
    }
}

#endif
