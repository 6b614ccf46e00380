/* bench_duplicates.c - pf-bench-duplicates N [DIM [THREADS]]: how long groups of near
 * duplicates take among N images.
 *
 * Writes a catalog of seeded noise to a temporary folder, every tenth image a near copy
 * of the one before, and compares all pairs. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/bench_store.h"
#include "bench/clocks.h"
#include "core/catalog/blas.h"
#include "core/search/duplicates.h"
#include "tests/support/asking.h"

enum { DIM_MAX = 4096 };

/* Unit noise; a near copy keeps the vector and gets a little more. */
static void next_vector(float *v, int dim, bool is_copy, uint32_t *state)
{
    double square = 0;
    for (int i = 0; i < dim; i++) {
        *state = *state * 1664525u + 1013904223u;
        const float noise = (float)(*state >> 8) / (1 << 23) - 1.0f;
        v[i] = is_copy ? v[i] + 0.002f * noise : noise;
        square += (double)v[i] * v[i];
    }
    for (int i = 0; i < dim; i++)
        v[i] = (float)(v[i] / sqrt(square));
}

static bool put_images(const pf_bench_store *to, int dim, int n, pf_err *err)
{
    static float v[DIM_MAX];
    uint32_t state = 1;
    int64_t id;
    bool ok = true;
    for (int i = 0; ok && i < n; i++) {
        char path[64];
        snprintf(path, sizeof path, "/films/%07d.png", i);
        next_vector(v, dim, i % 10 == 9, &state);
        ok = pf_bench_put_image(to, path, v, &id, err);
    }
    return ok;
}

static bool write_catalog(const char *folder, int dim, int n, pf_err *err)
{
    pf_catalog *catalog = NULL;
    pf_bench_store to;
    const bool ok = pf_catalog_open_writer(&catalog, folder, NULL, err) &&
                    pf_bench_begin(&to, catalog, dim, err) &&
                    put_images(&to, dim, n, err) && pf_catalog_publish(catalog, err);
    pf_catalog_close(catalog);
    return ok;
}

static bool measure(const char *folder, int threads, pf_err *err)
{
    const pf_duplicates_query q = {.threshold = PF_DUPLICATES_THRESHOLD,
                                   .threads = threads};
    pf_reader *reader = NULL;
    pf_duplicates found = {0};
    bool ok = pf_asking_open(&reader, folder, NULL, NULL, err);
    const double start = pf_bench_seconds(CLOCK_MONOTONIC);
    ok = ok && pf_duplicates_find(&found, reader, &q, err);
    if (ok) {
        struct rusage use;
        getrusage(RUSAGE_SELF, &use);
        printf("%zu images, %d threads: %zu groups in %.2f s, peak resident %ld MB\n",
               found.n_images, threads, found.n_groups,
               pf_bench_seconds(CLOCK_MONOTONIC) - start, use.ru_maxrss / 1000);
    }
    pf_duplicates_reset(&found);
    pf_asking_close(reader);
    return ok;
}

static void remove_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        char name[512];
        snprintf(name, sizeof name, "%s/%s", folder, e->d_name);
        unlink(name);
    }
    if (dir)
        closedir(dir);
    rmdir(folder);
}

int main(int argc, char **argv)
{
    pf_blas_set_threads(1);
    const int n = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 0;
    const int dim = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 512;
    const int threads = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 2;
    if (n < 1 || dim < 1 || dim > DIM_MAX || threads < 1) {
        fprintf(stderr, "usage: pf-bench-duplicates N [DIM [THREADS]]\n");
        return 2;
    }
    pf_err err = PF_ERR_INIT;
    char folder[] = "/tmp/plainfilm-bench-XXXXXX";
    const bool ok = mkdtemp(folder) && write_catalog(folder, dim, n, &err) &&
                    measure(folder, threads, &err);
    remove_folder(folder);
    if (!ok)
        fprintf(stderr, "pf-bench-duplicates: %s\n", err.msg);
    return !ok;
}
