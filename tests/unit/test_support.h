/* test_support.h - what every unit test includes: cmocka and a few small helpers. */
#ifndef PF_TESTS_UNIT_TEST_SUPPORT_H
#define PF_TESTS_UNIT_TEST_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/err.h"

/* The call must succeed; otherwise its message is the test's failure. */
#define assert_ok(call, err)                                                           \
    do {                                                                               \
        if (!(call))                                                                   \
            fail_msg("%s: %s", #call, (err)->msg);                                     \
    } while (0)

/* The call must fail, and its message must contain `words`. */
#define assert_refused(call, err, words)                                               \
    do {                                                                               \
        if (call)                                                                      \
            fail_msg("%s succeeded, expected '%s'", #call, words);                     \
        if (!strstr((err)->msg, words))                                                \
            fail_msg("%s: '%s', expected '%s'", #call, (err)->msg, words);             \
    } while (0)

#endif
