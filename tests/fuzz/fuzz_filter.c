/* fuzz_filter.c - a filter from any text, then compared with any value: the input is
 * filter, zero byte, value. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/search/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* How a value compares with itself is known, but for a pattern and for ranges. */
static void compare_with_itself(pf_filter *f)
{
    static const bool expected[] = {
        [PF_FILTER_EQUAL] = true,    [PF_FILTER_NOT_EQUAL] = true,
        [PF_FILTER_LESS] = false,    [PF_FILTER_GREATER] = false,
        [PF_FILTER_AT_MOST] = true,  [PF_FILTER_AT_LEAST] = true,
        [PF_FILTER_HAS_WORD] = true,
    };
    for (size_t i = 0; i < f->n_choices && f->op != PF_FILTER_LIKE_PATH; i++) {
        if (!f->choices[i].to)
            must(pf_filter_accepts(f, f->choices[i].from) == expected[f->op]);
    }
}

/* Of two values one is less, or they are as good as equal. */
static void compare(pf_filter *f, const char *value)
{
    (void)!pf_filter_accepts(f, value);
    if (f->n_choices != 1 || f->choices[0].to)
        return;
    f->op = PF_FILTER_LESS;
    const bool is_less = pf_filter_accepts(f, value);
    f->op = PF_FILTER_GREATER;
    const bool is_greater = pf_filter_accepts(f, value);
    f->op = PF_FILTER_AT_MOST;
    must(!(is_less && is_greater));
    must(pf_filter_accepts(f, value) == !is_greater);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const char *text = (const char *)data;
    const size_t n_filter = strnlen(text, n);
    const size_t at = n_filter < n ? n_filter + 1 : n;
    char *filter = pf_strndup(text, n_filter, NULL);
    char *value = pf_strndup(text + at, n - at, NULL);
    pf_filter f;
    pf_err err = PF_ERR_INIT;
    if (filter && value && pf_filter_parse(&f, filter, &err)) {
        must(strcmp(f.text, filter) == 0 && f.key[0] != '\0' && f.n_choices > 0);
        compare_with_itself(&f);
        compare(&f, value);
        pf_filter_reset(&f);
    }
    pf_free(filter);
    pf_free(value);
    return 0;
}
