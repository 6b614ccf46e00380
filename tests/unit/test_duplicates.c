/* test_duplicates.c - groups of near duplicates, and hits without them, against brute
 * force over all pairs.
 *
 * The catalogs are seeded noise with planted copies, near copies and chains of them
 * (pf_seeded_twins_write()); in so few dimensions chance makes more. What counts as a
 * pair is computed here from the vectors in SQLite. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/catalog/catalog.h"
#include "core/search/duplicates.h"
#include "core/search/search.h"
#include "tests/support/asking.h"
#include "tests/support/seeded.h"
#include "tests/support/tree.h"
#include "tests/unit/test_support.h"

enum { DIM = 32, IMAGES = 400, MANY = 6000 };

static char root[64], model[96], folder[96], many[96];
static pf_err err;

static int before_all(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    snprintf(root, sizeof root, "/tmp/plainfilm-duplicates-XXXXXX");
    if (!mkdtemp(root))
        return -1;
    snprintf(model, sizeof model, "%s/model", root);
    snprintf(folder, sizeof folder, "%s/catalog", root);
    snprintf(many, sizeof many, "%s/many", root);
    if (pf_seeded_model_write(model, &err) &&
        pf_seeded_twins_write(folder, model, IMAGES, &err) &&
        pf_seeded_twins_write(many, model, MANY, &err))
        return 0;
    fprintf(stderr, "%s\n", err.msg);
    return -1;
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

static pf_reader *open_reader(const char *catalog)
{
    pf_reader *reader;
    assert_ok(pf_asking_open(&reader, catalog, NULL, NULL, &err), &err);
    return reader;
}

/* ---- the oracle ---- */

typedef struct {
    size_t n;
    int64_t ids[MANY];
    float vectors[MANY][DIM];
    size_t label[MANY]; /* place of the group's first */
} oracle;

static oracle o; /* one at a time: it is large */

static bool take_vector(void *user, int64_t id, const float *vector, int dim, pf_err *e)
{
    (void)user;
    (void)e;
    assert_int_equal(dim, DIM);
    assert_true(o.n < MANY);
    o.ids[o.n] = id;
    memcpy(o.vectors[o.n++], vector, sizeof o.vectors[0]);
    return true;
}

static void load_oracle(const char *catalog, pf_find find)
{
    char path[160];
    pf_store *store;
    snprintf(path, sizeof path, "%s/catalog.db", catalog);
    assert_ok(pf_store_open(&store, path, PF_STORE_READ, &err), &err);
    o.n = 0;
    assert_ok(find == PF_FIND_IMAGES
                  ? pf_store_each_image_vector(store, take_vector, NULL, &err)
                  : pf_store_each_caption_vector(store, take_vector, NULL, &err),
              &err);
    pf_store_close(store);
}

static double cosine(size_t a, size_t b)
{
    double sum = 0;
    if (memcmp(o.vectors[a], o.vectors[b], sizeof o.vectors[0]) == 0)
        return 1;
    for (int i = 0; i < DIM; i++)
        sum += (double)o.vectors[a][i] * (double)o.vectors[b][i];
    return sum > 1 ? 1 : sum;
}

static size_t place_of(int64_t id)
{
    for (size_t i = 0; i < o.n; i++) {
        if (o.ids[i] == id)
            return i;
    }
    fail_msg("no id %lld", (long long)id);
    return 0;
}

static size_t first_of(size_t i)
{
    while (o.label[i] != i)
        i = o.label[i];
    return i;
}

/* Join all pairs, plainly. */
static void label_groups(double threshold)
{
    for (size_t i = 0; i < o.n; i++)
        o.label[i] = i;
    for (size_t i = 0; i < o.n; i++) {
        for (size_t k = 0; k < i; k++) {
            const size_t a = first_of(i), b = first_of(k);
            if (a != b && cosine(i, k) >= threshold)
                o.label[a < b ? b : a] = a < b ? a : b;
        }
    }
    for (size_t i = 0; i < o.n; i++)
        o.label[i] = first_of(i);
}

/* Only images that `modality` % 3 leaves: as seeded.h gives them out. */
static void keep_modality(int rest)
{
    size_t kept = 0;
    for (size_t i = 0; i < o.n; i++) {
        if (o.ids[i] % 3 != rest)
            continue;
        o.ids[kept] = o.ids[i];
        memmove(o.vectors[kept++], o.vectors[i], sizeof o.vectors[0]);
    }
    o.n = kept;
}

/* ---- groups ---- */

static size_t size_of_label(size_t label)
{
    size_t n = 0;
    for (size_t i = 0; i < o.n; i++)
        n += o.label[i] == label;
    return n;
}

static void assert_group(const pf_duplicates *d, size_t g)
{
    const pf_duplicates_group *group = &d->groups[g];
    const pf_hit *hits = d->images.hits + group->first;
    const size_t first = place_of(hits[0].id);
    double lowest = 1;
    assert_int_equal(o.label[first], first);
    assert_int_equal(group->n, size_of_label(first));
    for (size_t i = 0; i < group->n; i++) {
        const size_t a = place_of(hits[i].id);
        assert_int_equal(o.label[a], first);
        assert_true(i == 0 || hits[i].id > hits[i - 1].id);
        assert_true(hits[i].score == (float)cosine(first, a));
        assert_non_null(hits[i].path);
        for (size_t k = 0; k < i; k++) {
            const double c = cosine(a, place_of(hits[k].id));
            lowest = c < lowest ? c : lowest;
        }
    }
    assert_true(group->lowest >= lowest && group->lowest < lowest + 1e-6);
    if (g > 0) {
        const pf_duplicates_group *before = group - 1;
        assert_true(
            before->n > group->n ||
            (before->n == group->n && d->images.hits[before->first].id < hits[0].id));
    }
}

static void assert_brute_force(const pf_duplicates *d, size_t limit)
{
    size_t n = 0, n_images = 0;
    for (size_t i = 0; i < o.n; i++)
        n += o.label[i] == i && size_of_label(i) > 1;
    assert_int_equal(d->n_found, n);
    assert_int_equal(d->n_groups, limit > 0 && limit < n ? limit : n);
    assert_int_equal(d->n_images, o.n);
    for (size_t g = 0; g < d->n_groups; g++) {
        assert_int_equal(d->groups[g].first, n_images);
        assert_group(d, g);
        n_images += d->groups[g].n;
    }
    assert_int_equal(d->images.n_hits, n_images);
}

static void test_groups_are_those_of_all_pairs(void **state)
{
    (void)state;
    static const double thresholds[] = {0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97, 0.999, 1};
    static const size_t limits[] = {0, 1, 7};
    pf_reader *reader = open_reader(folder);
    load_oracle(folder, PF_FIND_IMAGES);
    assert_int_equal(o.n, IMAGES);
    for (size_t t = 0; t < sizeof thresholds / sizeof *thresholds; t++) {
        label_groups(thresholds[t]);
        for (size_t l = 0; l < 3; l++) {
            const pf_duplicates_query q = {
                .threshold = thresholds[t], .limit = limits[l], .threads = 2};
            pf_duplicates d = {0};
            assert_ok(pf_duplicates_find(&d, reader, &q, &err), &err);
            assert_true(d.n_found > 0);
            assert_brute_force(&d, limits[l]);
            pf_duplicates_reset(&d);
        }
    }
    pf_asking_close(reader);
}

/* A pair exactly at the line is in, one above it by the smallest step is not. */
static void test_the_line_is_sharp(void **state)
{
    (void)state;
    pf_reader *reader = open_reader(folder);
    load_oracle(folder, PF_FIND_IMAGES);
    const size_t a = place_of(1), b = place_of(2);
    const double c = cosine(a, b);
    for (int is_above = 0; is_above < 2; is_above++) {
        const double threshold = is_above ? c + 1.2e-16 : c;
        assert_true(!is_above || threshold > c);
        label_groups(threshold);
        const pf_duplicates_query q = {.threshold = threshold, .threads = 1};
        pf_duplicates d = {0};
        assert_ok(pf_duplicates_find(&d, reader, &q, &err), &err);
        assert_brute_force(&d, 0);
        assert_int_equal(o.label[b] == o.label[a], !is_above);
        pf_duplicates_reset(&d);
    }
    pf_asking_close(reader);
}

static void test_filters_limit_the_images(void **state)
{
    (void)state;
    pf_filter filter = {0};
    pf_reader *reader = open_reader(folder);
    load_oracle(folder, PF_FIND_IMAGES);
    keep_modality(0);
    label_groups(0.6);
    assert_ok(pf_filter_parse(&filter, "modality=CT", &err), &err);
    const pf_duplicates_query q = {
        .threshold = 0.6, .threads = 2, .filters = &filter, .n_filters = 1};
    pf_duplicates d = {0};
    assert_ok(pf_duplicates_find(&d, reader, &q, &err), &err);
    assert_true(d.n_found > 0);
    assert_brute_force(&d, 0);
    assert_false(d.images.no_image_passes);
    pf_duplicates_reset(&d);
    pf_filter_reset(&filter);

    assert_ok(pf_filter_parse(&filter, "modality=US", &err), &err);
    assert_ok(pf_duplicates_find(&d, reader, &q, &err), &err);
    assert_int_equal(d.n_found, 0);
    assert_true(d.images.no_image_passes);
    pf_duplicates_reset(&d);
    pf_filter_reset(&filter);

    assert_ok(pf_filter_parse(&filter, "modalty=US", &err), &err);
    assert_refused(pf_duplicates_find(&d, reader, &q, &err), &err, "modalty");
    pf_filter_reset(&filter);
    pf_asking_close(reader);
}

typedef struct {
    size_t calls, last, total;
} watcher;

static void watch(void *context, size_t done, size_t total)
{
    watcher *w = context;
    assert_true(done >= w->last && done <= total);
    w->calls++;
    w->last = done;
    w->total = total;
}

/* More than a tile, on several threads. */
static void test_tiles_and_threads_make_no_difference(void **state)
{
    (void)state;
    static const double thresholds[] = {0.75, 0.98};
    pf_reader *reader = open_reader(many);
    load_oracle(many, PF_FIND_IMAGES);
    for (size_t t = 0; t < 2; t++) {
        label_groups(thresholds[t]);
        size_t n = 0;
        for (size_t i = 0; i < o.n; i++)
            n += o.label[i] != i;
        for (int threads = 1; threads < 5; threads += 2) {
            watcher w = {0};
            const pf_duplicates_query q = {.threshold = thresholds[t],
                                           .threads = threads,
                                           .progress = watch,
                                           .context = &w};
            pf_duplicates d = {0};
            assert_ok(pf_duplicates_find(&d, reader, &q, &err), &err);
            assert_int_equal(d.images.n_hits, n + d.n_groups);
            for (size_t g = 0; g < d.n_groups; g++) {
                const pf_hit *hits = d.images.hits + d.groups[g].first;
                for (size_t i = 0; i < d.groups[g].n; i++)
                    assert_int_equal(o.label[hits[i].id - 1], hits[0].id - 1);
            }
            assert_true(w.calls > 1 && w.last == MANY && w.total == MANY);
            pf_duplicates_reset(&d);
        }
    }
    const atomic_int stop = 1;
    const pf_duplicates_query q = {.threshold = 0.9, .threads = 3, .stop = &stop};
    pf_duplicates d = {0};
    assert_refused(pf_duplicates_find(&d, reader, &q, &err), &err, "interrupted");
    assert_int_equal(err.code, PF_ERR_INTERRUPTED);
    assert_null(d.groups);
    pf_asking_close(reader);
}

static void test_senseless_thresholds_are_refused(void **state)
{
    (void)state;
    pf_reader *reader = open_reader(folder);
    pf_duplicates d = {0};
    static const double bad[] = {-0.1, 1.1};
    for (size_t i = 0; i < 2; i++) {
        const pf_duplicates_query q = {.threshold = bad[i], .threads = 1};
        assert_refused(pf_duplicates_find(&d, reader, &q, &err), &err,
                       "is outside 0..1");
    }
    pf_asking_close(reader);
}

static void test_each_allocation_of_groups_may_fail(void **state)
{
    (void)state;
    pf_reader *reader = open_reader(folder);
    const pf_duplicates_query q = {.threshold = 0.9, .limit = 2, .threads = 1};
    pf_duplicates d = {0};
    for (long n = 1;; n++) {
        pf_mem_fail_at(n);
        const bool ok = pf_duplicates_find(&d, reader, &q, &err);
        pf_mem_fail_at(0);
        if (ok)
            break;
        assert_int_equal(err.code, PF_ERR_NOMEM);
        assert_null(d.groups);
        assert_null(d.images.hits);
        err = (pf_err)PF_ERR_INIT;
        assert_true(n < 2000);
    }
    assert_int_equal(d.n_groups, 2);
    pf_duplicates_reset(&d);
    pf_asking_close(reader);
}

/* ---- hits without near duplicates ---- */

/* What folding all of `full` gives, compared with `answer`. */
static void assert_folded(const pf_hits *full, const pf_hits *answer, double threshold,
                          size_t limit)
{
    static size_t places[MANY], kept[MANY], into[MANY];
    size_t n_kept = 0;
    for (size_t i = 0; i < full->n_hits; i++) {
        places[i] = place_of(full->hits[i].id);
        into[i] = n_kept;
        for (size_t k = n_kept; k > 0; k--) {
            if (cosine(places[i], places[kept[k - 1]]) >= threshold)
                into[i] = k - 1;
        }
        if (into[i] == n_kept)
            kept[n_kept++] = i;
    }
    assert_int_equal(answer->n_hits, n_kept < limit ? n_kept : limit);
    for (size_t k = 0; k < answer->n_hits; k++) {
        const pf_hit *h = &answer->hits[k], *want = &full->hits[kept[k]];
        assert_int_equal(h->id, want->id);
        assert_true(h->score == want->score);
        assert_true(h->fused == want->fused);
        assert_string_equal(h->path, want->path);
        size_t n = 0;
        for (size_t i = 0; i < full->n_hits; i++) {
            if (into[i] != k || kept[k] == i)
                continue;
            assert_true(n < h->n_duplicates);
            assert_int_equal(h->duplicates[n++], full->hits[i].id);
        }
        assert_int_equal(h->n_duplicates, n);
    }
}

/* Every threshold and limit. Returns how many hits had something folded into them. */
static size_t compare_folding(pf_reader *reader, pf_query q)
{
    static const double thresholds[] = {0.4, 0.6, 0.9, 0.97, 1};
    static const size_t limits[] = {1, 3, 10, 60, 5 * IMAGES};
    pf_hits full = {0};
    size_t n = 0;
    q.limit = 100 * IMAGES;
    assert_ok(pf_search_run(reader, &q, &full, &err), &err);
    for (size_t t = 0; t < sizeof thresholds / sizeof *thresholds; t++) {
        for (size_t l = 0; l < sizeof limits / sizeof *limits; l++) {
            pf_hits answer = {0};
            q.collapses = true;
            q.collapse = thresholds[t];
            q.limit = limits[l];
            assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
            assert_folded(&full, &answer, thresholds[t], limits[l]);
            for (size_t i = 0; i < answer.n_hits; i++)
                n += answer.hits[i].n_duplicates > 0;
            pf_hits_reset(&answer);
        }
    }
    pf_hits_reset(&full);
    return n;
}

static void test_images_fold_as_by_brute_force(void **state)
{
    (void)state;
    static const char *const asked[] = {"1", "14", "99", "398"};
    pf_reader *reader = open_reader(folder);
    load_oracle(folder, PF_FIND_IMAGES);
    pf_filter filter = {0};
    assert_ok(pf_filter_parse(&filter, "modality=MR", &err), &err);
    for (size_t i = 0; i < 4; i++) {
        const pf_part part = {.kind = PF_PART_LIKE, .text = asked[i], .weight = 1};
        pf_query q;
        pf_query_init(&q);
        q.parts = &part;
        q.n_parts = 1;
        assert_true(compare_folding(reader, q) > 0);
        q.min_score = 0.1;
        assert_true(compare_folding(reader, q) > 0);
        q.filters = &filter;
        q.n_filters = 1;
        assert_true(compare_folding(reader, q) > 0);
        q.min_score = 0.999999;
        compare_folding(reader, q); /* hardly a hit */
    }
    pf_filter_reset(&filter);
    pf_asking_close(reader);
}

static void test_words_and_both_fold(void **state)
{
    (void)state;
    static const pf_by bys[] = {PF_BY_WORDS, PF_BY_BOTH, PF_BY_MEANING};
    static const pf_find finds[] = {PF_FIND_IMAGES, PF_FIND_CAPTIONS};
    const pf_part part = {
        .kind = PF_PART_PHRASE, .text = "caption film 0", .weight = 1};
    pf_reader *reader = open_reader(folder);
    pf_filter filter = {0};
    assert_ok(pf_filter_parse(&filter, "modality=CT", &err), &err);
    for (size_t f = 0; f < 2; f++) {
        load_oracle(folder, finds[f]);
        for (size_t b = 0; b < 3; b++) {
            pf_query q;
            pf_query_init(&q);
            q.parts = &part;
            q.n_parts = 1;
            q.find = finds[f];
            q.by = bys[b];
            assert_true(compare_folding(reader, q) > 0);
            q.filters = &filter;
            q.n_filters = 1;
            assert_true(compare_folding(reader, q) > 0);
        }
    }
    pf_filter_reset(&filter);
    pf_asking_close(reader);
}

/* So much folds that the rankings which are joined have to grow: to all there is. */
static void test_both_goes_deeper_until_full(void **state)
{
    (void)state;
    const pf_part part = {
        .kind = PF_PART_PHRASE, .text = "caption film 0", .weight = 1};
    pf_reader *reader = open_reader(many);
    pf_hits full = {0}, answer = {0};
    load_oracle(many, PF_FIND_IMAGES);
    pf_query q;
    pf_query_init(&q);
    q.parts = &part;
    q.n_parts = 1;
    q.limit = 10 * MANY;
    assert_ok(pf_search_run(reader, &q, &full, &err), &err);
    assert_int_equal(full.by, PF_BY_BOTH);
    assert_int_equal(full.n_hits, MANY);
    q.limit = 500;
    q.collapses = true;
    q.collapse = 0.3;
    assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
    assert_true(answer.n_hits < q.limit);
    assert_folded(&full, &answer, q.collapse, q.limit);
    pf_hits_reset(&answer);
    pf_hits_reset(&full);
    pf_asking_close(reader);
}

static void test_cases_do_not_fold(void **state)
{
    (void)state;
    const pf_part part = {.kind = PF_PART_LIKE, .text = "1", .weight = 1};
    pf_reader *reader;
    assert_ok(pf_asking_open(&reader, folder, NULL, NULL, &err), &err);
    pf_query q;
    pf_query_init(&q);
    q.parts = &part;
    q.n_parts = 1;
    q.find = PF_FIND_CASES;
    q.collapses = true;
    q.collapse = 0.9;
    pf_hits answer = {0};
    assert_refused(pf_search_run(reader, &q, &answer, &err), &err, "can be collapsed");
    assert_int_equal(err.code, PF_ERR_MISUSE);
    q.find = PF_FIND_IMAGES;
    for (int i = 0; i < 2; i++) {
        q.collapse = i ? -1 : 1.5;
        err = (pf_err)PF_ERR_INIT;
        assert_refused(pf_search_run(reader, &q, &answer, &err), &err, "outside 0..1");
    }
    pf_asking_close(reader);
}

static void fail_each_folding(const pf_part *part, pf_by by, pf_find find)
{
    pf_reader *reader = open_reader(folder);
    pf_query q;
    pf_query_init(&q);
    q.parts = part;
    q.n_parts = 1;
    q.by = by;
    q.find = find;
    q.limit = 3;
    q.collapses = true;
    q.collapse = 0.9;
    pf_hits answer = {0};
    /* each of the first ones, then fewer: words and the model make thousands */
    for (long n = 1;; n += 1 + n / 100) {
        pf_mem_fail_at(n);
        const bool ok = pf_search_run(reader, &q, &answer, &err);
        pf_mem_fail_at(0);
        if (ok)
            break;
        assert_int_equal(err.code, PF_ERR_NOMEM);
        assert_null(answer.hits);
        err = (pf_err)PF_ERR_INIT;
        assert_true(n < 100000);
    }
    assert_int_equal(answer.n_hits, 3);
    pf_hits_reset(&answer);
    pf_asking_close(reader);
}

static void test_each_allocation_of_folding_may_fail(void **state)
{
    (void)state;
    const pf_part like = {.kind = PF_PART_LIKE, .text = "1", .weight = 1};
    const pf_part film = {
        .kind = PF_PART_PHRASE, .text = "caption film 0", .weight = 1};
    fail_each_folding(&like, PF_BY_MEANING, PF_FIND_IMAGES);
    fail_each_folding(&film, PF_BY_WORDS, PF_FIND_IMAGES);
    fail_each_folding(&film, PF_BY_BOTH, PF_FIND_CAPTIONS);
}

#define TEST(f) cmocka_unit_test_setup(f, before)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_groups_are_those_of_all_pairs),
        TEST(test_the_line_is_sharp),
        TEST(test_filters_limit_the_images),
        TEST(test_tiles_and_threads_make_no_difference),
        TEST(test_senseless_thresholds_are_refused),
        TEST(test_each_allocation_of_groups_may_fail),
        TEST(test_images_fold_as_by_brute_force),
        TEST(test_words_and_both_fold),
        TEST(test_both_goes_deeper_until_full),
        TEST(test_cases_do_not_fold),
        TEST(test_each_allocation_of_folding_may_fail),
    };
    return cmocka_run_group_tests_name("duplicates", tests, before_all, after_all);
}
