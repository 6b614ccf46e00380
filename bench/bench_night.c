/*
 * bench_night.c - pf-bench-night FOLDER [IMAGES [TIMES]]: what it costs to publish a
 * few more images in a large catalog, such as one that pf-bench-evaluate makes, or a
 * few less.
 *
 * Adds IMAGES (100) images with a caption each, noise of length 1, or, when it is below
 * 0, removes so many, and publishes; TIMES (1) times. FOLDER is changed by it. Prints
 * one line per publish, fields separated by tabs, with a head line: images that were
 * there, milliseconds (wall), CPU milliseconds, KiB written by this process, KiB of
 * index files that are new.
 */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "bench/bench_store.h"
#include "bench/clocks.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/catalog/blas.h"
#include "tests/support/seeded.h"

enum { DIM_MAX = 4096, IMAGES_MAX = 100000, TIMES_MAX = 100 };

/* What this process has handed to the kernel to write, by /proc. */
static long long written(void)
{
    char line[128];
    long long n = 0;
    FILE *f = fopen("/proc/self/io", "r");
    while (f && fgets(line, sizeof line, f))
        (void)sscanf(line, "wchar: %lld", &n);
    if (f)
        fclose(f);
    return n;
}

/* Bytes of index files that were not there before `start`. */
static long long new_files(const char *folder, time_t start)
{
    long long n = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        struct stat st;
        char *path = pf_path_join(folder, e->d_name, NULL);
        if (path && strstr(e->d_name, ".faiss") && stat(path, &st) == 0 &&
            st.st_mtime >= start)
            n += st.st_size;
        pf_free(path);
    }
    if (dir)
        closedir(dir);
    return n;
}

static bool add_image(const pf_bench_store *to, int dim, uint32_t i, pf_err *err)
{
    float v[DIM_MAX];
    char path[64];
    int64_t id;
    snprintf(path, sizeof path, "/films/night/%08u.png", i);
    pf_seeded_vector(v, dim, i);
    return pf_bench_put_image(to, path, v, &id, err) &&
           pf_bench_put_caption(to, id, path, v, err);
}

static bool take_source(void *user, const pf_store_source *source, pf_err *err)
{
    (void)err;
    *(int64_t *)user = source->id;
    return true;
}

/* The images to be removed: those with the lowest numbers. */
typedef struct {
    int64_t *ids;
    size_t n, most;
} leaving;

static bool take_id(void *user, int64_t id, const char *value, pf_err *err)
{
    leaving *l = user;
    (void)value;
    (void)err;
    if (l->n < l->most)
        l->ids[l->n++] = id;
    return true;
}

static bool remove_images(pf_store *s, size_t n, pf_err *err)
{
    leaving l = {.ids = pf_alloc_array(n, sizeof *l.ids, err), .most = n};
    bool ok = l.ids && pf_store_each_image_id(s, take_id, &l, err);
    for (size_t i = 0; ok && i < l.n; i++)
        ok = pf_store_delete_image(s, l.ids[i], err);
    pf_free(l.ids);
    return ok;
}

static bool publish_changes(pf_catalog *c, long n, pf_err *err)
{
    pf_store *s = pf_catalog_store(c);
    pf_store_model model = {0};
    pf_store_counts counts;
    pf_bench_store to = {.store = s};
    if (!pf_store_find_model(s, &model, err) || !pf_store_count(s, &counts, err) ||
        !pf_store_each_source(s, take_source, &to.source, err))
        return false;
    to.model = model.id;
    bool ok = pf_store_begin(s, err);
    for (long i = 0; ok && i < n; i++)
        ok = add_image(&to, model.dim, (uint32_t)counts.images + (uint32_t)i, err);
    if (ok && n < 0)
        ok = remove_images(s, (size_t)-n, err);
    pf_store_model_reset(&model);
    if (!ok)
        return false;
    const time_t now = time(NULL);
    const double wall = pf_bench_ms(CLOCK_MONOTONIC);
    const double cpu = pf_bench_ms(CLOCK_PROCESS_CPUTIME_ID);
    const long long before = written();
    if (!pf_catalog_publish(c, err))
        return false;
    printf("%lld\t%.1f\t%.1f\t%lld\t%lld\n", (long long)counts.images,
           pf_bench_ms(CLOCK_MONOTONIC) - wall,
           pf_bench_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu, (written() - before) >> 10,
           new_files(pf_catalog_folder(c), now) >> 10);
    return true;
}

int main(int argc, char **argv)
{
    const long n = argc > 2 ? strtol(argv[2], NULL, 10) : 100;
    const long times = argc > 3 ? strtol(argv[3], NULL, 10) : 1;
    if (argc < 2 || argc > 4 || n < -IMAGES_MAX || n > IMAGES_MAX || times < 1 ||
        times > TIMES_MAX) {
        fprintf(stderr, "usage: pf-bench-night FOLDER [IMAGES [TIMES]]\n");
        return 2;
    }
    pf_blas_set_threads(1);
    pf_err err = PF_ERR_INIT;
    pf_catalog *c = NULL;
    const pf_catalog_writer_options options = {.must_exist = true};
    bool ok = pf_catalog_open_writer(&c, argv[1], &options, &err);
    printf("images\tms\tcpu_ms\twritten_kib\tindex_kib\n");
    for (long i = 0; ok && i < times; i++)
        ok = publish_changes(c, n, &err);
    pf_catalog_close(c);
    if (!ok)
        fprintf(stderr, "pf-bench-night: %s\n", err.msg);
    return !ok;
}
