/* test_background.c - percentiles against brute force over all pairs, what is left out
 * of them, and what happens when the background is damaged, old or interrupted.
 *
 * The catalog has what makes pairs related: images that share a picture, captions that
 * share a text, several captions of one image, cases. The oracle reads its rows with
 * SQL of its own. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/catalog/background.h"
#include "core/catalog/catalog.h"
#include "core/catalog/sql.h"
#include "core/search/search.h"
#include "tests/support/asking.h"
#include "tests/support/rows.h"
#include "tests/support/seeded.h"
#include "tests/support/tree.h"
#include "tests/unit/test_support.h"

enum { DIM = 16, SMALL = 120, LARGE = 500, THINGS_MAX = 2 * LARGE };

static char root[PF_TREE_ROOM], folder[96], other[96];
static pf_err err;

static int before(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    pf_tree_make(root);
    snprintf(folder, sizeof folder, "%s/c", root);
    snprintf(other, sizeof other, "%s/d", root);
    return 0;
}

static int after(void **state)
{
    (void)state;
    pf_tree_remove(root);
    return 0;
}

/* ---- a catalog ---- */

/* Every fifth image has the picture of the one before it; every third text is that of a
 * text before it; every fourth image has two captions; three images are a case, but for
 * those of every second case. */
static bool add_image(pf_store *s, int64_t model, int64_t source, int i, pf_err *e)
{
    float v[DIM];
    char name[32], content[32], text[32], key[32];
    const int picture = i % 5 == 4 ? i - 1 : i;
    snprintf(name, sizeof name, "/p/%04d.png", i);
    snprintf(content, sizeof content, "picture %d", picture);
    pf_seeded_vector(v, DIM, (uint32_t)picture + 1);
    pf_store_image image = {.source_id = source, .path = name};
    int64_t id, texts[2];
    snprintf(key, sizeof key, "case %d", i / 3);
    if (!pf_rows_put_picture(s, model, content, v, &image.picture_id, e) ||
        (i / 3 % 2 == 0 && !pf_store_put_case(s, source, key, "", &image.case_id, e)) ||
        !pf_store_put_image(s, &image, &id, e))
        return false;
    for (int k = 0; k < 2; k++) {
        const int number = k == 0 && i % 3 == 2 ? i / 2 : 10000 * k + i;
        snprintf(text, sizeof text, "text %d", number);
        pf_seeded_vector(v, DIM, (uint32_t)number + 5000);
        if (!pf_store_put_caption_text(s, model, text, v, &texts[k], e))
            return false;
    }
    return pf_store_set_captions(s, id, texts, i % 4 == 0 ? 2 : 1, e);
}

static bool publish_images(const char *where, int from, int to)
{
    return pf_rows_publish(where, DIM, from, to, add_image, &err);
}

static pf_background stored[PF_BACKGROUND_KINDS];

static void read_stored(const char *where)
{
    char path[128];
    pf_store *s;
    snprintf(path, sizeof path, "%s/catalog.db", where);
    assert_ok(pf_store_open(&s, path, PF_STORE_READ, &err), &err);
    for (int kind = 0; kind < PF_BACKGROUND_KINDS; kind++) {
        bool is_there;
        assert_ok(pf_store_find_background(s, kind, &stored[kind], &is_there, &err),
                  &err);
        assert_true(is_there);
    }
    pf_store_close(s);
}

/* ---- brute force ---- */

typedef struct {
    int64_t image, picture, case_id, text; /* case and text: 0 = none */
    float v[DIM];
} thing;

static thing images[THINGS_MAX], captions[THINGS_MAX];
static size_t n_images, n_captions;

static size_t read_things(thing *out, pf_sql *db, const char *sql)
{
    pf_sql_rows *rows;
    bool has_row;
    size_t n = 0;
    assert_ok(pf_sql_start(&rows, db, sql, PF_SQL_NO_ARGS, &err), &err);
    for (; pf_sql_next(rows, &has_row, &err) && has_row; n++) {
        size_t bytes;
        const void *blob = pf_sql_get_bytes(rows, 4, &bytes);
        assert_int_equal(bytes, sizeof out[n].v);
        out[n].image = pf_sql_get_int(rows, 0);
        out[n].picture = pf_sql_get_int(rows, 1);
        out[n].case_id = pf_sql_get_int(rows, 2);
        out[n].text = pf_sql_get_int(rows, 3);
        memcpy(out[n].v, blob, bytes);
    }
    pf_sql_end(rows);
    return n;
}

static void read_catalog(void)
{
    char path[128];
    pf_sql *db;
    snprintf(path, sizeof path, "%s/catalog.db", folder);
    assert_ok(pf_sql_open(&db, path, PF_SQL_READ, &err), &err);
    n_images = read_things(images, db,
                           "SELECT image.id, picture_id, case_id, 0, vector FROM image"
                           " JOIN picture ON picture.id = picture_id");
    n_captions = read_things(
        captions, db,
        "SELECT image_id, picture_id, image.case_id, caption_text_id, vector"
        " FROM caption JOIN image ON image.id = image_id"
        " JOIN caption_text ON caption_text.id = caption_text_id");
    pf_sql_close(db);
}

/* Is this the text of a caption of any image with this picture? */
static bool has_text(int64_t picture, int64_t text)
{
    for (size_t i = 0; i < n_captions; i++) {
        if (captions[i].picture == picture && captions[i].text == text)
            return true;
    }
    return false;
}

static bool are_strangers(const thing *a, const thing *b)
{
    if (a->picture == b->picture || (a->case_id && a->case_id == b->case_id))
        return false;
    if (a->text && b->text)
        return a->text != b->text;
    return !(a->text && has_text(b->picture, a->text));
}

static double *pairs; /* cosines, ascending */
static size_t n_pairs;

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double product(const thing *a, const thing *b)
{
    double sum = 0;
    for (int d = 0; d < DIM; d++)
        sum += (double)a->v[d] * (double)b->v[d];
    return sum;
}

static void pair_with_own(void)
{
    for (size_t i = 0; i < n_captions; i++) {
        for (size_t k = 0; k < n_images; k++) {
            if (captions[i].image == images[k].image)
                pairs[n_pairs++] = product(&captions[i], &images[k]);
        }
    }
}

static void pair_strangers(const thing *a, size_t na, const thing *b, size_t nb)
{
    for (size_t i = 0; i < na; i++) {
        for (size_t k = a == b ? i + 1 : 0; k < nb; k++) {
            if (are_strangers(&a[i], &b[k]))
                pairs[n_pairs++] = product(&a[i], &b[k]);
        }
    }
}

static const thing *image_of(const thing *caption)
{
    for (size_t k = 0; k < n_images; k++) {
        if (images[k].image == caption->image)
            return &images[k];
    }
    return NULL;
}

/* The best cosine of `asks` among these, all or those that are strangers to `who` and
 * below `most`; -2: there is none. */
static double best_of(const thing *asks, const thing *who, const thing *among, size_t n,
                      bool strangers_only, double most)
{
    double best = -2;
    for (size_t k = 0; k < n; k++) {
        const double x = product(asks, &among[k]);
        if (x < most && (!strangers_only || are_strangers(who, &among[k])))
            best = fmax(best, x);
    }
    return best;
}

static void pair_with_nearest(pf_background_kind kind)
{
    for (size_t i = 0; i < n_captions; i++) {
        const thing *c = &captions[i];
        if (kind == PF_BACKGROUND_CAPTION_BEST)
            pairs[n_pairs++] = best_of(c, c, images, n_images, false, 2);
        else if (kind == PF_BACKGROUND_CAPTION_OTHER)
            pairs[n_pairs++] = best_of(c, c, images, n_images, true, 2);
        else if (kind == PF_BACKGROUND_IMAGE_BEST)
            pairs[n_pairs++] = best_of(image_of(c), c, captions, n_captions, false, 2);
    }
    for (size_t i = 0; kind == PF_BACKGROUND_IMAGE_OTHER && i < n_images; i++) {
        if (images[i].case_id != 0)
            pairs[n_pairs++] =
                best_of(&images[i], &images[i], images, n_images, true, 0.995);
    }
}

static void pair_all(pf_background_kind kind)
{
    const bool has_captions = kind != PF_BACKGROUND_IMAGES;
    const thing *a = has_captions ? captions : images;
    const thing *b = kind == PF_BACKGROUND_CAPTIONS ? captions : images;
    const size_t na = has_captions ? n_captions : n_images;
    const size_t nb = kind == PF_BACKGROUND_CAPTIONS ? n_captions : n_images;
    pairs = pf_alloc_array(na * nb, sizeof *pairs, &err);
    assert_non_null(pairs);
    n_pairs = 0;
    if (kind == PF_BACKGROUND_OWN)
        pair_with_own();
    else if (kind > PF_BACKGROUND_OWN)
        pair_with_nearest(kind);
    else
        pair_strangers(a, na, b, nb);
    qsort(pairs, n_pairs, sizeof *pairs, ascending);
}

static double share_below(double cosine)
{
    size_t n = 0;
    while (n < n_pairs && pairs[n] < cosine)
        n++;
    return 100 * (double)n / (double)n_pairs;
}

/* ---- tests ---- */

static void percentiles_are_those_of_all_pairs(void **state)
{
    (void)state;
    assert_ok(publish_images(folder, 0, SMALL), &err);
    read_stored(folder);
    read_catalog();
    for (int kind = 0; kind < PF_BACKGROUND_KINDS; kind++) {
        pair_all(kind);
        assert_int_equal(stored[kind].pairs, n_pairs);
        for (int i = -1000; i <= 1000; i++) { /* exact at the borders of bins */
            const double x = i / 1000.0;
            const double p = pf_background_percentile(&stored[kind], x);
            assert_true(p >= share_below(x - 1e-6) - 1e-9);
            assert_true(p <= share_below(x + 1e-6) + 1e-9);
        }
        for (int i = -3000; i <= 3000; i++) { /* between them, of the bin at most */
            const double x = i / 2999.5;
            const double p = pf_background_percentile(&stored[kind], x);
            assert_true(p >= share_below(x - 1e-3) && p <= share_below(x + 1e-3));
        }
        pf_free(pairs);
    }
}

static void a_large_catalog_is_sampled_fairly(void **state)
{
    (void)state;
    assert_ok(publish_images(folder, 0, LARGE), &err);
    read_stored(folder);
    read_catalog();
    for (int kind = 0; kind < PF_BACKGROUND_OWN; kind++) {
        pair_all(kind);
        assert_true(n_pairs > PF_BACKGROUND_PAIRS);
        assert_int_equal(stored[kind].pairs, PF_BACKGROUND_PAIRS);
        for (int p = 1; p < 100;
             p++) { /* 5 standard errors: 50 / sqrt(pairs) % each at most */
            const double x = pairs[(size_t)p * n_pairs / 100];
            const double found = pf_background_percentile(&stored[kind], x);
            assert_true(fabs(found - p) < 0.8);
        }
        pf_free(pairs);
    }
}

static void the_same_catalog_has_the_same_background(void **state)
{
    (void)state;
    static pf_background first[PF_BACKGROUND_KINDS];
    assert_ok(publish_images(folder, 0, LARGE), &err);
    read_stored(folder);
    memcpy(first, stored, sizeof first);
    assert_ok(publish_images(other, 0, LARGE), &err);
    read_stored(other);
    assert_memory_equal(first, stored, sizeof first);
    assert_ok(publish_images(other, 0, 0), &err); /* and publishing again */
    read_stored(other);
    assert_memory_equal(first, stored, sizeof first);
}

static void percentiles_rise_and_lead_back(void **state)
{
    (void)state;
    assert_ok(publish_images(folder, 0, SMALL), &err);
    read_stored(folder);
    for (int kind = 0; kind < PF_BACKGROUND_KINDS; kind++) {
        const pf_background *b = &stored[kind];
        double last = 0;
        for (int i = -1100000; i <= 1100000; i += 37) {
            const double p = pf_background_percentile(b, i / 1e6);
            assert_true(p >= last && p <= 100);
            last = p;
        }
        assert_true(last == 100);
        assert_true(pf_background_cosine(b, 0) == -1);
        last = -1;
        for (double p = 0.01; p <= 100; p += 0.01) {
            const double x = pf_background_cosine(b, p);
            assert_true(x >= last);
            assert_true(pf_background_percentile(b, x) >= p);
            assert_true(pf_background_percentile(b, x) - p < 1e-6);
            if (p < 100) /* the lowest such cosine */
                assert_true(pf_background_percentile(b, x - 2e-9) < p);
            last = x;
        }
        for (int i = -1000; i <= 1000; i++) { /* its own percentile keeps a cosine */
            const double x = (double)(float)(i / 1003.7);
            const double p = pf_background_percentile(b, x);
            assert_true(pf_background_cosine(b, p) <= x);
        }
    }
}

static void odd_cosines_are_counted(void **state)
{
    (void)state;
    pf_background b = {0};
    assert_true(isnan(pf_background_percentile(&b, 0)));
    assert_true(isnan(pf_background_cosine(&b, 50)));
    for (int i = 0; i < 1000; i++)
        pf_background_add(&b, i % 2 ? 7.0 : -7.0); /* past the ends, by rounding */
    pf_background_add(&b, NAN);
    assert_int_equal(b.pairs, 1001);
    assert_true(fabs(pf_background_percentile(&b, 0) - 50.05) < 0.1);
    assert_true(isnan(pf_background_percentile(&b, NAN)));
}

/* ---- damage, age, death ---- */

/* One question; is a percentile known, and what does a lowest one come to? */
static void ask(bool is_known, const char *refusal)
{
    pf_reader *reader;
    pf_hits answer = {0};
    const pf_part part = {.kind = PF_PART_LIKE, .text = "1", .weight = 1};
    pf_query q;
    pf_query_init(&q);
    q.parts = &part;
    q.n_parts = 1;
    assert_ok(pf_asking_open(&reader, folder, NULL, NULL, &err), &err);
    assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
    assert_int_equal(answer.n_hits, 10);
    for (size_t i = 0; i < answer.n_hits; i++)
        assert_int_equal(!isnan(answer.hits[i].percentile), is_known);
    assert_int_equal(answer.chance, PF_CHANCE_UNKNOWN); /* of pictures it is */
    const double third = answer.hits[2].percentile;
    size_t n_above = 0; /* two images may have one picture */
    for (size_t i = 0; i < answer.n_hits; i++)
        n_above += answer.hits[i].score >= answer.hits[2].score;
    pf_hits_reset(&answer);
    q.min_percentile = is_known ? third : 50;
    if (is_known) {
        assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
        assert_int_equal(answer.n_hits, n_above);
        pf_hits_reset(&answer);
    } else {
        assert_refused(pf_search_run(reader, &q, &answer, &err), &err, refusal);
        assert_int_equal(err.code, PF_ERR_NOT_FOUND);
    }
    pf_asking_close(reader);
}

static size_t problems_of_check(const char *words)
{
    pf_catalog *c;
    pf_notes problems = {0};
    size_t n = 0;
    assert_ok(pf_catalog_open_reader(&c, folder, &err), &err);
    assert_ok(pf_catalog_check(c, NULL, &problems, &err), &err);
    for (size_t i = 0; i < problems.count; i++)
        n += strstr(problems.line[i], words) != NULL;
    pf_notes_reset(&problems);
    pf_catalog_close(c);
    return n;
}

static bool needs_publish(void)
{
    pf_catalog *c;
    bool is_needed;
    assert_ok(pf_catalog_open_writer(&c, folder, NULL, &err), &err);
    assert_ok(pf_catalog_needs_publish(c, &is_needed, &err), &err);
    pf_catalog_close(c);
    return is_needed;
}

static void a_damaged_background_is_found_and_mended(void **state)
{
    (void)state;
    static const char *const damage[] = {
        "UPDATE background SET counts = substr(counts, 1, length(counts) - 4)",
        "UPDATE background SET counts = substr(counts, 2)",
        "UPDATE background SET counts = X''",
        "UPDATE background SET counts = zeroblob(1000000)",
        "UPDATE background SET pairs = pairs + 1",
        "UPDATE background SET counts = CAST('many' AS TEXT)",
        "UPDATE background SET first_bin = 1999",
        "UPDATE background SET counts = counts || X'FFFFFFFF'",
    };
    assert_ok(publish_images(folder, 0, SMALL), &err);
    ask(true, NULL);
    assert_int_equal(problems_of_check(""), 0);
    assert_false(needs_publish());
    for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
        pf_rows_run_script(folder, damage[i]);
        assert_int_equal(problems_of_check("background of kind"), PF_BACKGROUND_KINDS);
        assert_int_equal(problems_of_check("background are not what was"), 1);
        ask(false, "run plainfilm-index once");
        assert_true(needs_publish());
        assert_ok(publish_images(folder, 0, 0), &err);
        assert_int_equal(problems_of_check(""), 0);
        ask(true, NULL);
    }
}

/* One that has just been brought up from the format before percentiles. */
static void a_catalog_of_before_gets_one_with_its_next_publish(void **state)
{
    (void)state;
    assert_ok(publish_images(folder, 0, SMALL), &err);
    pf_rows_run_script(folder, "DELETE FROM background; DELETE FROM digest");
    assert_true(needs_publish());
    assert_int_equal(problems_of_check(""), 0);
    ask(false, "run plainfilm-index once");
    assert_ok(publish_images(folder, 0, 0), &err);
    assert_false(needs_publish());
    ask(true, NULL);
}

static void a_small_catalog_has_none(void **state)
{
    (void)state;
    assert_ok(publish_images(folder, 0, 20), &err);
    assert_false(needs_publish());
    ask(false, "is too small for percentiles");
}

/* Dying before the commit leaves the background as it was, after it the new one. */
static void a_killed_publish_leaves_one_or_the_other(void **state)
{
    (void)state;
    assert_ok(publish_images(folder, 0, SMALL), &err);
    for (int step = 1; step <= 6; step++) {
        read_stored(folder);
        const uint64_t had = stored[PF_BACKGROUND_IMAGES].pairs;
        const pid_t child = fork();
        if (child == 0) {
            pf_catalog_die_at(step);
            /* more than a fiftieth, so that the files are written */
            const int from = SMALL + step * SMALL / 10;
            _exit(publish_images(folder, from, from + SMALL / 10) ? 0 : 1);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(WEXITSTATUS(status), 9);
        read_stored(folder);
        assert_int_equal(stored[PF_BACKGROUND_IMAGES].pairs > had, step >= 5);
        assert_int_equal(problems_of_check("background"), 0);
    }
}

/* A publish that lacks memory leaves the background that was there. */
static void each_allocation_may_fail(void **state)
{
    (void)state;
    static pf_background had[PF_BACKGROUND_KINDS];
    assert_ok(publish_images(folder, 0, 40), &err);
    read_stored(folder);
    memcpy(had, stored, sizeof had);
    bool done = false;
    long n = 1;
    for (; !done; n++) {
        err = (pf_err)PF_ERR_INIT;
        pf_mem_fail_at(n);
        done = publish_images(folder, 40, 44);
        pf_mem_fail_at(0);
        if (done)
            break;
        assert_int_equal(err.code, PF_ERR_NOMEM);
        read_stored(folder);
        assert_memory_equal(had, stored, sizeof had);
        assert_int_equal(problems_of_check(""), 0);
        assert_true(n < 5000);
    }
    assert_true(n > 40);
    read_stored(folder);
    assert_true(stored[PF_BACKGROUND_IMAGES].pairs > had[PF_BACKGROUND_IMAGES].pairs);
    for (int kind = PF_BACKGROUND_OWN; kind < PF_BACKGROUND_KINDS; kind++)
        assert_true(stored[kind].pairs > had[kind].pairs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(percentiles_are_those_of_all_pairs, before,
                                        after),
        cmocka_unit_test_setup_teardown(a_large_catalog_is_sampled_fairly, before,
                                        after),
        cmocka_unit_test_setup_teardown(the_same_catalog_has_the_same_background,
                                        before, after),
        cmocka_unit_test_setup_teardown(percentiles_rise_and_lead_back, before, after),
        cmocka_unit_test(odd_cosines_are_counted),
        cmocka_unit_test_setup_teardown(a_damaged_background_is_found_and_mended,
                                        before, after),
        cmocka_unit_test_setup_teardown(
            a_catalog_of_before_gets_one_with_its_next_publish, before, after),
        cmocka_unit_test_setup_teardown(a_small_catalog_has_none, before, after),
        cmocka_unit_test_setup_teardown(each_allocation_may_fail, before, after),
        cmocka_unit_test_setup_teardown(a_killed_publish_leaves_one_or_the_other,
                                        before, after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
