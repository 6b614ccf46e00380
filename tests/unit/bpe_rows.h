/* bpe_rows.h - vocabularies, and golden rows of the tokenizer: {"text":, "ids": without
 * start and end}. */
#ifndef PF_TESTS_UNIT_BPE_ROWS_H
#define PF_TESTS_UNIT_BPE_ROWS_H

#include <string.h>

#include "core/base/json.h"
#include "core/base/mapfile.h"
#include "core/tokenizer/bpe.h"
#include "tests/unit/test_support.h"

enum { BPE_ROW_MAX = 1024 };

static inline pf_bpe *open_vocab(const char *path)
{
    pf_err err = PF_ERR_INIT;
    pf_bpe *bpe;
    assert_ok(pf_bpe_open(&bpe, path, &err), &err);
    return bpe;
}

static inline void assert_row(const pf_bpe *bpe, const pf_json *row)
{
    pf_err err = PF_ERR_INIT;
    int32_t ids[BPE_ROW_MAX];
    size_t n_ids = 0, n_text = 0;
    bool is_cut = true;
    const char *text = pf_json_string(pf_json_get(row, "text"), &n_text);
    const pf_json *expected = pf_json_get(row, "ids");
    assert_non_null(text);
    assert_non_null(expected);
    assert_ok(pf_bpe_encode(bpe, text, n_text, BPE_ROW_MAX, ids, &n_ids, &is_cut, &err),
              &err);
    assert_false(is_cut);
    if (n_ids != pf_json_size(expected) + 2)
        fail_msg("'%s' has %zu ids, expected %zu", text, n_ids - 2,
                 pf_json_size(expected));
    assert_int_equal(ids[0], pf_bpe_start_token(bpe));
    assert_int_equal(ids[n_ids - 1], pf_bpe_end_token(bpe));
    for (size_t i = 0; i + 2 < n_ids; i++) {
        int64_t id = -1;
        assert_true(pf_json_to_int(pf_json_at(expected, i), &id));
        if (ids[i + 1] != id)
            fail_msg("'%s': id %zu is %d, expected %d", text, i, (int)ids[i + 1],
                     (int)id);
    }
}

/* Checks every row of the file but those the engine says it does not repair; returns
 * how many were checked. */
static inline size_t assert_rows(const pf_bpe *bpe, const char *path)
{
    pf_err err = PF_ERR_INIT;
    pf_mapfile map;
    assert_ok(pf_mapfile_open(&map, path, &err), &err);
    const char *p = (const char *)map.data, *end = p + map.size;
    size_t checked = 0;
    while (p < end) {
        const char *line_end = memchr(p, '\n', (size_t)(end - p));
        size_t n = line_end ? (size_t)(line_end - p) : (size_t)(end - p);
        pf_json *row;
        assert_ok(pf_json_parse(&row, p, n, &err), &err);
        bool is_mojibake = false;
        pf_json_to_bool(pf_json_get(row, "needs_encoding_repair"), &is_mojibake);
        if (!is_mojibake) {
            assert_row(bpe, row);
            checked++;
        }
        pf_json_free(row);
        p += n + 1;
    }
    pf_mapfile_close(&map);
    return checked;
}

#endif
