/*
 * fuzz_wordpiece.c - any bytes as a vocab.txt, up to the first NUL, and as a text
 * behind it.
 *
 * Checked for each input: a vocabulary that is refused is named; what is read has ids
 * below its size, [CLS] first and [SEP] last, and a short context gives the beginning
 * of what a long one gives.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/tokenizer/tokenizer.h"
#include "tests/fuzz/fuzz_vocabulary.h"
#include "tests/fuzz/require.h"

enum { LONG_CONTEXT = 256, SHORT_CONTEXT = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t encode(const pf_tokenizer *t, const char *text, size_t n, int32_t *ids,
                     bool *is_cut)
{
    pf_err err = PF_ERR_INIT;
    size_t n_ids = 0;
    require(pf_tokenizer_encode(t, text, n, ids, &n_ids, is_cut, &err), err.msg);
    require(n_ids >= 2 && n_ids <= pf_tokenizer_context(t), "number of ids");
    for (size_t i = 0; i < n_ids; i++)
        require(ids[i] >= 0 && ids[i] < pf_tokenizer_vocabulary_size(t),
                "ids in range");
    return n_ids;
}

static void check(const pf_tokenizer *whole, const char *path, const char *text,
                  size_t n)
{
    static int32_t ids[LONG_CONTEXT], part[SHORT_CONTEXT], none[LONG_CONTEXT];
    pf_err err = PF_ERR_INIT;
    pf_tokenizer *cut;
    bool is_cut = false, is_none_cut = true;
    const size_t n_ids = encode(whole, text, n, ids, &is_cut);
    require(encode(whole, "", 0, none, &is_none_cut) == 2 && !is_none_cut, "no text");
    require(ids[0] == none[0] && ids[n_ids - 1] == none[1], "marks at both ends");
    require(pf_tokenizer_open(&cut, PF_TOKENIZER_WORDPIECE, path, SHORT_CONTEXT, &err),
            "a vocabulary that was read is read again");
    const size_t n_part = encode(cut, text, n, part, &is_cut);
    require(is_cut == (n_ids > SHORT_CONTEXT), "cut when longer");
    require(n_part == (is_cut ? (size_t)SHORT_CONTEXT : n_ids), "length of the cut");
    require(memcmp(ids, part, (n_part - 1) * sizeof *ids) == 0, "the beginning");
    pf_tokenizer_close(cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pf_err err = PF_ERR_INIT;
    pf_tokenizer *t;
    const uint8_t *nul = size ? memchr(data, '\0', size) : NULL;
    const size_t n_vocabulary = nul ? (size_t)(nul - data) : size;
    const char *path = fuzz_vocabulary("vocab.txt", data, n_vocabulary);
    const char *text = nul ? (const char *)nul + 1 : "";
    if (pf_tokenizer_open(&t, PF_TOKENIZER_WORDPIECE, path, LONG_CONTEXT, &err)) {
        check(t, path, text, nul ? size - n_vocabulary - 1 : 0);
        pf_tokenizer_close(t);
    } else {
        require(strstr(err.msg, path) != NULL, "what is refused is named");
        require(strchr(err.msg, '\n') == NULL, "in one line");
    }
    return 0;
}
