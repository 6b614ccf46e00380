/* test_evaluate.c - ranks against brute force in double and against the search itself.
 *
 * The catalog is seeded noise for the tiny model, with everything that makes ranks
 * hard: equal vectors, one text for several images, images with several captions,
 * images without. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/ids.h"
#include "core/base/mem.h"
#include "core/catalog/catalog.h"
#include "core/evaluate/evaluate.h"
#include "core/search/words_many.h"
#include "tests/support/asking.h"
#include "tests/support/seeded.h"
#include "tests/support/tree.h"
#include "tests/unit/test_support.h"

enum { DIM = 32, IMAGES = 150, TEXTS = 90, CAPTIONS_MAX = 4 * IMAGES };

static char root[64], model[96], folder[96], file[96];
static pf_err err;

/* ---- the catalog ----------------------------------------------------------------- */

static uint32_t state_;

static uint32_t pick(uint32_t n)
{
    state_ = state_ * 1664525u + 1013904223u;
    return (state_ >> 8) % n;
}

/* Few words, so that many captions share them; some denied, some with other names, some
 * with operators. Texts 2 k and 2 k + 1 for some k differ in capitals only: the model
 * makes the same vector of them. */
static void make_text(char out[256], int i)
{
    static const char *const words[] = {
        "effusion", "pneumothorax", "no fracture", "cxr",     "chest x-ray",
        "right",    "left",         "t2-weighted", "l4/l5",   "nodules",
        "mass",     "no effusion",  "AND cat",     "pneumo*", "oedema"};
    state_ = (uint32_t)(i / 2) * 77777u + 5;
    if (i == 30) {
        snprintf(out, 256, "?!");
        return;
    }
    int n = snprintf(out, 256, "%s", i % 2 == 0 ? "text" : "TEXT");
    for (uint32_t k = 0, many = 1 + pick(6); k < many; k++)
        n += snprintf(out + n, 256 - (size_t)n, " %s", words[pick(15)]);
}

typedef struct {
    pf_store *store;
    int64_t model, source;
} writing;

static void put_model(writing *w, const pf_model *m)
{
    const pf_hash fingerprint = pf_model_fingerprint(m);
    char hex[PF_HASH_HEX_SIZE], description[] = "noise", clip[] = "clip";
    pf_hash_hex(&fingerprint, hex);
    const pf_store_model row = {.fingerprint = hex,
                                .path = model,
                                .preprocess = clip,
                                .description = description,
                                .stamp = pf_model_stamp(m, &err),
                                .dim = DIM,
                                .logit_scale = 1};
    assert_non_null(row.stamp);
    assert_ok(pf_store_put_model(w->store, &row, &w->model, &err), &err);
    assert_ok(pf_store_use_model(w->store, w->model, &err), &err);
    pf_free(row.stamp);
}

/* Every seventh image has none, some have two or three; every third vector is that of
 * another image. */
static void put_image(writing *w, int i, const int64_t *texts)
{
    char path[64];
    float v[DIM];
    int64_t id, own[3];
    size_t n = 0;
    snprintf(path, sizeof path, "/films/%d.png", i);
    pf_seeded_vector(v, DIM, (uint32_t)(i % 3 == 0 ? i / 9 : i));
    const pf_store_picture picture = {.model_id = w->model,
                                      .content = pf_hash_bytes(path, strlen(path)),
                                      .width = 1,
                                      .height = 1,
                                      .format = "png",
                                      .vector = v};
    pf_store_image image = {.source_id = w->source, .path = path, .size = 1};
    const pf_store_attribute a[] = {{"modality", i % 2 ? "CT" : "MR"},
                                    {"findings", i % 5 ? "mass" : "mass;big one"}};
    assert_ok(pf_store_put_picture(w->store, &picture, &image.picture_id, &err), &err);
    assert_ok(pf_store_put_image(w->store, &image, &id, &err), &err);
    assert_int_equal(id, i);
    assert_ok(pf_store_set_image_attributes(w->store, id, a, 2, &err), &err);
    state_ = (uint32_t)i;
    for (uint32_t k = 0; i % 7 != 0 && k < 1 + pick(3); k++)
        own[n++] = texts[pick(TEXTS)];
    assert_ok(pf_store_set_captions(w->store, id, own, n, &err), &err);
}

static void write_catalog(void)
{
    pf_catalog *catalog;
    pf_model *m;
    pf_embedder *e;
    pf_model_options options;
    int64_t texts[TEXTS];
    pf_model_options_init(&options);
    assert_ok(pf_model_open(&m, model, &options, NULL, &err), &err);
    assert_ok(pf_embedder_new(&e, m, &err), &err);
    assert_ok(pf_catalog_open_writer(&catalog, folder, NULL, &err), &err);
    writing w = {.store = pf_catalog_store(catalog)};
    const pf_store_source source = {.path = "/films", .kind = "folder"};
    assert_ok(pf_store_begin(w.store, &err), &err);
    put_model(&w, m);
    assert_ok(pf_store_put_source(w.store, &source, &w.source, &err), &err);
    for (int i = 0; i < TEXTS; i++) {
        char text[256];
        const char *one = text;
        float v[DIM];
        make_text(text, i);
        assert_ok(pf_embed_texts(e, &one, 1, v, NULL, &err), &err);
        assert_ok(pf_store_put_caption_text(w.store, w.model, text, v, &texts[i], &err),
                  &err);
    }
    for (int i = 1; i <= IMAGES; i++)
        put_image(&w, i, texts);
    assert_ok(pf_catalog_publish(catalog, &err), &err);
    pf_catalog_close(catalog);
    pf_embedder_free(e);
    pf_model_close(m);
}

static int before_all(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    snprintf(root, sizeof root, "/tmp/plainfilm-evaluate-XXXXXX");
    if (!mkdtemp(root))
        return -1;
    snprintf(model, sizeof model, "%s/model", root);
    snprintf(folder, sizeof folder, "%s/catalog", root);
    snprintf(file, sizeof file, "%s/questions", root);
    if (mkdir(model, 0700) != 0 || !pf_seeded_model_write(model, &err))
        return -1;
    write_catalog();
    return 0;
}

static int after_all(void **state)
{
    (void)state;
    pf_tree_remove(root);
    return 0;
}

static int before(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    return 0;
}

static pf_reader *open_reader(void)
{
    pf_reader *reader;
    assert_ok(pf_asking_open(&reader, folder, NULL, NULL, &err), &err);
    return reader;
}

/* ---- brute force ----------------------------------------------------------------- */

typedef struct {
    int64_t id, image_id;
    char *text;
    float v[DIM];
} known_caption;

static float image_vector[IMAGES + 1][DIM];
static known_caption captions[CAPTIONS_MAX];
static size_t n_captions;
static bool takes_part[IMAGES + 1];

static bool note_image(void *user, int64_t id, const float *v, int dim, pf_err *e)
{
    (void)user;
    (void)e;
    assert_int_equal(dim, DIM);
    memcpy(image_vector[id], v, sizeof image_vector[id]);
    return true;
}

static bool note_caption(void *user, int64_t id, const float *v, int dim, pf_err *e)
{
    known_caption *c = &captions[n_captions];
    (void)dim;
    assert_true(n_captions < CAPTIONS_MAX);
    c->id = id;
    memcpy(c->v, v, sizeof c->v);
    assert_ok(pf_store_get_caption(user, id, &c->text, &c->image_id, e), e);
    if (takes_part[c->image_id])
        n_captions++;
    else
        pf_free(c->text);
    return true;
}

static void know(bool only_ct)
{
    char path[128];
    pf_store *store;
    snprintf(path, sizeof path, "%s/catalog.db", folder);
    assert_ok(pf_store_open(&store, path, PF_STORE_READ, &err), &err);
    for (int i = 1; i <= IMAGES; i++)
        takes_part[i] = !only_ct || i % 2 == 1;
    n_captions = 0;
    assert_ok(pf_store_each_image_vector(store, note_image, NULL, &err), &err);
    assert_ok(pf_store_each_caption_vector(store, note_caption, store, &err), &err);
    pf_store_close(store);
}

static void forget(void)
{
    for (size_t i = 0; i < n_captions; i++)
        pf_free(captions[i].text);
}

static double cosine(const float *a, const float *b)
{
    double sum = 0;
    for (int i = 0; i < DIM; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

static bool has_text(int64_t image, const char *text)
{
    for (size_t i = 0; i < n_captions; i++) {
        if (captions[i].image_id == image && strcmp(captions[i].text, text) == 0)
            return true;
    }
    return false;
}

typedef struct {
    int64_t id;
    double score;
    bool is_right;
} ranked;

static int best_first(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    return x->score != y->score ? (x->score < y->score) - (x->score > y->score)
                                : (x->id > y->id) - (x->id < y->id);
}

static size_t first_right(ranked *all, size_t n)
{
    qsort(all, n, sizeof *all, best_first);
    for (size_t i = 0; i < n; i++) {
        if (all[i].is_right)
            return i + 1;
    }
    return 0;
}

static size_t rank_image(const known_caption *c)
{
    ranked all[IMAGES];
    size_t n = 0;
    for (int i = 1; i <= IMAGES; i++) {
        if (takes_part[i])
            all[n++] = (ranked){i, cosine(c->v, image_vector[i]), has_text(i, c->text)};
    }
    return first_right(all, n);
}

static size_t rank_caption(int64_t image)
{
    static ranked all[CAPTIONS_MAX];
    for (size_t i = 0; i < n_captions; i++)
        all[i] = (ranked){captions[i].id, cosine(captions[i].v, image_vector[image]),
                          has_text(image, captions[i].text)};
    return first_right(all, n_captions);
}

/* Captions whose text no earlier one has. */
static size_t list_texts(size_t out[CAPTIONS_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < n_captions; i++) {
        size_t k = 0;
        while (strcmp(captions[k].text, captions[i].text) != 0)
            k++;
        if (k == i)
            out[n++] = i;
    }
    return n;
}

/* Plain formulas. */
static void assert_figures(const pf_evaluated_way *e, const size_t *ranks, size_t n)
{
    double within = 0, sum = 0;
    assert_int_equal(e->metrics.n, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(e->ranks[i], ranks[i]);
        within += ranks[i] >= 1 && ranks[i] <= 5;
        sum += ranks[i] ? 1.0 / (double)ranks[i] : 0;
    }
    assert_true(fabs(e->metrics.of[PF_RECALL_AT_5].value - within / (double)n) < 1e-9);
    assert_true(fabs(e->metrics.of[PF_MRR].value - sum / (double)n) < 1e-9);
}

static pf_filter ct(void)
{
    pf_filter f;
    assert_ok(pf_filter_parse(&f, "modality=ct", &err), &err);
    return f;
}

static void meaning_is_brute_force(bool only_ct, int threads)
{
    static size_t texts[CAPTIONS_MAX], ranks[CAPTIONS_MAX];
    pf_reader *reader = open_reader();
    pf_filter filter = ct();
    pf_evaluate_result e = {0};
    const pf_evaluate_options o = {.by = PF_BY_MEANING,
                                   .filters = &filter,
                                   .n_filters = only_ct,
                                   .threads = threads};
    assert_ok(pf_evaluate(reader, &o, &e, NULL, &err), &err);
    know(only_ct);
    const size_t n = list_texts(texts);
    for (size_t i = 0; i < n; i++)
        ranks[i] = rank_image(&captions[texts[i]]);
    assert_figures(&e.text_to_image[PF_EVALUATED_MEANING], ranks, n);
    size_t n_images = 0;
    for (int i = 1; i <= IMAGES; i++) {
        const size_t rank = takes_part[i] ? rank_caption(i) : 0;
        if (rank > 0)
            ranks[n_images++] = rank;
    }
    assert_true(n_images > 0 && n_images < IMAGES);
    assert_figures(&e.image_to_text, ranks, n_images);
    assert_false(e.text_to_image[PF_EVALUATED_WORDS].is_there);
    assert_false(e.text_to_image[PF_EVALUATED_BOTH].is_there);
    assert_int_equal(e.images, only_ct ? IMAGES / 2 : IMAGES);
    forget();
    pf_evaluate_result_reset(&e);
    pf_filter_reset(&filter);
    pf_asking_close(reader);
}

static void test_meaning_is_brute_force(void **state)
{
    (void)state;
    meaning_is_brute_force(false, 1);
    meaning_is_brute_force(false, 3);
    meaning_is_brute_force(true, 2);
}

/* ---- the search itself ----------------------------------------------------------- */

static size_t rank_by_search(pf_reader *reader, const char *text, pf_by by,
                             const pf_filter *filter, size_t n_filters)
{
    const pf_part part = {.kind = PF_PART_PHRASE, .text = text, .weight = 1};
    pf_query q;
    pf_hits answer = {0};
    size_t rank = 0;
    pf_query_init(&q);
    q.parts = &part;
    q.n_parts = 1;
    q.by = by;
    q.limit = 1000;
    q.filters = filter;
    q.n_filters = n_filters;
    if (!pf_search_run(reader, &q, &answer, &err)) {
        assert_int_equal(err.code, PF_ERR_MISUSE); /* "?!" has no words */
        err = (pf_err)PF_ERR_INIT;
        return 0;
    }
    for (size_t i = 0; rank == 0 && i < answer.n_hits; i++)
        rank = has_text(answer.hits[i].id, text) ? i + 1 : 0;
    pf_hits_reset(&answer);
    return rank;
}

static void words_and_both_are_the_search(bool only_ct)
{
    static size_t texts[CAPTIONS_MAX], words[CAPTIONS_MAX], both[CAPTIONS_MAX];
    pf_reader *reader = open_reader();
    pf_filter filter = ct();
    pf_evaluate_result e = {0};
    const pf_evaluate_options o = {
        .filters = &filter, .n_filters = only_ct, .threads = 2};
    assert_ok(pf_evaluate(reader, &o, &e, NULL, &err), &err);
    know(only_ct);
    const size_t n = list_texts(texts);
    for (size_t i = 0; i < n; i++) {
        const char *text = captions[texts[i]].text;
        words[i] = rank_by_search(reader, text, PF_BY_WORDS, &filter, only_ct);
        both[i] = rank_by_search(reader, text, PF_BY_DEFAULT, &filter, only_ct);
    }
    assert_figures(&e.text_to_image[PF_EVALUATED_WORDS], words, n);
    assert_figures(&e.text_to_image[PF_EVALUATED_BOTH], both, n);
    assert_true(e.text_to_image[PF_EVALUATED_MEANING].is_there);
    forget();
    pf_evaluate_result_reset(&e);
    pf_filter_reset(&filter);
    pf_asking_close(reader);
}

static void test_words_and_both_are_the_search(void **state)
{
    (void)state;
    words_and_both_are_the_search(false);
    words_and_both_are_the_search(true);
}

static void compare_answers(const pf_words_answer *a, const pf_words_answer *b)
{
    assert_int_equal(a->n_hits, b->n_hits);
    assert_int_equal(a->n_asked, b->n_asked);
    for (size_t i = 0; i < a->n_hits; i++) {
        assert_int_equal(a->hits[i].caption_id, b->hits[i].caption_id);
        assert_int_equal(a->hits[i].image_id, b->hits[i].image_id);
        assert_int_equal(a->hits[i].matched, b->hits[i].matched);
        assert_int_equal(a->hits[i].fields, b->hits[i].fields);
        assert_true(a->hits[i].score == b->hits[i].score);
    }
}

/* What is in both, in whatever order. */
static void compare_all(pf_words_answer *a, pf_words_answer *b)
{
    assert_int_equal(a->n_all, b->n_all);
    pf_ids_sort(a->all, a->n_all);
    pf_ids_sort(b->all, b->n_all);
    for (size_t i = 0; i < a->n_all; i++)
        assert_int_equal(a->all[i], b->all[i]);
}

/* Of one question, and with what is known of the rows; of rows with all words, too, and
 * with some. */
static void compare_rows(pf_words *words, pf_word_rows *rows, pf_store *store,
                         const pf_words_ask *ask)
{
    for (int counted = 0; counted < 3; counted++) {
        pf_words_answer a = {0}, b = {0};
        pf_words_ask with = *ask;
        with.counts_all = counted == 1;
        with.counts_some = counted == 2;
        if (!pf_words_search(words, store, &with, &a, &err))
            break; /* there is no word in it */
        with.rows = rows;
        assert_ok(pf_words_search(words, store, &with, &b, &err), &err);
        compare_answers(&a, &b);
        compare_all(&a, &b);
        pf_words_answer_reset(&a);
        pf_words_answer_reset(&b);
    }
    err = (pf_err)PF_ERR_INIT;
}

static void compare_words(pf_words *words, pf_words_many *many, pf_store *store,
                          const pf_words_ask *ask)
{
    pf_words_answer a = {0}, b = {0};
    pf_err why = PF_ERR_INIT;
    const bool ok = pf_words_search(words, store, ask, &a, &err);
    assert_int_equal(pf_words_many_search(many, store, ask, &b, &why), ok);
    assert_int_equal(err.code, why.code);
    compare_answers(&a, &b);
    pf_words_answer_reset(&a);
    pf_words_answer_reset(&b);
    err = (pf_err)PF_ERR_INIT;
}

static void test_many_questions_are_answered_as_one_is(void **state)
{
    (void)state;
    static const char *const more[] = {"effusion",
                                       "no effusion",
                                       "\"chest x-ray\" mass",
                                       "pneum* right",
                                       "CXR NOT mass",
                                       "zebra",
                                       "zebra effusion",
                                       "L4/L5 t2",
                                       "",
                                       "the of",
                                       "(right OR left) AND mass",
                                       "x-ray chest"};
    static const size_t limits[] = {1, 2, 7, 40, 1000};
    const int64_t some[] = {1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144};
    pf_reader *reader = open_reader();
    char path[128];
    pf_store *store;
    snprintf(path, sizeof path, "%s/catalog.db", folder);
    for (int round = 0; round < 4; round++) { /* in little memory and in none, too */
        const pf_words_settings settings = {.ignores_negation = round == 1};
        pf_words *words;
        pf_words_many *many;
        pf_word_rows *rows;
        assert_ok(pf_store_open(&store, path, PF_STORE_READ, &err), &err);
        assert_ok(pf_words_new(&words, &settings, &err), &err);
        assert_ok(pf_words_many_new(&many, words, store, &err), &err);
        assert_ok(pf_word_rows_new(&rows, words, store, &err), &err);
        if (round >= 2)
            pf_words_many_set_limit(many, round == 2 ? 20000 : 0);
        for (int i = 0; i < TEXTS + 12; i += round < 2 ? 1 : 5) {
            char text[256];
            make_text(text, i);
            for (size_t k = 0; k < 12; k++) {
                const pf_words_ask ask = {.text = i < TEXTS ? text : more[i - TEXTS],
                                          .images = k < 7 ? NULL : some,
                                          .n_images = k < 7 ? 0 : 11,
                                          .limit = limits[k % 5],
                                          .by_image = k % 3 != 0};
                compare_words(words, many, store, &ask);
                if (round < 2 && k % 5 == 3)
                    compare_rows(words, rows, store, &ask);
            }
        }
        pf_words_many_free(many);
        pf_word_rows_free(rows);
        pf_words_free(words);
        pf_store_close(store);
    }
    pf_asking_close(reader);
}

/* ---- questions from a file ------------------------------------------------------- */

static void write_file(const char *text)
{
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static bool evaluate_file(pf_evaluate_result *e, const char *text, pf_notes *notes)
{
    pf_reader *reader = open_reader();
    const pf_evaluate_options o = {.queries = file, .threads = 2};
    write_file(text);
    err = (pf_err)PF_ERR_INIT;
    const bool ok = pf_evaluate(reader, &o, e, notes, &err);
    pf_asking_close(reader);
    return ok;
}

static void refuse(const char *text, pf_code code, const char *words)
{
    pf_evaluate_result e = {0};
    assert_refused(evaluate_file(&e, text, NULL), &err, words);
    assert_int_equal(err.code, code);
    assert_null(e.text_to_image[0].ranks);
}

/* The vector of a phrase asks; the rank is where the search has the image. */
static size_t place_of(pf_reader *reader, const char *text, pf_by by, int64_t a,
                       int64_t b)
{
    const pf_part part = {.kind = PF_PART_PHRASE, .text = text, .weight = 1};
    pf_query q;
    pf_hits answer = {0};
    size_t rank = 0;
    pf_query_init(&q);
    q.parts = &part;
    q.n_parts = 1;
    q.by = by;
    q.limit = 1000;
    assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
    for (size_t i = 0; rank == 0 && i < answer.n_hits; i++)
        rank = answer.hits[i].id == a || answer.hits[i].id == b ? i + 1 : 0;
    pf_hits_reset(&answer);
    return rank;
}

static void assert_same_places(const pf_evaluate_result *e)
{
    pf_reader *reader = open_reader();
    static const pf_by by[] = {PF_BY_MEANING, PF_BY_WORDS, PF_BY_BOTH};
    for (int k = 0; k < PF_N_EVALUATED; k++) {
        const size_t *ranks = e->text_to_image[k].ranks;
        assert_int_equal(e->text_to_image[k].metrics.n, 2);
        assert_int_equal(ranks[0], place_of(reader, "right effusion", by[k], 17, 40));
        assert_int_equal(ranks[1], place_of(reader, "mass", by[k], 99, 99));
    }
    assert_false(e->image_to_text.is_there);
    pf_asking_close(reader);
}

static void test_questions_name_what_is_right(void **state)
{
    (void)state;
    static const char *const files[] = {
        "phrase,relevant\nright effusion,17 ;40\nmass,99\n",
        "relevant,path,phrase\n40 40,/films/17.png,right "
        "effusion\n,/films/99.png,mass\n",
        "{\"phrase\": \"right effusion\", \"relevant\": [40, 17]}\n\n"
        "{\"relevant\": [99], \"phrase\": \"mass\"}"};
    for (size_t i = 0; i < 3; i++) {
        pf_evaluate_result e = {0};
        assert_ok(evaluate_file(&e, files[i], NULL), &err);
        assert_int_equal(e.questions, 2);
        assert_int_equal(e.skipped, 0);
        assert_same_places(&e);
        pf_evaluate_result_reset(&e);
    }
}

/* "big one" is one of two values of every fifth image. */
static void test_attributes_say_what_is_right(void **state)
{
    (void)state;
    pf_evaluate_result e = {0};
    pf_notes notes = {0};
    assert_ok(evaluate_file(&e,
                            "phrase,modality,findings\n"
                            "a,ct,BIG ONE\nb,,big one; mass\nc,MR,\nd,US,\n"
                            "e,,mass;small\n",
                            &notes),
              &err);
    assert_int_equal(e.questions, 3);
    assert_int_equal(e.skipped, 2);
    bool is_told = false;
    for (size_t i = 0; i < notes.count; i++)
        is_told = is_told || strstr(notes.line[i], "line 5: no image answers 'd'");
    assert_true(is_told);
    pf_notes_reset(&notes);
    pf_evaluate_result_reset(&e);
}

/* Values that were asked for before, alone and together, are the same images. */
static void test_values_are_ids(void **state)
{
    (void)state;
    static const char by_values[] = "phrase,modality,findings\n"
                                    "mass,ct,big one\nright,CT,\nleft,CT,BIG ONE\n"
                                    "mass,ct,mass\nnodules,,Big one;mass\n";
    static const int step[] = {10, 2, 10, 2, 5}, first[] = {5, 1, 5, 1, 5};
    static const char *const phrases[] = {"mass", "right", "left", "mass", "nodules"};
    char by_ids[5 * 4 * IMAGES] = "phrase,relevant\n";
    size_t n = strlen(by_ids);
    for (int k = 0; k < 5; k++) {
        n += (size_t)snprintf(by_ids + n, sizeof by_ids - n, "%s,", phrases[k]);
        for (int i = first[k]; i <= IMAGES; i += step[k])
            n += (size_t)snprintf(by_ids + n, sizeof by_ids - n, "%d ", i);
        n += (size_t)snprintf(by_ids + n, sizeof by_ids - n, "\n");
    }
    assert_true(n < sizeof by_ids - 1);
    pf_evaluate_result a = {0}, b = {0};
    assert_ok(evaluate_file(&a, by_values, NULL), &err);
    assert_ok(evaluate_file(&b, by_ids, NULL), &err);
    assert_int_equal(a.questions, 5);
    assert_int_equal(b.questions, 5);
    for (int k = 0; k < PF_N_EVALUATED; k++)
        assert_memory_equal(a.text_to_image[k].ranks, b.text_to_image[k].ranks,
                            5 * sizeof(size_t));
    pf_evaluate_result_reset(&a);
    pf_evaluate_result_reset(&b);
}

static void test_files_that_are_refused(void **state)
{
    (void)state;
    refuse("", PF_ERR_FORMAT, "no column is called 'phrase'");
    refuse("text,relevant\na,1\n", PF_ERR_FORMAT, "no column is called 'phrase'");
    refuse("phrase\na\n", PF_ERR_FORMAT, "no column says what is right");
    refuse("phrase,phrase,modality\n", PF_ERR_FORMAT,
           "two columns are called 'phrase'");
    refuse("phrase,relevant,modality\na,1,CT\n", PF_ERR_FORMAT,
           "column 'modality' does not go with");
    refuse("phrase,colour\na,red\n", PF_ERR_NOT_FOUND,
           "column 'colour' is no attribute");
    refuse("phrase,relevant\na,1\nb,9999\n", PF_ERR_NOT_FOUND,
           "line 3: there is no image 9999");
    refuse("phrase,relevant\na,0\n", PF_ERR_NOT_FOUND, "line 2: there is no image 0");
    refuse("phrase,relevant\na,-1\n", PF_ERR_FORMAT, "line 2: '-1' is no number");
    refuse("phrase,relevant\na,99999999999999999999\n", PF_ERR_FORMAT, "is no number");
    refuse("phrase,path\na,/films/no.png\n", PF_ERR_NOT_FOUND,
           "line 2: there is no image '/films/no.png'");
    refuse("phrase,modality\na\n", PF_ERR_FORMAT, "line 2: 1 columns");
    refuse("phrase,modality\na, ; \n", PF_ERR_FORMAT,
           "line 2: nothing says what is right");
    refuse("phrase,modality\n ,CT\n", PF_ERR_FORMAT, "line 2: the phrase is empty");
    refuse("phrase,modality\n\xff,CT\n", PF_ERR_FORMAT, "the phrase is not UTF-8");
    refuse("phrase,modality\n\"a,CT\n", PF_ERR_FORMAT, "never closed");
    refuse("phrase,modality\na,US\n", PF_ERR_NOT_FOUND, "there is no question in");
    refuse("{\"phrase\": \"a\"}", PF_ERR_FORMAT, "line 1: not an object");
    refuse("{\"phrase\": \"a\", \"relevant\": [1], \"x\": 1}", PF_ERR_FORMAT,
           "line 1: not an object");
    refuse("{\"phrase\": \"a\", \"relevant\": [1.5]}", PF_ERR_FORMAT, "no number");
    refuse("{\"phrase\": \"a\", \"relevant\": [1]}\n{", PF_ERR_FORMAT, "line 2");
    refuse("{\"phrase\": \"a\", \"relevant\": [1]}\n{\"phrase\": \"b\", \"relevant\": "
           "[77777]}",
           PF_ERR_NOT_FOUND, "line 2: there is no image 77777");
}

/* ---- refusals and ends ----------------------------------------------------------- */

static void test_it_can_be_stopped(void **state)
{
    (void)state;
    static const pf_by by[] = {PF_BY_MEANING, PF_BY_WORDS, PF_BY_BOTH};
    atomic_int stop = 1;
    pf_reader *reader = open_reader();
    for (int i = 0; i < 3; i++) {
        pf_evaluate_result e = {0};
        const pf_evaluate_options o = {.by = by[i], .stop = &stop, .threads = 2};
        assert_false(pf_evaluate(reader, &o, &e, NULL, &err));
        assert_int_equal(err.code, PF_ERR_INTERRUPTED);
        err = (pf_err)PF_ERR_INIT;
    }
    pf_asking_close(reader);
}

static bool evaluate_failing_at(const pf_evaluate_options *o, long n)
{
    pf_reader *reader = open_reader();
    pf_evaluate_result e = {0};
    err = (pf_err)PF_ERR_INIT;
    pf_mem_fail_at(n);
    const bool ok = pf_evaluate(reader, o, &e, NULL, &err);
    pf_mem_fail_at(0);
    if (!ok) {
        assert_int_equal(err.code, PF_ERR_NOMEM);
        assert_null(e.image_to_text.ranks);
        for (int i = 0; i < PF_N_EVALUATED; i++)
            assert_null(e.text_to_image[i].ranks);
    }
    pf_evaluate_result_reset(&e);
    pf_asking_close(reader);
    return ok;
}

/* Each of the first ones, then fewer and fewer: there are thousands. */
static void test_allocations_may_fail(void **state)
{
    (void)state;
    static const char *const files[] = {
        NULL, "phrase,findings\nright effusion,mass;big one\nmass,mass\n",
        "phrase,path,relevant\nleft mass,/films/5.png,3\n",
        "{\"phrase\": \"a mass\", \"relevant\": [3, 5]}\n"};
    pf_filter few;
    assert_ok(pf_filter_parse(&few, "path~/films/?.png", &err), &err);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const pf_evaluate_options o = {.queries = files[i] ? file : NULL,
                                       .filters = &few,
                                       .n_filters = 1,
                                       .threads = 2,
                                       .resamples = 1};
        if (files[i])
            write_file(files[i]);
        long n = 1;
        while (!evaluate_failing_at(&o, n)) {
            n += 1 + n / 30;
            assert_true(n < 1000000);
        }
        assert_true(n > 40);
    }
    pf_filter_reset(&few);
}

static void test_nothing_to_ask_with(void **state)
{
    (void)state;
    char other[128];
    pf_reader *reader;
    pf_evaluate_result e = {0};
    pf_filter none;
    pf_evaluate_options o = {.n_filters = 1, .filters = &none};
    assert_ok(pf_filter_parse(&none, "modality=US", &err), &err);
    reader = open_reader();
    assert_refused(pf_evaluate(reader, &o, &e, NULL, &err), &err, "no image matches");
    pf_asking_close(reader);
    pf_filter_reset(&none);

    snprintf(other, sizeof other, "%s/bare", root);
    err = (pf_err)PF_ERR_INIT;
    assert_ok(pf_seeded_catalog_write(other, model, NULL, 20, false, &err), &err);
    assert_ok(pf_asking_open(&reader, other, NULL, NULL, &err), &err);
    o = (pf_evaluate_options){0};
    assert_refused(pf_evaluate(reader, &o, &e, NULL, &err), &err,
                   "no captions to ask with");
    write_file("phrase,relevant\na,1\n");
    o.queries = file;
    o.by = PF_BY_WORDS;
    err = (pf_err)PF_ERR_INIT;
    assert_refused(pf_evaluate(reader, &o, &e, NULL, &err), &err,
                   "no captions in which");
    o.by = PF_BY_DEFAULT;
    err = (pf_err)PF_ERR_INIT;
    assert_ok(pf_evaluate(reader, &o, &e, NULL, &err), &err);
    assert_false(e.text_to_image[PF_EVALUATED_WORDS].is_there);
    pf_evaluate_result_reset(&e);
    pf_asking_close(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_meaning_is_brute_force, before),
        cmocka_unit_test_setup(test_words_and_both_are_the_search, before),
        cmocka_unit_test_setup(test_many_questions_are_answered_as_one_is, before),
        cmocka_unit_test_setup(test_questions_name_what_is_right, before),
        cmocka_unit_test_setup(test_attributes_say_what_is_right, before),
        cmocka_unit_test_setup(test_values_are_ids, before),
        cmocka_unit_test_setup(test_files_that_are_refused, before),
        cmocka_unit_test_setup(test_it_can_be_stopped, before),
        cmocka_unit_test_setup(test_allocations_may_fail, before),
        cmocka_unit_test_setup(test_nothing_to_ask_with, before),
    };
    /* as the programs do; and the thread sanitizer does not know libgomp's barriers */
    return cmocka_run_group_tests(tests, before_all, after_all);
}
