/*
 * bench_texts.c - pf-bench-texts MODEL FILE [COUNT [THREADS [PRECISION [IDS]]]]: how
 * fast the texts of a file are embedded, the way plainfilm-index embeds captions.
 *
 * MODEL has its tokenizer beside it. FILE has one text a line (what stands before a tab
 * is no part of it, so that ROCO's does), of which the first COUNT (1000) are taken.
 * THREADS (2) workers, PRECISION f32, i16, i8 or auto (the default). Prints one line of
 * tab-separated columns: texts, tokens of all of them, milliseconds of one text (wall,
 * processor). Opening the model and packing its weights are not in them. IDS is a file
 * that gets the ids as others take them: for each text as many int32 as the model's
 * context, filled up with 0.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/clocks.h"
#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/model/model.h"
#include "core/model/pipeline.h"
#include "core/model/precision.h"

enum { TEXTS_MAX = 1 << 20, THREADS_MAX = 64, BATCH = 8 }; /* plainfilm-index's */

typedef struct {
    pf_buf file;
    const char **at;
    size_t n;
} texts;

static bool read_texts(texts *t, const char *path, size_t most, pf_err *err)
{
    pf_buf_init(&t->file, 1 << 30);
    t->at = pf_alloc_array(most, sizeof *t->at, err);
    if (!t->at || !pf_file_read(path, &t->file, err) ||
        !pf_buf_add(&t->file, "", 1, err))
        return false;
    for (char *line = t->file.data; *line && t->n < most;) {
        char *end = line + strcspn(line, "\r\n"), *next = end + strspn(end, "\r\n");
        *end = '\0';
        const char *tab = strrchr(line, '\t');
        t->at[t->n++] = tab ? tab + 1 : line;
        line = next;
    }
    return t->n > 0 || pf_fail(err, PF_ERR_FORMAT, "'%s' has no text", path);
}

/* How many tokens there are; into the file, too, unless it is NULL. */
static bool encode(const pf_model *model, const texts *t, FILE *out, size_t *tokens,
                   pf_err *err)
{
    const pf_tokenizer *tokenizer = pf_model_tokenizer(model);
    const size_t context = pf_tokenizer_context(tokenizer);
    int32_t *ids = pf_alloc_array(context, sizeof *ids, err);
    bool ok = ids != NULL;
    for (size_t i = 0; ok && i < t->n; i++) {
        size_t n = 0;
        ok = pf_tokenizer_encode(tokenizer, t->at[i], strlen(t->at[i]), ids, &n, NULL,
                                 err);
        *tokens += n;
        for (size_t k = n; ok && k < context; k++)
            ids[k] = 0;
        if (ok && out && fwrite(ids, sizeof *ids, context, out) != context)
            ok = pf_fail(err, PF_ERR_IO, "cannot write the ids");
    }
    pf_free(ids);
    return ok;
}

static bool write_ids(const pf_model *model, const texts *t, const char *path,
                      size_t *tokens, pf_err *err)
{
    FILE *out = path ? fopen(path, "wb") : NULL;
    if (path && !out)
        return pf_fail(err, PF_ERR_IO, "cannot write '%s'", path);
    bool ok = encode(model, t, out, tokens, err);
    if (out && fclose(out) != 0)
        ok = pf_fail(err, PF_ERR_IO, "cannot write '%s'", path);
    return ok;
}

static bool count(void *context, const pf_embedded *results, size_t n, pf_err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (results[i].failure.code != PF_OK)
            return pf_fail_as(err, &results[i].failure);
    }
    *(size_t *)context += n;
    return true;
}

static bool embed(const pf_model *model, const texts *t, int threads, size_t tokens,
                  pf_err *err)
{
    const pf_pipeline p = {.model = model, .jobs = threads, .batch = BATCH};
    size_t done = 0;
    if (!pf_clip_pack(pf_model_clip(model), PF_CLIP_TEXT, err))
        return false;
    const double wall = pf_bench_ms(CLOCK_MONOTONIC);
    const double cpu = pf_bench_ms(CLOCK_PROCESS_CPUTIME_ID);
    if (!pf_pipeline_texts(&p, t->at, t->n, count, &done, err))
        return false;
    printf("%zu\t%zu\t%.3f\t%.3f\n", done, tokens,
           (pf_bench_ms(CLOCK_MONOTONIC) - wall) / (double)done,
           (pf_bench_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu) / (double)done);
    return true;
}

static bool open_model(pf_model **model, const char *path, const char *precision,
                       pf_err *err)
{
    pf_model_options options;
    pf_model_options_init(&options);
    options.what = PF_CLIP_TEXT;
    if (!pf_precision_find(&options.precision.asked, precision, err))
        return false;
    if (options.precision.asked == PF_PRECISION_AUTO)
        options.what |= PF_CLIP_IMAGE | PF_CLIP_VERIFY; /* or it is not measured */
    return pf_model_open(model, path, &options, NULL, err);
}

int main(int argc, char **argv)
{
    const long most = argc > 3 ? strtol(argv[3], NULL, 10) : 1000;
    const long threads = argc > 4 ? strtol(argv[4], NULL, 10) : 2;
    if (argc < 3 || argc > 7 || most < 1 || most > TEXTS_MAX || threads < 1 ||
        threads > THREADS_MAX) {
        fprintf(stderr, "usage: pf-bench-texts MODEL FILE [COUNT [THREADS "
                        "[f32|i16|i8|auto [IDS]]]]\n");
        return 2;
    }
    pf_err err = PF_ERR_INIT;
    pf_model *model = NULL;
    texts t = {.n = 0};
    size_t tokens = 0;
    const bool ok = read_texts(&t, argv[2], (size_t)most, &err) &&
                    open_model(&model, argv[1], argc > 5 ? argv[5] : "auto", &err) &&
                    write_ids(model, &t, argc > 6 ? argv[6] : NULL, &tokens, &err) &&
                    embed(model, &t, (int)threads, tokens, &err);
    pf_model_close(model);
    pf_free(t.at);
    pf_buf_free(&t.file);
    if (!ok)
        fprintf(stderr, "pf-bench-texts: %s\n", err.msg);
    return !ok;
}
