/*
 * bench_words.c - pf-bench-words FOLDER CAPTIONS [COUNT [TIMES]]: what questions by
 * words cost among many captions, and what their index adds to the catalog.
 *
 * Makes the catalog FOLDER with COUNT (100,000) images of one caption each. CAPTIONS
 * has one text a line (what stands before a tab is no part of it, so that ROCO's file
 * does): a caption is the head of one and the tail of another, with one word that is in
 * no other, as a misspelling would be; so there are more than COUNT different words. A
 * catalog that is there already is used as it is. Every question is put TIMES (5)
 * times, and as often with two facets; its figure is the median of the processor
 * time. Prints "NAME<tab>VALUE<tab>QUESTION".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench_store.h"
#include "bench/clocks.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/catalog/blas.h"
#include "core/catalog/sql.h"
#include "core/search/search.h"
#include "tests/support/asking.h"

enum { DIM = 8, TIMES_MAX = 1000, TEXTS_MAX = 1 << 20 };

static const char *const questions[] = {
    /* One word, and a few. */
    "pneumothorax",
    "effusion",
    "fracture",
    "stenosis",
    "hydronephrosis",
    "cardiomegaly",
    "pleural effusion",
    "left lung nodule",
    "normal chest x-ray",
    "aortic aneurysm",
    "bilateral hydronephrosis",
    "subdural haematoma",
    "gallbladder stones",
    "liver metastases",
    "brain tumour with oedema",
    "splenic artery aneurysm",
    /* Sentences. */
    "axial CT of the abdomen showing free fluid",
    "pneumothorax after central line",
    "MRI of the knee with a tear of the meniscus",
    "cyst in the left kidney",
    "mass in the right upper lobe",
    "fracture of the distal radius in a child",
    "stricture of the common bile duct after surgery",
    "large pericardial effusion on echocardiography",
    "contrast enhanced CT scan showing a dilated appendix",
    /* As one abbreviates. */
    "SBO",
    "PE",
    "AAA",
    "GGO both lungs",
    "HCC",
    "CXR RLL",
    /* In other words, and in British spelling. */
    "renal calculus",
    "narrowing of the oesophagus",
    "collapsed lung",
    "enlarged heart",
    "water on the brain",
    "broken hip",
    "haemorrhage",
    /* Denied, alternatives, left out, phrases, beginnings. */
    "no pneumothorax",
    "chest x-ray without effusion",
    "pneumonia OR abscess",
    "effusion -pleural",
    "\"ground glass\"",
    "\"pulmonary embolism\" right",
    "pneumo*",
    "hydro* kidney",
    /* In no caption. */
    "pnuemothorax",
    "hydronefrosis",
    "xyzzyplugh",
    "choledocolithiasis jaundice",
};

enum { N_QUESTIONS = sizeof questions / sizeof *questions };

/* --- the captions ---------------------------------------------------------------- */

typedef struct {
    pf_buf file;
    const char **text; /* into it */
    size_t n, room;
    uint64_t random;
} texts;

static bool read_texts(texts *t, const char *path, pf_err *err)
{
    pf_buf_init(&t->file, 1 << 30);
    t->random = 1;
    if (!pf_file_read(path, &t->file, err) || !pf_buf_add(&t->file, "", 1, err))
        return false;
    for (char *at = t->file.data, *line; (line = strtok_r(at, "\n", &at));) {
        const char *tab = strchr(line, '\t');
        const char *text = tab ? tab + 1 : line;
        text += strspn(text, " ");
        if (!strchr(text, ' '))
            continue;
        if (!pf_grow_array((void *)&t->text, &t->room, t->n, sizeof *t->text, err))
            return false;
        t->text[t->n++] = text;
    }
    return t->n > 1 ||
           pf_fail(err, PF_ERR_FORMAT, "there are no captions in '%s'", path);
}

static void free_texts(texts *t)
{
    pf_buf_free(&t->file);
    pf_free((void *)t->text);
}

static uint64_t draw(texts *t, uint64_t below)
{
    t->random = t->random * 6364136223846793005u + 1442695040888963407u;
    return (t->random >> 33) % below;
}

static const char *draw_space(texts *t, const char *text)
{
    const char *at = strchr(text + draw(t, strlen(text)), ' ');
    return at ? at : strchr(text, ' ');
}

static bool add_text(pf_buf *out, texts *t, size_t i, pf_err *err)
{
    const char *head = t->text[i % t->n];
    const int head_n = (int)(draw_space(t, head) - head);
    char rare[16] = "";
    size_t n = 0;
    for (size_t rest = i + 8000; rest && n + 2 < sizeof rest * 2; rest /= 20) {
        rare[n++] = "bcdfghjklmnpqrstvwxz"[rest % 20];
        rare[n++] = "aeiou"[draw(t, 5)];
    }
    return pf_buf_addf(out, err, "%.*s %s%s", head_n, head, rare,
                       draw_space(t, t->text[draw(t, t->n)]));
}

/* --- the catalog ----------------------------------------------------------------- */

static bool put_image(const pf_bench_store *to, texts *t, size_t i, pf_err *err)
{
    static const float v[DIM] = {1};
    char path[64];
    pf_buf text;
    int64_t id;
    snprintf(path, sizeof path, "/films/%07zu.png", i);
    pf_buf_init(&text, 1 << 16);
    const bool ok = add_text(&text, t, i, err) && pf_buf_add(&text, "", 1, err) &&
                    pf_bench_put_image(to, path, v, &id, err) &&
                    pf_bench_put_caption(to, id, text.data, v, err);
    pf_buf_free(&text);
    return ok;
}

static bool put_images(pf_catalog *catalog, texts *t, size_t count, pf_err *err)
{
    pf_bench_store to;
    bool ok = pf_bench_begin(&to, catalog, DIM, err);
    for (size_t i = 0; ok && i < count; i++)
        ok = put_image(&to, t, i, err);
    return ok && pf_catalog_publish(catalog, err);
}

static bool write_catalog(const char *folder, const char *captions, size_t count,
                          pf_err *err)
{
    texts t = {0};
    pf_catalog *catalog = NULL;
    const bool ok = read_texts(&t, captions, err) &&
                    pf_catalog_open_writer(&catalog, folder, NULL, err) &&
                    put_images(catalog, &t, count, err);
    pf_catalog_close(catalog);
    free_texts(&t);
    return ok;
}

/* --- what is measured ------------------------------------------------------------ */

static bool measure_size(const char *folder, pf_err *err)
{
    static const char *const sums[][2] = {
        {"captions", "SELECT count(id) FROM caption_text"},
        {"text_bytes", "SELECT sum(length(CAST(text AS BLOB))) FROM caption_text"},
        {"index_bytes", "SELECT sum(pgsize) FROM dbstat WHERE aggregate = 1 AND"
                        " (name GLOB 'caption_word*' OR name GLOB 'words_*' OR"
                        "  name GLOB 'sqlite_autoindex_words_*')"},
    };
    int64_t value[3];
    pf_sql *db = NULL;
    char *path = pf_path_join(folder, "catalog.db", err);
    bool ok = path && pf_sql_open(&db, path, PF_SQL_READ, err);
    for (size_t i = 0; ok && i < 3; i++) {
        ok = pf_sql_find_int(db, sums[i][1], PF_SQL_NO_ARGS, &value[i], err);
        if (ok)
            printf("%s\t%lld\n", sums[i][0], (long long)value[i]);
    }
    if (ok)
        printf("index_to_text\t%.2f\n", (double)value[2] / (double)value[1]);
    pf_sql_close(db);
    pf_free(path);
    return ok;
}

static bool ask(pf_reader *reader, const char *question, bool has_facets, double *ms,
                pf_err *err)
{
    static const char *const facets[] = {"year", "has_caption"};
    pf_part part = {.kind = PF_PART_PHRASE, .weight = 1};
    pf_query q;
    pf_hits answer = {0};
    pf_query_init(&q);
    char *text = pf_strdup(question, err);
    part.text = text;
    q.by = PF_BY_WORDS;
    q.parts = &part;
    q.n_parts = 1;
    q.facets = has_facets ? facets : NULL;
    q.n_facets = has_facets ? sizeof facets / sizeof *facets : 0;
    const double start = pf_bench_ms(CLOCK_PROCESS_CPUTIME_ID);
    const bool ok = text && pf_search_run(reader, &q, &answer, err);
    *ms = pf_bench_ms(CLOCK_PROCESS_CPUTIME_ID) - start;
    pf_hits_reset(&answer);
    pf_free(text);
    return ok;
}

/* With facets or without, all questions; `name` is what the figures are called. */
static bool measure_all(pf_reader *reader, const char *name, bool has_facets,
                        size_t times, pf_err *err)
{
    double all[N_QUESTIONS], ms[TIMES_MAX];
    for (size_t i = 0; i < N_QUESTIONS; i++) {
        for (size_t k = 0; k < times; k++) {
            if (!ask(reader, questions[i], has_facets, &ms[k], err))
                return false;
        }
        all[i] = pf_bench_median(ms, times);
        printf("%s\t%.2f\t%s\n", name, all[i], questions[i]);
        fflush(stdout);
    }
    printf("median_%s\t%.2f\t%d questions\n", name, pf_bench_median(all, N_QUESTIONS),
           N_QUESTIONS);
    return true;
}

static bool measure(const char *folder, size_t times, pf_err *err)
{
    pf_reader *reader = NULL;
    const bool ok = pf_asking_open(&reader, folder, NULL, NULL, err) &&
                    measure_all(reader, "ms", false, times, err) &&
                    measure_all(reader, "facets_ms", true, times, err);
    pf_asking_close(reader);
    return ok;
}

int main(int argc, char **argv)
{
    pf_blas_set_threads(1);
    pf_err err = PF_ERR_INIT;
    const long count = argc > 3 ? strtol(argv[3], NULL, 10) : 100000;
    const long times = argc > 4 ? strtol(argv[4], NULL, 10) : 5;
    if (argc < 3 || argc > 5 || count < 1 || count > 10000000 || times < 1 ||
        times > TIMES_MAX) {
        fputs("usage: pf-bench-words FOLDER CAPTIONS [COUNT [TIMES]]\n", stderr);
        return 2;
    }
    if ((pf_path_exists(argv[1]) ||
         write_catalog(argv[1], argv[2], (size_t)count, &err)) &&
        measure_size(argv[1], &err) && measure(argv[1], (size_t)times, &err))
        return 0;
    fprintf(stderr, "pf-bench-words: %s\n", err.msg);
    return 1;
}
