/*
 * fuzz_spiece.c - any bytes as a spiece.model, or, when they begin with "{", as a
 * tokenizer.json.
 *
 * Checked for each input: a model that is refused is named; one that is read, the
 * library takes, and it fills the context with ids below its size. Its own end and some
 * texts with all sorts of characters are encoded. Written anew it has the same ids by
 * the other way of encoding: libsentencepiece and unigram.c agree, whatever the pieces,
 * their scores and the map of characters.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/tokenizer/pieces.h"
#include "core/tokenizer/tokenizer.h"
#include "core/tokenizer/unigram.h"
#include "tests/fuzz/fuzz_vocabulary.h"
#include "tests/fuzz/require.h"
#ifdef PF_HAS_SENTENCEPIECE
#include "core/tokenizer/spiece.h"
#endif

enum { CONTEXT = 64, IDS_MAX = 4096, END_OF_INPUT = 200 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const texts[] = {
    "", "chest x-ray", "</s><unk> xchest\xC2\xB2 <pad>",
    "\xEF\xAC\x81x e\xCC\x81\xE3\x80\x80\xE2\x96\x81 ray\xE8\x82\xBA\xE2\x80\x8Bt "};

static void encode(const pf_tokenizer *t, const char *text, size_t n)
{
    pf_err err = PF_ERR_INIT;
    int32_t ids[CONTEXT];
    size_t n_ids = 0;
    require(pf_tokenizer_encode(t, text, n, ids, &n_ids, NULL, &err), err.msg);
    require(n_ids == CONTEXT, "the context is full");
    for (size_t i = 0; i < n_ids; i++)
        require(ids[i] >= 0 && ids[i] < pf_tokenizer_vocabulary_size(t),
                "ids in range");
}

#ifdef PF_HAS_SENTENCEPIECE
static void compare(const pf_pieces *pieces, const pf_spiece *library, const char *text,
                    size_t n)
{
    static int32_t ids[IDS_MAX], others[IDS_MAX];
    pf_err err = PF_ERR_INIT;
    size_t n_ids = 0, n_others = 0;
    require(pf_unigram_encode(pieces, text, n, ids, IDS_MAX, &n_ids, &err), err.msg);
    require(pf_spiece_encode(library, text, n, others, IDS_MAX, &n_others, &err),
            err.msg);
    require(n_ids == n_others && n_ids <= IDS_MAX, "as many ids");
    require(memcmp(ids, others, n_ids * sizeof *ids) == 0, "the same ids");
}

static void compare_both_ways(const pf_pieces *pieces, const char *end, size_t n_end)
{
    pf_err err = PF_ERR_INIT;
    pf_spiece *library;
    pf_buf model;
    pf_buf_init(&model, 8 << 20);
    require(pf_pieces_write_model(pieces, &model, &err), err.msg);
    require(pf_spiece_open(&library, model.data, model.size, &err), err.msg);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        compare(pieces, library, texts[i], strlen(texts[i]));
    compare(pieces, library, end, n_end);
    pf_spiece_close(library);
    pf_buf_free(&model);
}
#else
static void compare_both_ways(const pf_pieces *pieces, const char *end, size_t n_end)
{
    (void)pieces, (void)end, (void)n_end;
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pf_err err = PF_ERR_INIT;
    pf_tokenizer *t;
    pf_pieces pieces = {.n = 0};
    const bool is_json = size > 0 && data[0] == '{';
    const size_t n_end = size < END_OF_INPUT ? size : END_OF_INPUT;
    const char *end = n_end > 0 ? (const char *)data + size - n_end : "";
    const char *path =
        fuzz_vocabulary(is_json ? "tokenizer.json" : "spiece.model", data, size);
    if (!pf_tokenizer_open(&t, PF_TOKENIZER_SENTENCEPIECE, path, CONTEXT, &err)) {
        require(strstr(err.msg, path) != NULL, "what is refused is named");
        require(strchr(err.msg, '\n') == NULL, "in one line");
        return 0;
    }
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        encode(t, texts[i], strlen(texts[i]));
    encode(t, end, n_end);
    pf_tokenizer_close(t);
    const pf_span file = pf_span_of(data, size);
    require(is_json ? pf_pieces_read_json(&pieces, file, &err)
                    : pf_pieces_read_model(&pieces, file, &err),
            "what was read is read again");
    compare_both_ways(&pieces, end, n_end);
    pf_pieces_free(&pieces);
    return 0;
}
