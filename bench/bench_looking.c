/*
 * bench_looking.c - pf-bench-looking FOLDER [IMAGES]: what lists, totals and facets
 * cost in a catalog of IMAGES (100,000), which is made (bench_catalog.h) when it is not
 * there.
 *
 * Milliseconds of the processor inside the process, without opening: the median and the
 * most of 50 questions, of what is always the same of 20.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench/bench_catalog.h"
#include "bench/clocks.h"
#include "core/base/file.h"
#include "core/catalog/blas.h"
#include "core/search/search.h"
#include "tests/support/asking.h"

enum { DIM = 64, SAME = 20, N_PHRASES = 50 };

static const char *const phrases[N_PHRASES] = {"effusion",
                                               "fracture",
                                               "pneumothorax",
                                               "normal",
                                               "nodule",
                                               "mass",
                                               "tube",
                                               "pleural effusion",
                                               "left lung nodule",
                                               "hip fracture",
                                               "chest",
                                               "brain",
                                               "normal chest",
                                               "right pleural effusion",
                                               "no pneumothorax",
                                               "device",
                                               "lateral view",
                                               "cardiomegaly",
                                               "pacemaker",
                                               "midline shift",
                                               "hemorrhage",
                                               "knee",
                                               "wrist fracture",
                                               "scoliosis",
                                               "pneumonia",
                                               "atelectasis",
                                               "edema",
                                               "opacity",
                                               "catheter",
                                               "enlarged heart",
                                               "clear lungs",
                                               "CT of the head",
                                               "subdural hematoma",
                                               "tumor",
                                               "metastasis",
                                               "kidney stone",
                                               "liver lesion",
                                               "bowel obstruction",
                                               "free air",
                                               "foot",
                                               "shoulder dislocation",
                                               "spine",
                                               "compression fracture",
                                               "infarct",
                                               "hydrocephalus",
                                               "aneurysm",
                                               "sinus",
                                               "mri brain",
                                               "osteoarthritis",
                                               "large left effusion"};

/* One kind of question: without `by` always the same list. */
typedef struct {
    const char *what, *filter;
    const char *facets[3];
    size_t n_facets;
    pf_by by;
    pf_sort sort;
} kind;

static bool ask(pf_reader *reader, const kind *k, const pf_filter *filter, size_t i,
                double *ms, pf_err *err)
{
    const pf_part part = {.kind = PF_PART_PHRASE, .text = phrases[i], .weight = 1};
    pf_query q;
    pf_hits hits = {0};
    pf_query_init(&q);
    q.parts = &part;
    q.n_parts = k->by != PF_BY_DEFAULT;
    q.by = k->by;
    q.sort = k->sort;
    q.facets = k->facets;
    q.n_facets = k->n_facets;
    q.filters = filter;
    q.n_filters = k->filter != NULL;
    const double start = pf_bench_ms(CLOCK_PROCESS_CPUTIME_ID);
    const bool ok = pf_search_run(reader, &q, &hits, err);
    *ms = pf_bench_ms(CLOCK_PROCESS_CPUTIME_ID) - start;
    pf_hits_reset(&hits);
    return ok;
}

static bool measure(pf_reader *reader, const kind *k, pf_err *err)
{
    double ms[N_PHRASES];
    pf_filter filter = {0};
    const size_t n = k->by == PF_BY_DEFAULT ? SAME : N_PHRASES;
    if (k->filter && !pf_filter_parse(&filter, k->filter, err))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++)
        ok = ask(reader, k, &filter, i, &ms[i], err);
    pf_filter_reset(&filter);
    if (!ok)
        return false;
    const double median = pf_bench_median(ms, n); /* now the most is last */
    printf("%-48s %8.2f ms  %8.2f ms\n", k->what, median, ms[n - 1]);
    return true;
}

static bool measure_all(const char *folder, pf_err *err)
{
    static const kind kinds[] = {
        {"the newest ten", .sort = PF_SORT_DATE},
        {"ten by path", .sort = PF_SORT_PATH},
        {"the newest ten of modality=CT", "modality=CT", .sort = PF_SORT_DATE},
        {"facets: modality", .facets = {"modality"}, .n_facets = 1},
        {"facets: modality,body_part", .facets = {"modality", "body_part"},
         .n_facets = 2},
        {"facets: modality,body_part of modality=CT|MR", "modality=CT|MR",
         .facets = {"modality", "body_part"}, .n_facets = 2},
        {"facets: modality,body_part,year", .facets = {"modality", "body_part", "year"},
         .n_facets = 3},
        {"by words", .by = PF_BY_WORDS},
        {"by words, facets: modality,body_part", .facets = {"modality", "body_part"},
         .n_facets = 2, .by = PF_BY_WORDS},
        {"by words of modality=CT|MR, the same facets", "modality=CT|MR",
         .facets = {"modality", "body_part"}, .n_facets = 2, .by = PF_BY_WORDS},
    };
    pf_reader *reader = NULL;
    bool ok = pf_asking_open(&reader, folder, NULL, NULL, err);
    printf("%-48s %11s  %11s\n", "", "median", "most");
    for (size_t i = 0; ok && i < sizeof kinds / sizeof *kinds; i++)
        ok = measure(reader, &kinds[i], err);
    pf_asking_close(reader);
    return ok;
}

int main(int argc, char **argv)
{
    pf_blas_set_threads(1);
    pf_err err = PF_ERR_INIT;
    const long images = argc > 2 ? strtol(argv[2], NULL, 10) : 100000;
    if (argc < 2 || argc > 3 || images < 1 || images > 10000000) {
        fputs("usage: pf-bench-looking FOLDER [IMAGES]\n", stderr);
        return 2;
    }
    if ((pf_path_exists(argv[1]) ||
         pf_bench_write_catalog(argv[1], (int)images, DIM, &err)) &&
        measure_all(argv[1], &err))
        return 0;
    fprintf(stderr, "pf-bench-looking: %s\n", err.msg);
    return 1;
}
