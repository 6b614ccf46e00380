/*
 * fuzz_bpe.c - any bytes as a text: cleaning and encoding must hold their promises.
 *
 * Checked for each input: ids lie in the vocabulary, the first is the start and the
 * last the end, a short context gives the beginning of what a long one gives.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/tokenizer/bpe.h"
#include "tests/fuzz/require.h"

enum { LONG_CONTEXT = 4096, SHORT_CONTEXT = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Opened once; belongs to the process. */
static const pf_bpe *vocabulary(void)
{
    static pf_bpe *bpe;
    pf_err err = PF_ERR_INIT;
    if (!bpe && !pf_bpe_open(&bpe, PF_TESTS_DIR "/golden/tokenizer-tiny", &err)) {
        fprintf(stderr, "%s\n", err.msg);
        abort();
    }
    return bpe;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int32_t whole[LONG_CONTEXT], part[SHORT_CONTEXT];
    const pf_bpe *bpe = vocabulary();
    const char *text = size ? (const char *)data : "";
    size_t n_whole = 0, n_part = 0;
    bool is_cut = false;
    pf_err err = PF_ERR_INIT;
    if (!pf_bpe_encode(bpe, text, size, LONG_CONTEXT, whole, &n_whole, NULL, &err)) {
        require(err.code == PF_ERR_LIMIT, "only a text too long is refused");
        return 0;
    }
    require(n_whole >= 2 && n_whole <= LONG_CONTEXT, "number of ids");
    require(whole[0] == pf_bpe_start_token(bpe), "first is the start");
    require(whole[n_whole - 1] == pf_bpe_end_token(bpe), "last is the end");
    for (size_t i = 0; i < n_whole; i++)
        require(whole[i] >= 0 && whole[i] < pf_bpe_vocab_size(bpe), "ids in range");
    require(pf_bpe_encode(bpe, text, size, SHORT_CONTEXT, part, &n_part, &is_cut, &err),
            "a short context takes what a long one takes");
    require(is_cut == (n_whole > SHORT_CONTEXT), "cut when longer");
    require(n_part == (is_cut ? (size_t)SHORT_CONTEXT : n_whole), "length of the cut");
    for (size_t i = 0; i + 1 < n_part; i++)
        require(part[i] == whole[i], "the cut is the beginning");
    return 0;
}
