/*
 * bench_search.c - pf-bench-search FOLDER [TIMES]: how long single questions take in a
 * catalog, such as one that pf-bench-evaluate makes. Medians of TIMES (20) questions,
 * each about another image or caption; no model is needed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/clocks.h"
#include "core/base/mem.h"
#include "core/catalog/blas.h"
#include "core/search/search.h"
#include "tests/support/asking.h"

enum { TIMES_MAX = 1000 };

static double now_ms(void)
{
    return pf_bench_ms(CLOCK_MONOTONIC);
}

static void print_median(const char *what, double *ms, size_t n)
{
    printf("%-42s %9.2f ms\n", what, pf_bench_median(ms, n));
}

/* Opening, and the first `n_indexes` indexes, which the first question would load. */
static bool measure_opening(const char *folder, int n_indexes, const char *what,
                            size_t times, pf_err *err)
{
    double ms[TIMES_MAX];
    for (size_t i = 0; i < times; i++) {
        pf_reader *reader = NULL;
        const double start = now_ms();
        const pf_vindex *index;
        bool ok = pf_asking_open(&reader, folder, NULL, NULL, err);
        for (int kind = 0; ok && kind < n_indexes; kind++)
            ok = pf_reader_get_index(reader, (pf_index_kind)kind, &index, err);
        ms[i] = now_ms() - start;
        pf_asking_close(reader);
        if (!ok)
            return false;
    }
    print_median(what, ms, times);
    return true;
}

/* The i-th question; its text goes to `text`. */
static void make_question(pf_query *q, pf_part *part, char text[64], bool is_by_words,
                          size_t i)
{
    static const char *const words[] = {"effusion", "fracture", "normal chest x-ray",
                                        "pneumothorax", "left lung nodule"};
    pf_query_init(q);
    *part = (pf_part){.kind = PF_PART_LIKE, .text = text, .weight = 1};
    if (is_by_words) {
        part->kind = PF_PART_PHRASE;
        snprintf(text, 64, "%s", words[i % (sizeof words / sizeof *words)]);
        q->by = PF_BY_WORDS;
    } else {
        snprintf(text, 64, "%zu", i + 1);
        q->by = PF_BY_MEANING;
    }
    q->parts = part;
    q->n_parts = 1;
}

static bool measure_asking(pf_reader *reader, const char *filter, bool is_by_words,
                           const char *what, size_t times, pf_err *err)
{
    double ms[TIMES_MAX];
    pf_filter only = {0};
    if (filter && !pf_filter_parse(&only, filter, err))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < times; i++) {
        char text[64];
        pf_query q;
        pf_part part;
        pf_hits answer = {0};
        make_question(&q, &part, text, is_by_words, i);
        q.filters = &only;
        q.n_filters = filter != NULL;
        const double start = now_ms();
        ok = pf_search_run(reader, &q, &answer, err);
        ms[i] = now_ms() - start;
        pf_hits_reset(&answer);
    }
    pf_filter_reset(&only);
    if (ok)
        print_median(what, ms, times);
    return ok;
}

static bool measure(const char *folder, size_t times, pf_err *err)
{
    pf_reader *reader = NULL;
    const bool ok =
        measure_opening(folder, 0, "open, for words", times, err) &&
        measure_opening(folder, 1, "open, for images", times, err) &&
        measure_opening(folder, 2, "open, for images and captions", times, err) &&
        pf_asking_open(&reader, folder, NULL, NULL, err) &&
        measure_asking(reader, NULL, false, "10 images like one", times, err) &&
        measure_asking(reader, "path~*[02468]*", false, "the same, most pass a filter",
                       times, err) &&
        measure_asking(reader, "path~*77*", false, "the same, few pass", times, err) &&
        measure_asking(reader, NULL, true, "10 images by words", times, err);
    pf_asking_close(reader);
    return ok;
}

int main(int argc, char **argv)
{
    pf_blas_set_threads(1);
    const long times = argc == 3 ? strtol(argv[2], NULL, 10) : 20;
    if (argc < 2 || argc > 3 || times < 1 || times > TIMES_MAX) {
        fprintf(stderr, "usage: pf-bench-search FOLDER [TIMES]\n");
        return 2;
    }
    pf_err err = PF_ERR_INIT;
    if (measure(argv[1], (size_t)times, &err))
        return 0;
    fprintf(stderr, "pf-bench-search: %s\n", err.msg);
    return 1;
}
