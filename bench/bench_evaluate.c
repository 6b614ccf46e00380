/*
 * bench_evaluate.c - pf-bench-evaluate FOLDER [PAIRS [DIM]]: how long an evaluation
 * takes, part by part.
 *
 * Makes the catalog FOLDER (bench_catalog.h) with PAIRS (10,000) images and vectors of
 * DIM (512) numbers. A catalog that is there already is used as it is.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench/bench_catalog.h"
#include "core/base/file.h"
#include "core/catalog/blas.h"
#include "core/evaluate/evaluate.h"
#include "tests/support/asking.h"

static void print_part(const char *name, const pf_evaluated_way *e)
{
    if (!e->is_there)
        return;
    printf("%-24s %6zu questions %8.2f s  Recall@1 %.3f  MRR %.3f\n", name,
           e->metrics.n, e->seconds, e->metrics.of[PF_RECALL_AT_1].value,
           e->metrics.of[PF_MRR].value);
    fflush(stdout);
}

static bool measure(const char *folder, pf_by by, pf_err *err)
{
    const pf_evaluate_options how = {.by = by, .seed = PF_METRICS_SEED};
    pf_reader *reader = NULL;
    pf_evaluate_result e = {0};
    const bool ok = pf_asking_open(&reader, folder, NULL, NULL, err) &&
                    pf_evaluate(reader, &how, &e, NULL, err);
    print_part("text to image, meaning", &e.text_to_image[PF_EVALUATED_MEANING]);
    print_part("image to text, meaning", &e.image_to_text);
    print_part("text to image, words", &e.text_to_image[PF_EVALUATED_WORDS]);
    print_part("text to image, both", &e.text_to_image[PF_EVALUATED_BOTH]);
    pf_evaluate_result_reset(&e);
    pf_asking_close(reader);
    return ok;
}

int main(int argc, char **argv)
{
    pf_blas_set_threads(1);
    pf_err err = PF_ERR_INIT;
    if (argc < 2 || argc > 4) {
        fputs("usage: pf-bench-evaluate FOLDER [PAIRS [DIM]]\n", stderr);
        return 2;
    }
    const long pairs = argc > 2 ? strtol(argv[2], NULL, 10) : 10000;
    const long dim = argc > 3 ? strtol(argv[3], NULL, 10) : 512;
    if (pairs < 1 || pairs > 10000000 || dim < 1 || dim > PF_BENCH_DIM_MAX) {
        fputs("pf-bench-evaluate: no such number of pairs or dimensions\n", stderr);
        return 2;
    }
    const bool ok = (pf_path_exists(argv[1]) ||
                     pf_bench_write_catalog(argv[1], (int)pairs, (int)dim, &err)) &&
                    measure(argv[1], PF_BY_MEANING, &err) &&
                    measure(argv[1], PF_BY_WORDS, &err) &&
                    measure(argv[1], PF_BY_BOTH, &err);
    if (!ok)
        fprintf(stderr, "pf-bench-evaluate: %s\n", err.msg);
    return ok ? 0 : 1;
}
