/*
 * image_support.h - what the tests of core/image share: fixtures, damage, distances.
 */
#ifndef PF_TESTS_UNIT_IMAGE_SUPPORT_H
#define PF_TESTS_UNIT_IMAGE_SUPPORT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mapfile.h"
#include "core/base/mem.h"
#include "core/image/picture.h"
#include "tests/unit/guarded.h"
#include "tests/unit/test_support.h"

static inline void open_file(pf_mapfile *map, const char *folder, const char *name)
{
    pf_err err = PF_ERR_INIT;
    char *path = pf_path_join(folder, name, &err);
    assert_non_null(path);
    assert_ok(pf_mapfile_open(map, path, &err), &err);
    pf_free(path);
}

static inline bool decode_file_with_alpha(pf_picture *out, const char *folder,
                                          const char *name, bool keeps_alpha,
                                          pf_err *err)
{
    pf_mapfile map;
    pf_picture_limits limits;
    pf_picture_limits_init(&limits);
    limits.keeps_alpha = keeps_alpha;
    open_file(&map, folder, name);
    bool ok = pf_picture_decode(out, map.data, map.size, name, 0, &limits, err);
    pf_mapfile_close(&map);
    return ok;
}

static inline bool decode_file(pf_picture *out, const char *folder, const char *name,
                               pf_err *err)
{
    return decode_file_with_alpha(out, folder, name, false, err);
}

typedef struct {
    size_t n, above_1; /* values, and how many differ by more than 1 */
    int max;
    double mean;
} distance;

static inline distance compare(const uint8_t *a, const uint8_t *b, size_t n)
{
    distance d = {.n = n};
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        int off = abs(a[i] - b[i]);
        d.max = off > d.max ? off : d.max;
        d.above_1 += off > 1;
        sum += off;
    }
    d.mean = n ? sum / (double)n : 0;
    return d;
}

static inline bool same_picture(const pf_picture *a, const pf_picture *b)
{
    return a->width == b->width && a->height == b->height &&
           memcmp(a->rgb, b->rgb, (size_t)a->width * (size_t)a->height * 3) == 0;
}

/* A refusal: one line that says something, and a picture that is all zero. */
static inline void assert_clean_refusal(const pf_picture *p, const pf_err *err)
{
    assert_null(p->rgb);
    assert_int_equal(p->width, 0);
    assert_int_not_equal(err->code, PF_OK);
    assert_true(strlen(err->msg) > 0);
    assert_null(strchr(err->msg, '\n'));
}

#endif
