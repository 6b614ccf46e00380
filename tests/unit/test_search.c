/* test_search.c - answers against a brute-force oracle, the trust in models, refusals.
 *
 * The catalog is seeded noise (seeded.h), the model the tiny one: it embeds, but what
 * it says means nothing. That is enough: every expected score is computed here, from
 * the vectors in SQLite and those that the embedder gives. */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/catalog/catalog.h"
#include "core/search/search.h"
#include "core/search/words_search.h"
#include "tests/support/asking.h"
#include "tests/support/seeded.h"
#include "tests/support/tree.h"
#include "tests/unit/test_support.h"

enum { DIM = 32, IMAGES = 300, LIMIT = 40 };

static char master[64]; /* a model, made once: noise takes its time */
static char root[64], model[96], folder[96];
static pf_err err;

static bool copy_file(const char *from, const char *to)
{
    char bytes[1 << 16];
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    bool ok = in && out;
    for (size_t n; ok && (n = fread(bytes, 1, sizeof bytes, in)) > 0;)
        ok = fwrite(bytes, 1, n, out) == n;
    if (in)
        fclose(in);
    return (!out || fclose(out) == 0) && ok;
}

static bool copy_model(void)
{
    static const char *const names[] = {"config.json", "preprocessor_config.json",
                                        "model.safetensors", "merges.txt"};
    bool ok = mkdir(model, 0700) == 0;
    for (size_t i = 0; ok && i < sizeof names / sizeof *names; i++) {
        char from[128], to[128];
        snprintf(from, sizeof from, "%s/%s", master, names[i]);
        snprintf(to, sizeof to, "%s/%s", model, names[i]);
        ok = copy_file(from, to);
    }
    return ok;
}

static int before_all(void **state)
{
    (void)state;
    snprintf(master, sizeof master, "/tmp/plainfilm-search-XXXXXX");
    return mkdtemp(master) && pf_seeded_model_write(master, &err) ? 0 : -1;
}

static int after_all(void **state)
{
    (void)state;
    pf_tree_remove(master);
    return 0;
}

static int before(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    snprintf(root, sizeof root, "/tmp/plainfilm-search-XXXXXX");
    if (!mkdtemp(root))
        return -1;
    snprintf(model, sizeof model, "%s/model", root);
    snprintf(folder, sizeof folder, "%s/catalog", root);
    if (copy_model() &&
        pf_seeded_catalog_write(folder, model, NULL, IMAGES, true, &err))
        return 0;
    fprintf(stderr, "%s\n", err.msg);
    return -1;
}

static int after(void **state)
{
    (void)state;
    pf_tree_remove(root);
    return 0;
}

static pf_reader *open_reader(const char *other_model)
{
    const pf_engine_options options = {.model = other_model};
    pf_reader *reader;
    assert_ok(pf_asking_open(&reader, folder, &options, NULL, &err), &err);
    return reader;
}

static pf_query ask(pf_find find, const pf_part *parts, size_t n_parts)
{
    pf_query q;
    pf_query_init(&q);
    q.find = find;
    q.limit = LIMIT;
    q.by = PF_BY_MEANING;
    q.parts = parts;
    q.n_parts = n_parts;
    return q;
}

static pf_part phrase(const char *text)
{
    return (pf_part){.kind = PF_PART_PHRASE, .text = text, .weight = 1};
}

static pf_part like(const char *text)
{
    return (pf_part){.kind = PF_PART_LIKE, .text = text, .weight = 1};
}

/* ---- the oracle ---- */

/* What the tiny model makes of a part, without the code under test. */
static void embed(const pf_part *part, float v[DIM])
{
    pf_model_options options;
    pf_model_options_init(&options);
    pf_model *m;
    pf_embedder *e;
    pf_sandbox *sandbox;
    assert_ok(pf_model_open(&m, model, &options, NULL, &err), &err);
    assert_ok(pf_embedder_new(&e, m, &err), &err);
    assert_ok(pf_sandbox_new(&sandbox, &err), &err);
    assert_ok(pf_part_embed(part, e, sandbox, v, NULL, &err), &err);
    pf_sandbox_free(sandbox);
    pf_embedder_free(e);
    pf_model_close(m);
}

static void normalize(float v[DIM])
{
    double square = 0;
    for (int i = 0; i < DIM; i++)
        square += (double)v[i] * v[i];
    for (int i = 0; i < DIM; i++)
        v[i] = (float)(v[i] / sqrt(square));
}

typedef struct {
    int64_t id;
    double score;
} scored;

typedef struct {
    const float *vector;
    int64_t left_out;
    scored at[2 * IMAGES];
    size_t n;
} oracle;

static bool score_one(void *user, int64_t id, const float *vector, int dim, pf_err *e)
{
    (void)e;
    oracle *o = user;
    assert_int_equal(dim, DIM);
    double sum = 0;
    for (int i = 0; i < dim; i++)
        sum += (double)vector[i] * o->vector[i];
    if (id != o->left_out)
        o->at[o->n++] = (scored){id, sum};
    return true;
}

static int best_first(const void *a, const void *b)
{
    const scored *x = a, *y = b;
    return x->score != y->score ? (x->score < y->score) - (x->score > y->score)
                                : (x->id > y->id) - (x->id < y->id);
}

static pf_store *open_store(void)
{
    char path[128];
    snprintf(path, sizeof path, "%s/catalog.db", folder);
    pf_store *store;
    assert_ok(pf_store_open(&store, path, PF_STORE_READ, &err), &err);
    return store;
}

/* Everything in SQLite, ranked. */
static void ask_oracle(oracle *o, pf_find find, const float *vector, int64_t left_out)
{
    *o = (oracle){.vector = vector, .left_out = left_out};
    pf_store *store = open_store();
    assert_ok(find == PF_FIND_IMAGES
                  ? pf_store_each_image_vector(store, score_one, o, &err)
                  : pf_store_each_caption_vector(store, score_one, o, &err),
              &err);
    pf_store_close(store);
    qsort(o->at, o->n, sizeof *o->at, best_first);
}

/* The hits are the first `limit` of everything in SQLite, ranked by brute force. Seeded
 * scores lie far enough apart for the order to be the same. */
static void assert_brute_force(pf_find find, const float *vector, int64_t left_out,
                               size_t limit, const pf_hits *answer)
{
    static oracle o;
    ask_oracle(&o, find, vector, left_out);
    assert_int_equal(answer->n_hits, limit < o.n ? limit : o.n);
    for (size_t i = 0; i < answer->n_hits; i++) {
        assert_int_equal(answer->hits[i].id, o.at[i].id);
        assert_true(fabs(answer->hits[i].score - o.at[i].score) < 1e-5);
    }
}

/* ---- answers ---- */

static void test_phrase_finds_what_brute_force_finds(void **state)
{
    (void)state;
    const pf_part part = phrase("right pleural effusion");
    float v[DIM];
    embed(&part, v);
    pf_reader *reader = open_reader(NULL);
    static const pf_find finds[] = {PF_FIND_IMAGES, PF_FIND_CAPTIONS};
    static const size_t limits[] = {1, 10, IMAGES - 1, 5 * IMAGES};
    for (size_t f = 0; f < 2; f++) {
        for (size_t l = 0; l < 4; l++) {
            pf_query q = ask(finds[f], &part, 1);
            q.limit = limits[l];
            pf_hits answer = {0};
            assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
            assert_brute_force(finds[f], v, 0, limits[l], &answer);
            assert_int_equal(answer.n_truncated, 0);
            pf_hits_reset(&answer);
        }
    }
    pf_asking_close(reader);
}

/* ---- words, and both ---- */

/* What is known about an image, from three rankings made here. */
typedef struct {
    size_t meaning, caption, words; /* ranks */
    double cosine, fused;
} known;

static int64_t image_of[2 * IMAGES]; /* by caption id */

static bool note_image(void *user, int64_t caption_id, int64_t image_id, pf_err *e)
{
    (void)user;
    (void)e;
    assert_true(caption_id < 2 * IMAGES);
    image_of[caption_id] = image_id;
    return true;
}

static void rank_words(known *all, const char *text)
{
    const pf_words_ask words_ask = {.text = text, .limit = IMAGES, .by_image = true};
    pf_words *words;
    pf_words_answer found = {0};
    pf_store *store = open_store();
    assert_ok(pf_store_each_caption(store, note_image, NULL, &err), &err);
    assert_ok(pf_words_new(&words, NULL, &err), &err);
    assert_ok(pf_words_search(words, store, &words_ask, &found, &err), &err);
    for (size_t i = 0; i < found.n_hits; i++)
        all[found.hits[i].image_id].words = i + 1;
    pf_words_answer_reset(&found);
    pf_words_free(words);
    pf_store_close(store);
}

static void rank_all(known all[IMAGES + 1], const pf_part *part)
{
    static oracle o;
    float v[DIM];
    embed(part, v);
    memset(all, 0, (IMAGES + 1) * sizeof *all);
    rank_words(all, part->text);
    ask_oracle(&o, PF_FIND_IMAGES, v, 0);
    for (size_t i = 0; i < o.n; i++) {
        all[o.at[i].id].meaning = i + 1;
        all[o.at[i].id].cosine = o.at[i].score;
    }
    ask_oracle(&o, PF_FIND_CAPTIONS, v, 0);
    for (size_t i = o.n; i-- > 0;)
        all[image_of[o.at[i].id]].caption = i + 1;
    for (size_t i = 1; i <= IMAGES; i++) {
        const size_t ranks[] = {all[i].meaning, all[i].caption, all[i].words};
        for (int k = 0; k < 3; k++)
            all[i].fused += ranks[k] ? 1.0 / (10 + (double)ranks[k]) : 0;
    }
}

static void assert_known(const known *all, const pf_hit *h)
{
    const known *k = &all[h->image_id];
    assert_int_equal(h->by_meaning.rank, k->meaning);
    assert_int_equal(h->by_caption.rank, k->caption);
    assert_int_equal(h->by_words.rank, k->words);
    assert_true(fabs(h->score - k->cosine) < 1e-5);
    assert_true(fabs(h->fused - k->fused) < 1e-12);
}

/* The other order: of what is not among the hits nothing is better. */
static void test_both_is_the_sum_of_reciprocal_ranks(void **state)
{
    (void)state;
    static known all[IMAGES + 1];
    const pf_part part = phrase("film 26");
    rank_all(all, &part);
    pf_reader *reader = open_reader(NULL);
    pf_query q = ask(PF_FIND_IMAGES, &part, 1);
    q.by = PF_BY_DEFAULT;
    pf_hits answer = {0};
    assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
    assert_int_equal(answer.by, PF_BY_BOTH);
    assert_int_equal(answer.n_hits, LIMIT);
    for (size_t i = 0; i < answer.n_hits; i++) {
        assert_known(all, &answer.hits[i]);
        assert_true(i == 0 || answer.hits[i].fused <= answer.hits[i - 1].fused);
        all[answer.hits[i].id].fused = -1; /* told */
    }
    const double last = answer.hits[LIMIT - 1].fused;
    for (size_t i = 1; i <= IMAGES; i++)
        assert_true(all[i].fused <= last + 1e-12);
    pf_hits_reset(&answer);
    pf_asking_close(reader);
}

/* The best of all that may be found is the same however it is looked for: what is in
 * the case that was asked with is not among it. */
static void test_best_is_of_what_may_be_found(void **state)
{
    (void)state;
    const pf_part parts[] = {phrase("film 26"),
                             {.kind = PF_PART_LIKE, .text = "26", .weight = 3}};
    pf_reader *reader = open_reader(NULL);
    for (size_t n = 1; n <= 2; n++) {
        pf_query q = ask(PF_FIND_CASES, parts, n);
        pf_hits near = {0}, both = {0};
        q.by = PF_BY_MEANING;
        assert_ok(pf_search_run(reader, &q, &near, &err), &err);
        q.by = PF_BY_BOTH;
        q.min_score = near.best - 0.1;
        assert_ok(pf_search_run(reader, &q, &both, &err), &err);
        assert_true(fabs(near.best - both.best) < 1e-5);
        pf_hits_reset(&near);
        pf_hits_reset(&both);
    }
    const pf_part two = phrase("2"); /* in the caption of image 2, which has no case */
    pf_query q = ask(PF_FIND_IMAGES, &two, 1);
    q.by = PF_BY_BOTH;
    q.in = 1u << PF_FIELD_CAPTION; /* files have such names, too */
    pf_hits answer = {0};
    assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
    assert_true(answer.has_words_hits);
    pf_hits_reset(&answer);
    q.find = PF_FIND_CASES;
    assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
    assert_false(answer.has_words_hits);
    pf_hits_reset(&answer);
    pf_asking_close(reader);
}

static void test_both_finds_cases_and_captions(void **state)
{
    (void)state;
    static known all[IMAGES + 1];
    const pf_part part = phrase("film 26");
    rank_all(all, &part);
    pf_reader *reader = open_reader(NULL);
    pf_query q = ask(PF_FIND_CASES, &part, 1);
    q.by = PF_BY_BOTH;
    pf_hits answer = {0};
    assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
    assert_int_equal(answer.n_hits, LIMIT);
    for (size_t i = 0; i < answer.n_hits; i++) {
        assert_known(all, &answer.hits[i]);
        assert_int_equal(answer.hits[i].images[0].id, answer.hits[i].image_id);
        assert_true(i == 0 || answer.hits[i].fused <= answer.hits[i - 1].fused);
    }
    pf_hits_reset(&answer);
    q.find = PF_FIND_CAPTIONS;
    assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
    assert_int_equal(answer.n_hits, LIMIT);
    assert_int_equal(answer.hits[0].by_caption.rank, 0);
    bool is_26_there = false;
    for (size_t i = 0; i < answer.n_hits; i++)
        is_26_there = is_26_there || answer.hits[i].by_words.rank == 1;
    assert_true(is_26_there);
    pf_hits_reset(&answer);
    q.min_score = 0.2;
    assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
    for (size_t i = 0; i < answer.n_hits; i++)
        assert_true(answer.hits[i].score >= 0.2);
    pf_hits_reset(&answer);
    pf_asking_close(reader);
}

static void test_words_need_no_model(void **state)
{
    (void)state;
    pf_tree_remove(model);
    const pf_part part = phrase("film 26");
    pf_reader *reader = open_reader(NULL);
    pf_query q = ask(PF_FIND_IMAGES, &part, 1);
    q.by = PF_BY_WORDS;
    q.limit = 1;
    pf_hits answer = {0};
    assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
    assert_int_equal(answer.n_hits, 1);
    assert_int_equal(answer.hits[0].id, 26);
    assert_int_equal(answer.hits[0].by_words.rank, 1);
    assert_int_equal(answer.hits[0].by_meaning.rank, 0);
    assert_true(answer.hits[0].score > 1 &&
                answer.hits[0].score == answer.hits[0].by_words.score);
    assert_string_equal(answer.hits[0].caption, "caption of film 26");
    pf_hits_reset(&answer);
    q.find = PF_FIND_CASES;
    assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
    assert_int_equal(answer.hits[0].image_id, 26);
    pf_hits_reset(&answer);
    pf_asking_close(reader);
}

/* By words a look is only as deep as the answer: answers of one, one after another, and
 * as many as there are must say the same. */
static void test_pages_by_words_fit_together(void **state)
{
    (void)state;
    const pf_part part = phrase("film 26 caption");
    const pf_find finds[] = {PF_FIND_IMAGES, PF_FIND_CAPTIONS, PF_FIND_CASES};
    pf_reader *reader = open_reader(NULL);
    for (size_t f = 0; f < sizeof finds / sizeof *finds; f++) {
        pf_hits all = {0}, one = {0};
        pf_query q = ask(finds[f], &part, 1);
        q.by = PF_BY_WORDS;
        q.limit = 10000;
        assert_ok(pf_search_run(reader, &q, &all, &err), &err);
        assert_true(all.n_hits > 5);
        q.limit = 1;
        for (q.offset = 0; q.offset < all.n_hits; q.offset++) {
            assert_ok(pf_search_run(reader, &q, &one, &err), &err);
            assert_int_equal(one.n_hits, 1);
            assert_int_equal(one.hits[0].id, all.hits[q.offset].id);
            assert_true(one.hits[0].score == all.hits[q.offset].score);
            pf_hits_reset(&one);
        }
        assert_ok(pf_search_run(reader, &q, &one, &err), &err);
        assert_int_equal(one.n_hits, 0);
        pf_hits_reset(&one);
        pf_hits_reset(&all);
    }
    pf_asking_close(reader);
}

static void test_words_are_those_of_a_phrase(void **state)
{
    (void)state;
    const pf_part parts[] = {phrase("effusion"), like("17")};
    const pf_part marks = phrase("?!");
    pf_reader *reader = open_reader(NULL);
    pf_hits answer = {0};
    pf_query q = ask(PF_FIND_IMAGES, parts + 1, 1);
    q.by = PF_BY_BOTH;
    assert_refused(pf_search_run(reader, &q, &answer, &err), &err,
                   "of one phrase only");
    q = ask(PF_FIND_IMAGES, parts, 2);
    q.by = PF_BY_WORDS;
    assert_refused(pf_search_run(reader, &q, &answer, &err), &err, "words alone");
    q.by = PF_BY_BOTH;
    assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
    for (size_t i = 0; i < answer.n_hits; i++)
        assert_int_not_equal(answer.hits[i].id, 17);
    pf_hits_reset(&answer);
    q = ask(PF_FIND_IMAGES, &marks, 1);
    q.by = PF_BY_WORDS;
    assert_refused(pf_search_run(reader, &q, &answer, &err), &err, "no word to look");
    q.by = PF_BY_DEFAULT;
    assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
    assert_int_equal(answer.n_hits, LIMIT);
    pf_hits_reset(&answer);
    pf_asking_close(reader);
}

/* ---- parts ---- */

static void test_parts_add_and_subtract(void **state)
{
    (void)state;
    pf_part parts[] = {phrase("effusion"), like("17"), phrase("lateral view")};
    parts[2].weight = -1;
    float v[DIM], w[DIM], x[DIM];
    embed(&parts[0], v);
    pf_seeded_vector(w, DIM, 17);
    embed(&parts[2], x);
    for (int i = 0; i < DIM; i++)
        v[i] += w[i] - x[i];
    normalize(v);
    pf_reader *reader = open_reader(NULL);
    const pf_query q = ask(PF_FIND_IMAGES, parts, 3);
    pf_hits answer = {0};
    assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
    assert_brute_force(PF_FIND_IMAGES, v, 17, LIMIT, &answer);
    pf_hits_reset(&answer);
    pf_asking_close(reader);
}

static void test_like_needs_no_model_and_leaves_itself_out(void **state)
{
    (void)state;
    pf_tree_remove(model);
    float v[DIM];
    pf_seeded_vector(v, DIM, 120);
    pf_reader *reader = open_reader(NULL);
    static const char *const names[] = {"120", "/films/0120.png"};
    for (size_t i = 0; i < 2; i++) {
        const pf_part part = like(names[i]);
        pf_query q = ask(PF_FIND_IMAGES, &part, 1);
        q.limit = IMAGES; /* one more than there are without itself */
        pf_hits answer = {0};
        assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
        assert_int_equal(answer.n_hits, IMAGES - 1);
        assert_brute_force(PF_FIND_IMAGES, v, 120, IMAGES, &answer);
        pf_hits_reset(&answer);
        q = ask(PF_FIND_CAPTIONS, &part, 1);
        assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
        assert_brute_force(PF_FIND_CAPTIONS, v, 0, LIMIT, &answer);
        pf_hits_reset(&answer);
    }
    pf_asking_close(reader);
}

/* A path as a shell gives it: relative, through a link. */
static void test_like_takes_a_path_to_the_file(void **state)
{
    (void)state;
    char file[128], link[128];
    snprintf(file, sizeof file, "%s/film.ppm", root);
    snprintf(link, sizeof link, "%s/link.ppm", root);
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    fputs("P3 2 2 255 0 0 0 255 0 0 0 255 0 0 0 255\n", f);
    fclose(f);
    assert_int_equal(symlink(file, link), 0);

    pf_part part = {.kind = PF_PART_FILE, .text = file, .weight = 1};
    float v[DIM];
    embed(&part, v);
    pf_catalog *c;
    assert_ok(pf_catalog_open_writer(&c, folder, NULL, &err), &err);
    pf_store *store = pf_catalog_store(c);
    const pf_store_picture picture = {.model_id = 1,
                                      .content = pf_hash_bytes("x", 1),
                                      .width = 2,
                                      .height = 2,
                                      .format = "pnm",
                                      .vector = v};
    pf_store_image image = {.source_id = 1, .path = file};
    int64_t id = 0;
    assert_ok(pf_store_begin(store, &err) &&
                  pf_store_put_picture(store, &picture, &image.picture_id, &err) &&
                  pf_store_put_image(store, &image, &id, &err) &&
                  pf_catalog_publish(c, &err),
              &err);
    pf_catalog_close(c);

    pf_reader *reader = open_reader(NULL);
    pf_query q = ask(PF_FIND_IMAGES, &part, 1);
    pf_hits answer = {0};
    assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
    assert_int_equal(answer.hits[0].id, id); /* a picture finds itself */
    assert_string_equal(answer.hits[0].path, file);
    assert_true(answer.hits[0].score > 0.99999);
    pf_hits_reset(&answer);

    part = like(link);
    assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
    assert_brute_force(PF_FIND_IMAGES, v, id, LIMIT, &answer);
    pf_hits_reset(&answer);
    assert_int_equal(chdir(root), 0);
    part = like("film.ppm");
    assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
    assert_brute_force(PF_FIND_IMAGES, v, id, LIMIT, &answer);
    pf_hits_reset(&answer);
    assert_int_equal(chdir("/"), 0);
    pf_asking_close(reader);
}

static void test_picture_bytes_are_the_file(void **state)
{
    (void)state;
    static const char ppm[] = "P3 2 2 255 0 0 0 255 0 0 0 255 0 9 9 255\n";
    const pf_part part = {.kind = PF_PART_PICTURE,
                          .text = "stdin",
                          .bytes = (const uint8_t *)ppm,
                          .n_bytes = sizeof ppm - 1,
                          .weight = 2};
    float v[DIM];
    embed(&part, v);
    pf_reader *reader = open_reader(NULL);
    const pf_query q = ask(PF_FIND_IMAGES, &part, 1);
    pf_hits answer = {0};
    assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
    assert_brute_force(PF_FIND_IMAGES, v, 0, LIMIT, &answer);
    pf_hits_reset(&answer);
    pf_asking_close(reader);
}

static void test_hits_say_what_is_known(void **state)
{
    (void)state;
    const pf_part part = like("9");
    pf_reader *reader = open_reader(NULL);
    pf_query q = ask(PF_FIND_IMAGES, &part, 1);
    q.limit = IMAGES;
    pf_hits answer = {0};
    assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
    size_t seen = 0;
    for (size_t i = 0; i < answer.n_hits; i++) {
        const pf_hit *h = &answer.hits[i];
        assert_int_equal(h->image_id, h->id);
        if (h->id == 10) {
            seen++;
            assert_string_equal(h->path, "/films/0010.png");
            assert_string_equal(h->caption, "caption of film 10");
            assert_string_equal(h->case_key, "case-2");
            assert_string_equal(h->case_title, "Case number 2");
            assert_int_equal(h->n_attributes, 2);
            assert_string_equal(h->attributes[0].key, "anatomy");
            assert_string_equal(h->attributes[0].value, "head");
            assert_string_equal(h->attributes[1].key, "modality");
            assert_string_equal(h->attributes[1].value, "MR");
        } else if (h->id == 3) {
            seen++;
            assert_null(h->caption);
            assert_null(h->case_key);
            assert_int_equal(h->n_attributes, 1);
        }
    }
    assert_int_equal(seen, 2);
    pf_hits_reset(&answer);

    q.find = PF_FIND_CAPTIONS;
    assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
    assert_int_equal(answer.n_hits, IMAGES / 2 + IMAGES / 10);
    for (size_t i = 0; i < answer.n_hits; i++) {
        char path[64], text[64];
        const pf_hit *h = &answer.hits[i];
        snprintf(path, sizeof path, "/films/%04d.png", (int)h->image_id);
        snprintf(text, sizeof text, " of film %d", (int)h->image_id);
        assert_string_equal(h->path, path);
        assert_non_null(strstr(h->caption, text));
    }
    pf_hits_reset(&answer);
    pf_asking_close(reader);
}

static void test_min_score_cuts(void **state)
{
    (void)state;
    const pf_part part = like("9");
    pf_reader *reader = open_reader(NULL);
    pf_query q = ask(PF_FIND_IMAGES, &part, 1);
    pf_hits all = {0}, answer = {0};
    assert_ok(pf_search_run(reader, &q, &all, &err), &err);
    q.min_score = (all.hits[4].score + all.hits[5].score) / 2;
    assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
    assert_int_equal(answer.n_hits, 5);
    pf_hits_reset(&answer);
    q.min_score = all.hits[4].score; /* the limit itself stays */
    assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
    assert_int_equal(answer.n_hits, 5);
    pf_hits_reset(&answer);
    q.min_score = 1;
    assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
    assert_int_equal(answer.n_hits, 0);
    pf_hits_reset(&answer);
    pf_hits_reset(&all);
    pf_asking_close(reader);
}

static void test_long_phrase_is_reported(void **state)
{
    (void)state;
    char text[512];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    const pf_part parts[] = {phrase(text), phrase("short")};
    pf_reader *reader = open_reader(NULL);
    const pf_query q = ask(PF_FIND_IMAGES, parts, 2);
    pf_hits answer = {0};
    assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
    assert_int_equal(answer.n_truncated, 1);
    pf_hits_reset(&answer);
    pf_asking_close(reader);
}

/* ---- the model ---- */

static void run_phrase(pf_reader *reader)
{
    const pf_part part = phrase("effusion");
    const pf_query q = ask(PF_FIND_IMAGES, &part, 1);
    pf_hits answer = {0};
    assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
    assert_int_equal(answer.n_hits, LIMIT);
    pf_hits_reset(&answer);
}

static void refuse_phrase(pf_reader *reader, pf_code code, const char *words)
{
    const pf_part part = phrase("effusion");
    const pf_query q = ask(PF_FIND_IMAGES, &part, 1);
    pf_hits answer = {0};
    assert_refused(pf_search_run(reader, &q, &answer, &err), &err, words);
    assert_int_equal(err.code, code);
    assert_null(answer.hits);
    err = (pf_err)PF_ERR_INIT;
}

/* The weights, with another time stamp or with one number changed. */
static void touch_model(const char *where, bool changes_a_weight)
{
    char path[128];
    snprintf(path, sizeof path, "%s/model.safetensors", where);
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    if (changes_a_weight) {
        assert_int_equal(fseek(f, -2, SEEK_END), 0);
        assert_int_not_equal(fputc(0x11, f), EOF);
    }
    fclose(f);
    const struct timespec times[2] = {{1000000000, 0}, {1000000000, 0}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void test_unchanged_model_is_trusted_by_its_stamp(void **state)
{
    (void)state;
    /* With the fingerprint spoilt only the stamp can let the model in. */
    pf_catalog *c;
    assert_ok(pf_catalog_open_writer(&c, folder, NULL, &err), &err);
    pf_store_model row = {0};
    assert_ok(pf_store_find_model(pf_catalog_store(c), &row, &err), &err);
    pf_store_model other = row;
    char spoilt[] = "0123456789abcdef0123456789abcdef";
    other.fingerprint = spoilt;
    int64_t id;
    assert_ok(pf_store_begin(pf_catalog_store(c), &err) &&
                  pf_store_put_model(pf_catalog_store(c), &other, &id, &err) &&
                  pf_store_use_model(pf_catalog_store(c), id, &err) &&
                  pf_store_commit(pf_catalog_store(c), &err),
              &err);
    pf_store_model_reset(&row);
    pf_catalog_close(c);

    const pf_model *m;
    pf_reader *reader = open_reader(NULL);
    assert_ok(pf_reader_get_model(reader, PF_CLIP_TEXT, &m, &err), &err);
    assert_non_null(pf_model_tokenizer(m));
    pf_asking_close(reader);
    reader = open_reader(NULL); /* the image tower alone has a part of the stamp */
    assert_ok(pf_reader_get_model(reader, PF_CLIP_IMAGE, &m, &err), &err);
    assert_null(pf_model_tokenizer(m));
    pf_asking_close(reader);

    touch_model(model, false);
    reader = open_reader(NULL);
    refuse_phrase(reader, PF_ERR_MISMATCH, spoilt);
    assert_refused(pf_reader_get_model(reader, PF_CLIP_IMAGE, &m, &err), &err, spoilt);
    pf_asking_close(reader);
}

static void test_touched_model_is_trusted_by_its_fingerprint(void **state)
{
    (void)state;
    touch_model(model, false);
    pf_reader *reader = open_reader(NULL);
    run_phrase(reader);
    pf_asking_close(reader);
}

static void test_other_model_is_refused(void **state)
{
    (void)state;
    touch_model(model, true);
    pf_reader *reader = open_reader(NULL);
    refuse_phrase(reader, PF_ERR_MISMATCH, "is not the one catalog");
    refuse_phrase(reader, PF_ERR_MISMATCH, model);
    refuse_phrase(reader, PF_ERR_MISMATCH, folder);
    refuse_phrase(reader, PF_ERR_MISMATCH, "name that one");
    const pf_part part = like("3"); /* which needs none still works */
    const pf_query q = ask(PF_FIND_IMAGES, &part, 1);
    pf_hits answer = {0};
    assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
    pf_hits_reset(&answer);
    pf_asking_close(reader);
}

static void test_moved_model(void **state)
{
    (void)state;
    char moved[128];
    snprintf(moved, sizeof moved, "%s/moved", root);
    assert_int_equal(rename(model, moved), 0);
    pf_reader *reader = open_reader(NULL);
    refuse_phrase(reader, PF_ERR_NOT_FOUND, model);
    refuse_phrase(reader, PF_ERR_NOT_FOUND, "name its new place");
    pf_asking_close(reader);
    reader = open_reader(moved);
    run_phrase(reader);
    pf_asking_close(reader);
}

static void test_tokenizer_elsewhere(void **state)
{
    (void)state;
    char from[160], to[128], moved[128];
    snprintf(from, sizeof from, "%s/merges.txt", model);
    snprintf(to, sizeof to, "%s/tokens.txt", root);
    snprintf(moved, sizeof moved, "%s/moved", root);
    assert_int_equal(rename(from, to), 0);
    pf_reader *reader = open_reader(NULL);
    refuse_phrase(reader, PF_ERR_NOT_FOUND, "name another place");
    pf_asking_close(reader);
    const pf_engine_options options = {.tokenizer = to};
    assert_ok(pf_asking_open(&reader, folder, &options, NULL, &err), &err);
    run_phrase(reader);
    pf_asking_close(reader);

    /* A catalog that names it, then the model moves, then the tokenizer beside it. */
    pf_tree_remove(folder);
    assert_ok(pf_seeded_catalog_write(folder, model, to, IMAGES, true, &err), &err);
    reader = open_reader(NULL);
    run_phrase(reader);
    pf_asking_close(reader);
    assert_int_equal(rename(model, moved), 0);
    reader = open_reader(moved);
    run_phrase(reader);
    pf_asking_close(reader);
    snprintf(from, sizeof from, "%s/merges.txt", moved);
    assert_int_equal(rename(to, from), 0);
    reader = open_reader(moved);
    run_phrase(reader);
    pf_asking_close(reader);
}

static void test_towers_are_opened_as_needed(void **state)
{
    (void)state;
    const pf_model *m;
    pf_reader *reader = open_reader(NULL);
    assert_ok(pf_reader_get_model(reader, PF_CLIP_IMAGE, &m, &err), &err);
    assert_null(pf_model_tokenizer(m));
    run_phrase(reader); /* opens the other one beside it */
    const pf_model *again, *text;
    assert_ok(pf_reader_get_model(reader, PF_CLIP_IMAGE, &again, &err), &err);
    assert_ptr_equal(again, m);
    assert_null(pf_model_tokenizer(m));
    assert_ok(pf_reader_get_model(reader, PF_CLIP_TEXT, &text, &err), &err);
    assert_ptr_not_equal(text, m);
    assert_non_null(pf_model_tokenizer(text));
    assert_int_equal(pf_model_dim(m), DIM);
    assert_int_equal(pf_model_dim(text), DIM);
    pf_asking_close(reader);
}

/* ---- refusals ---- */

static void refuse(pf_reader *reader, const pf_query *q, pf_code code,
                   const char *words)
{
    pf_hits answer = {0};
    assert_refused(pf_search_run(reader, q, &answer, &err), &err, words);
    assert_int_equal(err.code, code);
    assert_int_equal(answer.n_hits, 0);
    err = (pf_err)PF_ERR_INIT;
}

static void test_senseless_questions_are_refused(void **state)
{
    (void)state;
    pf_reader *reader = open_reader(NULL);
    pf_part parts[] = {phrase("effusion"), phrase("effusion")};
    parts[1].weight = -1;
    pf_query q = ask(PF_FIND_IMAGES, parts, 2);
    refuse(reader, &q, PF_ERR_MISUSE, "cancel each other out");
    q.n_parts = 0;
    refuse(reader, &q, PF_ERR_MISUSE, "nothing was asked");
    q.n_parts = 1;
    q.limit = 0;
    refuse(reader, &q, PF_ERR_MISUSE, "limit");
    q.limit = 1;
    parts[0] = phrase(" \t\n");
    refuse(reader, &q, PF_ERR_MISUSE, "empty");
    static const char *const nobody[] = {"0",  "301",       "99999999999999999999",
                                         "-1", "/films/no", "films"};
    for (size_t i = 0; i < sizeof nobody / sizeof *nobody; i++) {
        parts[0] = like(nobody[i]);
        refuse(reader, &q, PF_ERR_NOT_FOUND, nobody[i]);
    }
    parts[0] = (pf_part){.kind = PF_PART_FILE, .text = "/no/such.png", .weight = 1};
    refuse(reader, &q, PF_ERR_IO, "/no/such.png");
    parts[0] = (pf_part){.kind = PF_PART_PICTURE,
                         .text = "no picture",
                         .bytes = (const uint8_t *)"hello",
                         .n_bytes = 5,
                         .weight = 1};
    refuse(reader, &q, PF_ERR_UNSUPPORTED, "no picture");
    pf_asking_close(reader);
}

static void test_catalogs_with_less(void **state)
{
    (void)state;
    pf_tree_remove(folder);
    pf_reader *reader;
    assert_refused(pf_asking_open(&reader, folder, NULL, NULL, &err), &err, folder);
    assert_int_equal(err.code, PF_ERR_NOT_FOUND);
    err = (pf_err)PF_ERR_INIT;

    assert_ok(pf_seeded_catalog_write(folder, model, NULL, 5, false, &err), &err);
    reader = open_reader(NULL);
    const pf_part part = like("3");
    pf_query q = ask(PF_FIND_CAPTIONS, &part, 1);
    refuse(reader, &q, PF_ERR_NOT_FOUND, "has no captions");
    pf_asking_close(reader);

    pf_tree_remove(folder);
    assert_ok(pf_seeded_catalog_write(folder, model, NULL, 0, false, &err), &err);
    reader = open_reader(NULL);
    const pf_part text = phrase("effusion");
    q = ask(PF_FIND_IMAGES, &text, 1);
    pf_hits answer = {0};
    assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
    assert_int_equal(answer.n_hits, 0);
    pf_hits_reset(&answer);
    pf_asking_close(reader);
}

/* ---- failure ---- */

static bool ask_once(size_t n_parts)
{
    const pf_part parts[] = {like("9"), phrase("effusion")};
    const pf_query q = ask(PF_FIND_IMAGES, parts, n_parts);
    pf_reader *reader = NULL;
    pf_hits answer = {0};
    const bool ok = pf_asking_open(&reader, folder, NULL, NULL, &err) &&
                    pf_search_run(reader, &q, &answer, &err);
    if (ok)
        assert_int_equal(answer.n_hits, LIMIT);
    else
        assert_null(answer.hits);
    pf_hits_reset(&answer);
    pf_asking_close(reader);
    return ok;
}

static void fail_each(size_t n_parts, long stride)
{
    long n = 1;
    for (bool ok = false; !ok; n += stride) {
        err = (pf_err)PF_ERR_INIT;
        pf_mem_fail_at(n);
        ok = ask_once(n_parts);
        pf_mem_fail_at(0);
        if (!ok)
            assert_int_equal(err.code, PF_ERR_NOMEM);
        assert_true(n < 20000);
    }
    assert_true(n > LIMIT);
}

/* The model makes many: of those only some, in the interest of time. */
static void test_each_allocation_may_fail(void **state)
{
    (void)state;
    fail_each(1, 1);
    fail_each(2, 7);
}

static void test_check_is_clean(void **state)
{
    (void)state;
    pf_reader *reader = open_reader(NULL);
    pf_notes problems = {0};
    assert_ok(pf_catalog_check(reader->catalog, NULL, &problems, &err), &err);
    assert_int_equal(problems.count, 0);
    pf_notes_reset(&problems);
    pf_asking_close(reader);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, before, after)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_phrase_finds_what_brute_force_finds),
        TEST(test_both_is_the_sum_of_reciprocal_ranks),
        TEST(test_best_is_of_what_may_be_found),
        TEST(test_both_finds_cases_and_captions),
        TEST(test_words_need_no_model),
        TEST(test_pages_by_words_fit_together),
        TEST(test_words_are_those_of_a_phrase),
        TEST(test_parts_add_and_subtract),
        TEST(test_like_needs_no_model_and_leaves_itself_out),
        TEST(test_like_takes_a_path_to_the_file),
        TEST(test_picture_bytes_are_the_file),
        TEST(test_hits_say_what_is_known),
        TEST(test_min_score_cuts),
        TEST(test_long_phrase_is_reported),
        TEST(test_unchanged_model_is_trusted_by_its_stamp),
        TEST(test_touched_model_is_trusted_by_its_fingerprint),
        TEST(test_other_model_is_refused),
        TEST(test_moved_model),
        TEST(test_tokenizer_elsewhere),
        TEST(test_towers_are_opened_as_needed),
        TEST(test_senseless_questions_are_refused),
        TEST(test_catalogs_with_less),
        TEST(test_each_allocation_may_fail),
        TEST(test_check_is_clean),
    };
    return cmocka_run_group_tests_name("search", tests, before_all, after_all);
}
