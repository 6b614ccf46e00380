/*
 * mutate.c - seeded damage to pictures of every format, through the decoder's process:
 * each is decoded or refused with a reason, and this process lives.
 *
 *   pf-sandbox-mutate COUNT FILE...       made for a build with sanitizers
 *
 * A decoder that a sanitizer ends is a failure of its picture, "its decoder died":
 * these are counted and named, and the exit status is 1 when there is one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/image/sandbox.h"

enum { FILE_MAX_BYTES = 1 << 20 };

static uint32_t state = 1;

static uint32_t next_random(void)
{
    state = state * 1664525u + 1013904223u;
    return state >> 8;
}

/* Bytes that change, go, or come twice. */
static void damage(pf_buf *b)
{
    for (uint32_t times = 1 + next_random() % 8; times > 0 && b->size > 1; times--) {
        const size_t at = next_random() % b->size, rest = b->size - at;
        const size_t n = 1 + next_random() % (rest < 64 ? rest : 64);
        switch (next_random() % 6) {
        case 0:
            b->size = at + 1;
            break;
        case 1:
            memmove(b->data + at, b->data + at + n, rest - n);
            b->size -= n;
            break;
        case 2:
            memset(b->data + at, next_random() % 2 ? 0xFF : 0, n);
            break;
        default:
            b->data[at] = (char)(next_random() % 2
                                     ? next_random()
                                     : (unsigned)b->data[at] ^ 1u << next_random() % 8);
            break;
        }
    }
}

typedef struct {
    pf_sandbox *sandbox;
    pf_preprocess preprocess;
    uint8_t *pixels;
    pf_thumbnail thumbnail;
    size_t n_decoded, n_refused, n_died;
} mutator;

static void try_one(mutator *m, const char *name, const pf_buf *b)
{
    pf_err err = PF_ERR_INIT;
    pf_intake intake = {.pixels = m->pixels, .thumbnail = &m->thumbnail};
    const pf_intake_options options = {.name = name, .preprocess = &m->preprocess};
    if (pf_sandbox_put(m->sandbox, (const uint8_t *)b->data, b->size, &err) &&
        pf_sandbox_decode(m->sandbox, &intake, &options, &err)) {
        m->n_decoded++;
    } else if (strstr(err.msg, "decoder")) {
        m->n_died++;
        printf("%s: %s\n", name, err.msg);
    } else {
        m->n_refused++;
    }
}

static bool run(mutator *m, long count, char **paths, int n_paths, pf_err *err)
{
    pf_buf file, hurt;
    pf_buf_init(&file, FILE_MAX_BYTES);
    pf_buf_init(&hurt, FILE_MAX_BYTES);
    bool ok = true;
    for (long i = 0; ok && i < count; i++) {
        const char *path = paths[i % n_paths];
        file.size = hurt.size = 0;
        ok = pf_file_read(path, &file, err) &&
             pf_buf_add(&hurt, file.data, file.size, err);
        if (ok) {
            damage(&hurt);
            try_one(m, pf_path_base(path), &hurt);
        }
    }
    pf_buf_free(&file);
    pf_buf_free(&hurt);
    return ok;
}

int main(int argc, char **argv)
{
    static mutator m;
    pf_err err = PF_ERR_INIT;
    const long count = argc > 2 ? strtol(argv[1], NULL, 10) : 0;
    if (count < 1) {
        fprintf(stderr, "usage: pf-sandbox-mutate COUNT FILE...\n");
        return 2;
    }
    pf_preprocess_init_clip(&m.preprocess, 224);
    m.pixels = pf_alloc_array(224 * 224, 3, &err);
    const bool ok = m.pixels && pf_sandbox_new(&m.sandbox, &err) &&
                    run(&m, count, argv + 2, argc - 2, &err);
    pf_sandbox_free(m.sandbox);
    pf_free(m.pixels);
    if (!ok) {
        fprintf(stderr, "pf-sandbox-mutate: %s\n", err.msg);
        return 1;
    }
    printf("%ld damaged pictures: %zu decoded, %zu refused, %zu ended their decoder\n",
           count, m.n_decoded, m.n_refused, m.n_died);
    return m.n_died > 0;
}
