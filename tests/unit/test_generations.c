/*
 * test_generations.c - four readers ask while an indexer publishes: every answer
 * belongs wholly to one generation, and within a thread generations never go back.
 *
 * Each generation has other vectors, captions, words, cases, attributes and thumbnails
 * under the same ids. First every question is put to each generation with nobody else
 * there; then the same generations are published while the readers ask, and each answer
 * must be, to the last byte, the one that its generation gave.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/catalog/blas.h"
#include "core/catalog/catalog.h"
#include "core/model/model.h"
#include "tests/support/seeded.h"
#include "tests/support/tree.h"
#include "tests/unit/test_support.h"

enum {
    GENERATIONS = 20,
    READERS = 4,
    QUESTIONS = 5000, /* of all readers together, at least */
    IMAGES = 60,      /* enough for percentiles */
    DIM = 32,         /* of the seeded model */
};

static char folder[PF_TREE_ROOM];
static pf_store_model model; /* the seeded one */

/* ---- publishing a generation ---- */

typedef struct {
    pf_store *store;
    int64_t model, source;
    int g;
} publishing;

static bool put_captions(const publishing *p, int i, int64_t image, pf_err *err)
{
    float v[DIM];
    char text[96];
    int64_t id;
    snprintf(text, sizeof text, "%s of film %d, generation%d",
             i % 4 ? "effusion" : "no fracture", i, p->g);
    pf_seeded_vector(v, DIM, 7000000u + 1000u * (uint32_t)p->g + (uint32_t)i);
    return pf_store_put_caption_text(p->store, p->model, text, v, &id, err) &&
           pf_store_set_captions(p->store, image, &id, i % 3 ? 1 : 0, err);
}

static bool put_picture(const publishing *p, int i, int64_t *id, pf_err *err)
{
    float v[DIM];
    char content[64];
    const int n = snprintf(content, sizeof content, "%d of %d", i, p->g);
    const uint8_t jpeg[] = {0xFF, 0xD8, (uint8_t)p->g, (uint8_t)i, 0xFF, 0xD9};
    pf_seeded_vector(v, DIM, 1000u * (uint32_t)p->g + (uint32_t)i);
    const pf_store_picture picture = {.model_id = p->model,
                                      .content = pf_hash_bytes(content, (size_t)n),
                                      .width = 64,
                                      .height = 48,
                                      .format = "png",
                                      .vector = v};
    return pf_store_put_picture(p->store, &picture, id, err) &&
           pf_store_put_thumbnail(p->store, *id, jpeg, sizeof jpeg, err);
}

static bool put_image(const publishing *p, int i, pf_err *err)
{
    char path[64], number[16], key[32], title[64];
    int64_t id;
    snprintf(path, sizeof path, "/films/%04d.png", i);
    snprintf(number, sizeof number, "%d", p->g);
    snprintf(key, sizeof key, "case-%d", i / 4);
    snprintf(title, sizeof title, "Case %d of %d", i / 4, p->g);
    const pf_store_attribute list[] = {{"generation", number},
                                       {"parity", i % 2 ? "odd" : "even"}};
    pf_store_image image = {.source_id = p->source, .path = path, .size = p->g};
    return put_picture(p, i, &image.picture_id, err) &&
           pf_store_put_case(p->store, p->source, key, title, &image.case_id, err) &&
           pf_store_put_image(p->store, &image, &id, err) &&
           pf_store_set_image_attributes(p->store, id, list, 2, err) &&
           put_captions(p, i, id, err);
}

/* Some films come and go. */
static bool is_there(int i, int g)
{
    return i < IMAGES - 8 || (i + g) % 3 != 0;
}

static bool delete_image(const publishing *p, int i, pf_err *err)
{
    char path[64];
    int64_t id;
    snprintf(path, sizeof path, "/films/%04d.png", i);
    return pf_store_find_image(p->store, path, 0, &id, err) &&
           (id == 0 || pf_store_delete_image(p->store, id, err));
}

static bool publish(pf_catalog *catalog, int g, pf_err *err)
{
    const pf_store_source source = {.path = "/films", .kind = "folder"};
    publishing p = {.store = pf_catalog_store(catalog), .g = g};
    bool ok = pf_store_begin(p.store, err) &&
              pf_store_put_model(p.store, &model, &p.model, err) &&
              pf_store_use_model(p.store, p.model, err) &&
              pf_store_put_source(p.store, &source, &p.source, err);
    for (int i = 1; ok && i <= IMAGES; i++)
        ok = is_there(i, g) ? put_image(&p, i, err) : delete_image(&p, i, err);
    return ok && pf_catalog_publish(catalog, err);
}

/* ---- questions ---- */

/* As lines of --batch; the rest is asked of the reader itself. */
static const char *const lines[] = {
    "{\"phrase\":\"left effusion\"}",
    "{\"phrase\":\"effusion film\",\"by\":\"words\",\"limit\":30}",
    "{\"phrase\":\"effusion\",\"by\":\"meaning\",\"limit\":5,\"offset\":3}",
    "{\"phrase\":\"fracture\",\"by\":\"both\",\"find\":\"captions\"}",
    "{\"phrase\":\"effusion\",\"by\":\"both\",\"find\":\"cases\",\"limit\":4}",
    "{\"like\":3,\"limit\":50}",
    "{\"like\":3,\"find\":\"cases\"}",
    "{\"like\":[3,5],\"without\":\"x\",\"filter\":\"parity=odd\"}",
    "{\"phrase\":\"a\",\"find\":\"captions\",\"by\":\"meaning\"}",
    "{\"phrase\":\"b\",\"collapse\":0.3,\"by\":\"meaning\"}",
    "{\"phrase\":\"effusion\",\"collapse\":0.3,\"by\":\"words\"}",
    "{\"like\":7,\"classify\":\"left, right\",\"limit\":3}",
    "{\"duplicates\":0.3}",
    "{\"like\":9,\"phrases\":[\"left\",\"right\"]}",
    "{\"phrase\":\"left\",\"embed\":true}",
    "{\"like\":11,\"min_percentile\":60,\"limit\":20}",
    "{\"evaluate\":true}",
};
enum {
    N_LINES = sizeof lines / sizeof *lines,
    IMAGE = N_LINES,
    CASE,
    FACETS,
    THUMBNAIL,
    INFO,
    N_QUESTIONS
};

/* What takes another time each time becomes "0". */
static void forget_times(char *json)
{
    static const char *const keys[] = {"\"took_ms\":", "\"seconds\":"};
    for (size_t k = 0; k < 2; k++) {
        char *at = json;
        while ((at = strstr(at, keys[k]))) {
            at += strlen(keys[k]);
            const size_t n = strspn(at, "0123456789.e+-");
            memmove(at + 1, at + n, strlen(at + n) + 1);
            *at = '0';
        }
    }
}

/* The answer as text, given; NULL with *err. *generation is what it says of itself. */
static char *ask_line(pf_reader *r, const char *line, int64_t *generation, pf_err *err)
{
    pf_request *request = NULL;
    pf_answer *answer = NULL;
    pf_work work = PF_WORK_INIT;
    char *json = NULL;
    work.threads = 2;
    const bool ok = pf_request_new(&request, err) &&
                    pf_request_read_json(request, line, strlen(line), false, err) &&
                    pf_reader_ask(r, request, &work, &answer, err) &&
                    pf_answer_get_json(answer, &json, NULL, err);
    if (ok) {
        *generation = pf_answer_get_about(answer)->generation;
        forget_times(json);
    }
    pf_answer_free(answer);
    pf_request_free(request);
    return json;
}

static char *ask_image(pf_reader *r, pf_err *err)
{
    pf_image *image;
    char *text = NULL;
    if (!pf_reader_find_image(r, 5, &image, err))
        return NULL;
    if (image)
        text = pf_strf(err, "%s %s %s %zu %s", image->path, image->attributes[0].value,
                       image->case_title, image->n_captions,
                       image->n_captions ? image->captions[0].text : "");
    pf_image_free(image);
    return text ? text : pf_strdup("none", err);
}

static char *ask_case(pf_reader *r, pf_err *err)
{
    pf_case *found;
    if (!pf_reader_find_case(r, 9, &found, err))
        return NULL;
    char *text =
        found ? pf_strf(err, "%s %s %zu", found->key, found->title, found->n_images)
              : pf_strdup("none", err);
    pf_case_free(found);
    return text;
}

static char *ask_facets(pf_reader *r, pf_err *err)
{
    pf_facets *facets;
    if (!pf_reader_get_facets(r, NULL, 0, &facets, err))
        return NULL;
    char *text = pf_strdup("", err);
    for (size_t i = 0; text && i < pf_facets_count(facets); i++) {
        const pf_facet *f = pf_facets_at(facets, i);
        char *longer =
            pf_strf(err, "%s %s=%s:%zu", text, f->key, f->value, f->n_images);
        pf_free(text);
        text = longer;
    }
    pf_facets_free(facets);
    return text;
}

static char *ask_thumbnail(pf_reader *r, pf_err *err)
{
    uint8_t *jpeg;
    size_t n;
    if (!pf_reader_get_thumbnail(r, 4, &jpeg, &n, err))
        return NULL;
    char *text = pf_strf(err, "%zu %d %d", n, jpeg[2], jpeg[3]);
    pf_free(jpeg);
    return text;
}

static char *ask_info(pf_reader *r, pf_err *err)
{
    pf_catalog_info info = PF_CATALOG_INFO_INIT;
    if (!pf_reader_get_info(r, &info, err))
        return NULL;
    return pf_strf(err, "%lld %lld %lld %lld", (long long)info.generation,
                   (long long)info.images, (long long)info.captions,
                   (long long)info.cases);
}

static char *ask(pf_reader *r, int question, int64_t *generation, pf_err *err)
{
    *generation = pf_reader_generation(r);
    switch (question) {
    case IMAGE:
        return ask_image(r, err);
    case CASE:
        return ask_case(r, err);
    case FACETS:
        return ask_facets(r, err);
    case THUMBNAIL:
        return ask_thumbnail(r, err);
    case INFO:
        return ask_info(r, err);
    default:
        return ask_line(r, lines[question], generation, err);
    }
}

/* ---- with nobody else there ---- */

static char *expected[GENERATIONS + 1][N_QUESTIONS];

static pf_engine *open_engine(const char *name)
{
    pf_err err = PF_ERR_INIT;
    pf_engine *engine;
    pf_engine_options options = PF_ENGINE_OPTIONS_INIT;
    options.catalog = pf_tree_path(folder, name);
    assert_ok(pf_engine_open(&engine, &options, &err), &err);
    return engine;
}

static void ask_alone(void)
{
    pf_err err = PF_ERR_INIT;
    pf_catalog *catalog;
    assert_ok(
        pf_catalog_open_writer(&catalog, pf_tree_path(folder, "alone"), NULL, &err),
        &err);
    for (int g = 1; g <= GENERATIONS; g++) {
        assert_ok(publish(catalog, g, &err), &err);
        pf_engine *engine = open_engine("alone");
        pf_reader *r;
        assert_ok(pf_reader_open(&r, engine, &err), &err);
        for (int q = 0; q < N_QUESTIONS; q++) {
            int64_t generation = 0;
            expected[g][q] = ask(r, q, &generation, &err);
            assert_ok(expected[g][q] != NULL, &err);
            assert_int_equal(generation, g);
            /* otherwise nothing could be told from it */
            if (g > 1 && q != N_LINES - 3 && strstr(expected[g][q], "none") == NULL)
                assert_string_not_equal(expected[g][q], expected[g - 1][q]);
        }
        pf_reader_close(r);
        pf_engine_close(engine);
    }
    pf_catalog_close(catalog);
}

/* ---- with an indexer at work ---- */

typedef struct {
    pf_engine *engine;
    int number;
    char problem[512]; /* "" while all is well */
    size_t asked, refreshed;
} asker;

static atomic_size_t n_asked;
static atomic_int is_over, has_failed;

static bool check_one(asker *a, pf_reader *r, int question, int64_t *newest)
{
    pf_err err = PF_ERR_INIT;
    int64_t generation = 0;
    char *text = ask(r, question, &generation, &err);
    if (!text)
        snprintf(a->problem, sizeof a->problem, "question %d: %.400s", question,
                 err.msg);
    else if (generation < *newest || generation > GENERATIONS)
        snprintf(a->problem, sizeof a->problem, "question %d: from %lld to %lld",
                 question, (long long)*newest, (long long)generation);
    else if (strcmp(text, expected[generation][question]) != 0)
        snprintf(a->problem, sizeof a->problem,
                 "question %d of %lld: %.200s, not %.200s", question,
                 (long long)generation, text, expected[generation][question]);
    *newest = generation;
    pf_free(text);
    return a->problem[0] == '\0';
}

static void *ask_on(void *context)
{
    asker *a = context;
    pf_err err = PF_ERR_INIT;
    pf_reader *r;
    uint32_t state = (uint32_t)a->number + 1;
    int64_t newest = 0;
    if (!pf_reader_open(&r, a->engine, &err)) {
        snprintf(a->problem, sizeof a->problem, "%s", err.msg);
        atomic_store(&has_failed, 1);
        return NULL;
    }
    bool ok = true;
    while (ok && !atomic_load(&has_failed) &&
           (!atomic_load(&is_over) || atomic_load(&n_asked) < QUESTIONS)) {
        state = state * 1664525u + 1013904223u;
        if (state >> 30 != 0) { /* three in four: some stay behind for a while */
            ok = pf_reader_refresh(r, &err);
            a->refreshed++;
        }
        if (!ok)
            snprintf(a->problem, sizeof a->problem, "refresh: %.500s", err.msg);
        ok = ok && check_one(a, r, (int)(state >> 8) % N_QUESTIONS, &newest);
        atomic_fetch_add(&n_asked, 1);
        a->asked++;
    }
    if (!ok)
        atomic_store(&has_failed, 1);
    pf_reader_close(r);
    return NULL;
}

/* One generation after another, evenly over the questions. */
static bool publish_on(pf_catalog *catalog, pf_err *err)
{
    const struct timespec pause = {0, 1000000};
    for (int g = 2; g <= GENERATIONS; g++) {
        while (!atomic_load(&has_failed) &&
               atomic_load(&n_asked) < (size_t)(g - 1) * QUESTIONS / (GENERATIONS + 1))
            nanosleep(&pause, NULL);
        if (!publish(catalog, g, err))
            return false;
    }
    return true;
}

static void answers_belong_to_one_generation(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    pf_catalog *catalog;
    asker askers[READERS];
    pthread_t threads[READERS];
    ask_alone();
    assert_ok(
        pf_catalog_open_writer(&catalog, pf_tree_path(folder, "busy"), NULL, &err),
        &err);
    assert_ok(publish(catalog, 1, &err), &err);
    pf_engine *engine = open_engine("busy");
    for (int i = 0; i < READERS; i++) {
        askers[i] = (asker){.engine = engine, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, ask_on, &askers[i]), 0);
    }
    const bool is_published = publish_on(catalog, &err);
    atomic_store(&is_over, 1);
    for (int i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    assert_ok(is_published, &err);
    size_t asked = 0;
    for (int i = 0; i < READERS; i++) {
        assert_string_equal(askers[i].problem, "");
        asked += askers[i].asked;
    }
    assert_true(asked >= QUESTIONS);
    pf_engine_close(engine);
    pf_catalog_close(catalog);
}

/* ---- set-up ---- */

static bool read_model(pf_err *err)
{
    static char clip[] = "clip", description[] = "seeded noise";
    static char hex[PF_HASH_HEX_SIZE];
    const char *path = pf_tree_path(folder, "model");
    pf_model_options options;
    pf_model_options_init(&options);
    pf_model *opened = NULL;
    if (!pf_seeded_model_write(path, err) ||
        !pf_model_open(&opened, path, &options, NULL, err))
        return false;
    const pf_hash fingerprint = pf_model_fingerprint(opened);
    pf_hash_hex(&fingerprint, hex);
    model = (pf_store_model){.fingerprint = hex,
                             .path = pf_strdup(path, err),
                             .preprocess = clip,
                             .description = description,
                             .stamp = pf_model_stamp(opened, err),
                             .dim = pf_model_dim(opened),
                             .logit_scale = 4.6052};
    pf_model_close(opened);
    return model.path && model.stamp;
}

static int before(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    pf_blas_set_threads(1);
    pf_tree_make(folder);
    assert_ok(pf_make_folders(pf_tree_path(folder, "model"), 0700, &err), &err);
    assert_ok(read_model(&err), &err);
    return 0;
}

static int after(void **state)
{
    (void)state;
    for (int g = 1; g <= GENERATIONS; g++) {
        for (int q = 0; q < N_QUESTIONS; q++)
            pf_free(expected[g][q]);
    }
    pf_free(model.path);
    pf_free(model.stamp);
    pf_tree_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_belong_to_one_generation),
    };
    return cmocka_run_group_tests(tests, before, after);
}
