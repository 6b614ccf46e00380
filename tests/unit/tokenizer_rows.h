/* tokenizer_rows.h - tokenizers, and golden rows of them: {"kind":, "text":, "ids":
 * with marks, without padding}. */
#ifndef PF_TESTS_UNIT_TOKENIZER_ROWS_H
#define PF_TESTS_UNIT_TOKENIZER_ROWS_H

#include <string.h>

#include "core/base/json.h"
#include "core/base/mapfile.h"
#include "core/tokenizer/tokenizer.h"
#include "tests/unit/test_support.h"

enum { ROW_CONTEXT_MAX = 512 };

static inline pf_tokenizer *open_tokenizer(pf_tokenizer_kind kind, const char *path,
                                           size_t context)
{
    pf_err err = PF_ERR_INIT;
    pf_tokenizer *t;
    assert_true(context <= ROW_CONTEXT_MAX);
    assert_ok(pf_tokenizer_open(&t, kind, path, context, &err), &err);
    return t;
}

/* The ids of a text are these; behind them, where the tokenizer pads, the last again.
 */
static inline void assert_ids(const pf_tokenizer *t, const char *text, size_t n_text,
                              const int32_t *expected, size_t n)
{
    pf_err err = PF_ERR_INIT;
    int32_t ids[ROW_CONTEXT_MAX];
    size_t n_ids = 0;
    const bool is_padded = pf_tokenizer_get_kind(t) == PF_TOKENIZER_SENTENCEPIECE;
    assert_ok(pf_tokenizer_encode(t, text, n_text, ids, &n_ids, NULL, &err), &err);
    if (n_ids != (is_padded ? pf_tokenizer_context(t) : n))
        fail_msg("'%s' has %zu ids, expected %zu", text, n_ids, n);
    for (size_t i = 0; i < n_ids; i++) {
        const int32_t id = expected[i < n ? i : n - 1];
        if (ids[i] != id)
            fail_msg("'%s': id %zu is %d, expected %d", text, i, (int)ids[i], (int)id);
    }
}

static inline void assert_tokenizer_row(const pf_tokenizer *t, const pf_json *row)
{
    int32_t ids[ROW_CONTEXT_MAX];
    size_t n_text = 0;
    const char *text = pf_json_string(pf_json_get(row, "text"), &n_text);
    const pf_json *expected = pf_json_get(row, "ids");
    const size_t n = pf_json_size(expected);
    assert_non_null(text);
    assert_true(n > 0 && n <= ROW_CONTEXT_MAX);
    for (size_t i = 0; i < n; i++) {
        int64_t id = -1;
        assert_true(pf_json_to_int(pf_json_at(expected, i), &id));
        ids[i] = (int32_t)id;
    }
    assert_ids(t, text, n_text, ids, n);
}

/* Checks every row of the file but those of the kind `but` (may be NULL); returns how
 * many were checked. */
static inline size_t assert_tokenizer_rows(const pf_tokenizer *t, const char *path,
                                           const char *but)
{
    pf_err err = PF_ERR_INIT;
    pf_mapfile map;
    assert_ok(pf_mapfile_open(&map, path, &err), &err);
    const char *p = (const char *)map.data, *end = p + map.size;
    size_t checked = 0;
    while (p < end) {
        const char *line_end = memchr(p, '\n', (size_t)(end - p));
        const size_t n = (size_t)((line_end ? line_end : end) - p);
        pf_json *row;
        assert_ok(pf_json_parse(&row, p, n, &err), &err);
        const char *kind = pf_json_string(pf_json_get(row, "kind"), NULL);
        if (!but || !kind || strcmp(kind, but) != 0) {
            assert_tokenizer_row(t, row);
            checked++;
        }
        pf_json_free(row);
        p += n + 1;
    }
    pf_mapfile_close(&map);
    return checked;
}

#endif
