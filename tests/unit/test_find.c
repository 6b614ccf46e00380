/* test_find.c - cases and filters against brute force over SQLite's rows.
 *
 * The catalog is that of seeded.h with some thousand images and more attributes. The
 * oracle reads its rows with SQL of its own and compares every vector; none of the code
 * that is tested takes part. Questions are images of the catalog: they need no model
 * but for the one that has a phrase. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/catalog/catalog.h"
#include "core/catalog/sql.h"
#include "core/search/search.h"
#include "tests/support/asking.h"
#include "tests/support/seeded.h"
#include "tests/support/tree.h"
#include "tests/unit/test_support.h"

enum { DIM = 32, IMAGES = 3000, HITS_MAX = 2 * IMAGES };

static char root[PF_TREE_ROOM], model[96], folder[96];
static pf_err err;

/* ---- everything that SQLite knows ---- */

typedef struct {
    int64_t id, case_id; /* 0 = none */
    char path[32], case_key[16];
    float vector[DIM];
    size_t first, n_values; /* in `values` */
} row_image;

typedef struct {
    char key[16], value[32];
} row_value;

typedef struct {
    int64_t id, image_id;
    float vector[DIM];
} row_caption;

static row_image images[IMAGES];
static size_t n_images;
static row_caption captions[2 * IMAGES];
static size_t n_captions;
static row_value values[16 * IMAGES];

static const row_image *image_of(int64_t id)
{
    for (size_t i = 0; i < n_images; i++) {
        if (images[i].id == id)
            return &images[i];
    }
    fail_msg("there is no image %d", (int)id);
    return NULL;
}

static void copy_vector(float v[DIM], pf_sql_rows *rows, int column)
{
    size_t n;
    const void *blob = pf_sql_get_bytes(rows, column, &n);
    assert_int_equal(n, DIM * sizeof *v);
    memcpy(v, blob, n);
}

static void read_images(pf_sql *db)
{
    pf_sql_rows *rows;
    bool has_row;
    assert_ok(pf_sql_start(&rows, db,
                           "SELECT image.id, image.case_id, image.path, key, vector"
                           " FROM image JOIN picture ON picture_id = picture.id"
                           " LEFT JOIN teaching_case ON teaching_case.id = case_id"
                           " ORDER BY image.id",
                           PF_SQL_NO_ARGS, &err),
              &err);
    for (n_images = 0; pf_sql_next(rows, &has_row, &err) && has_row; n_images++) {
        row_image *i = &images[n_images];
        i->id = pf_sql_get_int(rows, 0);
        i->case_id = pf_sql_get_int(rows, 1);
        snprintf(i->path, sizeof i->path, "%s", pf_sql_get_text(rows, 2));
        snprintf(i->case_key, sizeof i->case_key, "%s", pf_sql_get_text(rows, 3));
        copy_vector(i->vector, rows, 4);
    }
    pf_sql_end(rows);
}

static void read_captions(pf_sql *db)
{
    pf_sql_rows *rows;
    bool has_row;
    assert_ok(pf_sql_start(&rows, db,
                           "SELECT caption.id, image_id, vector FROM caption"
                           " JOIN caption_text ON caption_text.id = caption_text_id",
                           PF_SQL_NO_ARGS, &err),
              &err);
    for (n_captions = 0; pf_sql_next(rows, &has_row, &err) && has_row; n_captions++) {
        row_caption *c = &captions[n_captions];
        c->id = pf_sql_get_int(rows, 0);
        c->image_id = pf_sql_get_int(rows, 1);
        copy_vector(c->vector, rows, 2);
    }
    pf_sql_end(rows);
}

/* Those of an image and those of its case, image by image. */
static void read_values(pf_sql *db)
{
    pf_sql_rows *rows;
    bool has_row;
    size_t n = 0, at = 0;
    assert_ok(pf_sql_start(&rows, db,
                           "SELECT image_id, key, value FROM image_attribute UNION ALL"
                           " SELECT image.id, key, value FROM case_attribute, image"
                           " WHERE image.case_id = case_attribute.case_id ORDER BY 1",
                           PF_SQL_NO_ARGS, &err),
              &err);
    for (; pf_sql_next(rows, &has_row, &err) && has_row; n++) {
        while (images[at].id != pf_sql_get_int(rows, 0))
            images[++at].first = n;
        images[at].n_values++;
        snprintf(values[n].key, sizeof values[n].key, "%s", pf_sql_get_text(rows, 1));
        snprintf(values[n].value, sizeof values[n].value, "%s",
                 pf_sql_get_text(rows, 2));
    }
    pf_sql_end(rows);
}

static void read_rows(void)
{
    pf_sql *db;
    assert_ok(pf_sql_open(&db, pf_tree_path(folder, "catalog.db"), PF_SQL_READ, &err),
              &err);
    read_images(db);
    read_captions(db);
    read_values(db);
    pf_sql_close(db);
    assert_int_equal(n_images, IMAGES);
}

/* "rare" is on 0.1 % of the images, "common" on 99 %; "tag" has several values; "age"
 * is not always a number. */
static bool add_attributes(pf_store *store, int i)
{
    static const char *const modality[] = {"CT", "MR", "CR"};
    static const char *const tag[] = {"lung", "left Lung base", "heart", "EAR, left"};
    char age[16], date[16];
    snprintf(age, sizeof age, i % 7 ? "%d" : "%dY", i % 97);
    snprintf(date, sizeof date, "20%02d-%02d-%02d", i % 25, i % 12 + 1, i % 28 + 1);
    pf_store_attribute a[8] = {{"modality", modality[i % 3]}, {"age", age}};
    size_t n = 2;
    if (i % 2 == 0)
        a[n++] = (pf_store_attribute){"date", date};
    if (i % 4 != 0)
        a[n++] = (pf_store_attribute){"tag", tag[i % 4]};
    if (i % 8 < 3)
        a[n++] = (pf_store_attribute){"tag", tag[i % 8]};
    if (i % 1000 == 500)
        a[n++] = (pf_store_attribute){"rare", "yes"};
    if (i % 100 != 99)
        a[n++] = (pf_store_attribute){"common", i % 2 ? "yes" : "Yes"};
    return pf_store_set_image_attributes(store, i, a, n, &err);
}

static bool add_all_attributes(void)
{
    pf_catalog *c;
    if (!pf_catalog_open_writer(&c, folder, NULL, &err))
        return false;
    pf_store *store = pf_catalog_store(c);
    bool ok = pf_store_begin(store, &err);
    for (int i = 1; ok && i <= IMAGES; i++)
        ok = add_attributes(store, i);
    ok = ok && pf_catalog_publish(c, &err);
    pf_catalog_close(c);
    return ok;
}

static int before_all(void **state)
{
    (void)state;
    pf_tree_make(root);
    snprintf(model, sizeof model, "%s/model", root);
    snprintf(folder, sizeof folder, "%s/catalog", root);
    if (!pf_seeded_model_write(model, &err) ||
        !pf_seeded_catalog_write(folder, model, NULL, IMAGES, true, &err) ||
        !add_all_attributes()) {
        fprintf(stderr, "%s\n", err.msg);
        return -1;
    }
    read_rows();
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

/* ---- asking ---- */

static pf_reader *open_reader(void)
{
    pf_reader *reader;
    assert_ok(pf_asking_open(&reader, folder, NULL, NULL, &err), &err);
    return reader;
}

/* One image, by its number; `name` is where its part borrows from. */
static pf_part like(int64_t id, char name[16])
{
    snprintf(name, 16, "%d", (int)id);
    return (pf_part){.kind = PF_PART_LIKE, .text = name, .weight = 1};
}

static pf_query ask(pf_find find, const pf_part *parts, size_t n_parts, size_t limit)
{
    pf_query q;
    pf_query_init(&q);
    q.find = find;
    q.limit = limit;
    q.parts = parts;
    q.n_parts = n_parts;
    return q;
}

/* ---- the oracle ---- */

typedef struct {
    int64_t id, case_id;
    double score;
} scored;

static scored ranking[HITS_MAX];
static size_t n_ranked;

static double dot(const float *a, const float *b)
{
    double sum = 0;
    for (int i = 0; i < DIM; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

static int best_first(const void *a, const void *b)
{
    const scored *x = a, *y = b;
    return x->score != y->score ? (x->score < y->score) - (x->score > y->score)
                                : (x->id > y->id) - (x->id < y->id);
}

static void rank(int64_t id, int64_t case_id, double score, double min_score)
{
    if (score >= min_score)
        ranking[n_ranked++] = (scored){id, case_id, score};
}

static int lower(int c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

/* Small letters; with `is_words` everything but letters and digits is one blank, and
 * there is one at both ends. */
static void fold(char out[64], const char *s, bool is_words)
{
    size_t n = 0;
    if (is_words)
        out[n++] = ' ';
    for (; *s; s++) {
        const int c = lower(*s);
        const bool is_letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        out[n++] = (char)(is_words && !is_letter ? ' ' : c);
        if (is_words && n > 1 && out[n - 1] == ' ' && out[n - 2] == ' ')
            n--;
    }
    if (is_words && out[n - 1] != ' ')
        out[n++] = ' ';
    out[n] = '\0';
}

static bool to_number(const char *s, double *out)
{
    int n = -1;
    return sscanf(s, "%lf%n", out, &n) == 1 && s[n] == '\0';
}

static int order(const char *a, const char *b)
{
    double x, y;
    char p[64], q[64];
    if (strlen(a) == 10 && a[4] == '-' && strlen(b) < 10 && strncmp(b, "20", 2) == 0)
        return strncmp(a, b, strlen(b)); /* a day, and a year or month */
    if (to_number(a, &x) && to_number(b, &y))
        return (x > y) - (x < y);
    fold(p, a, false);
    fold(q, b, false);
    return strcmp(p, q);
}

/* One condition as the oracle takes it: key, operator, value. */
typedef struct {
    const char *key, *op, *value;
} condition;

static bool meets(const condition *c, const char *value)
{
    char a[64], b[64];
    const bool is_words = strcmp(c->op, "~") == 0;
    fold(a, value, is_words);
    fold(b, c->value, is_words);
    if (is_words)
        return strstr(a, b) != NULL;
    if (strchr(c->op, '<') || strchr(c->op, '>')) {
        const int o = order(value, c->value);
        return (o == 0 && strchr(c->op, '=')) ||
               (o != 0 && (o < 0) == (c->op[0] == '<'));
    }
    return order(a, b) == 0 && (strcmp(a, b) == 0 || strlen(a) == 10);
}

/* Patterns are "*" and one letter of [0-9] or a range before ".png". */
static bool meets_path(const char *pattern, const char *path)
{
    const char digit = path[strlen(path) - 5];
    return pattern[1] == '[' ? digit >= pattern[2] && digit <= pattern[4]
                             : digit == pattern[1];
}

static bool passes(const row_image *image, const condition *c)
{
    bool some = false;
    if (strcmp(c->key, "path") == 0)
        return meets_path(c->value, image->path);
    if (strcmp(c->key, "case") == 0)
        some = image->case_id != 0 && meets(c, image->case_key);
    for (size_t i = 0; i < image->n_values; i++) {
        const row_value *v = &values[image->first + i];
        some = some || (strcmp(v->key, c->key) == 0 && meets(c, v->value));
    }
    return some != (strcmp(c->op, "!=") == 0);
}

static bool passes_all(const row_image *image, const condition *c, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!passes(image, &c[i]))
            return false;
    }
    return true;
}

/* All images of cases, but of none that `left_out` belongs to. */
static void rank_images_of_cases(const float *v, int64_t left_out, double min_score)
{
    n_ranked = 0;
    for (size_t i = 0; i < n_images; i++) {
        if (images[i].case_id != 0 && images[i].case_id != left_out)
            rank(images[i].id, images[i].case_id, dot(v, images[i].vector), min_score);
    }
    qsort(ranking, n_ranked, sizeof *ranking, best_first);
}

static size_t size_of_case(int64_t case_id)
{
    size_t n = 0;
    for (size_t i = 0; i < n_images; i++)
        n += images[i].case_id == case_id;
    return n;
}

static void assert_near(double a, double b)
{
    assert_true(fabs(a - b) < 1e-5);
}

/* Everything of case `case_id` in the ranking is in the hit, in that order. */
static void assert_case(const pf_hit *h, int64_t case_id)
{
    size_t n = 0;
    assert_int_equal(h->id, case_id);
    for (size_t i = 0; i < n_ranked; i++) {
        if (ranking[i].case_id != case_id)
            continue;
        assert_true(n < h->n_images);
        assert_int_equal(h->images[n].id, ranking[i].id);
        assert_string_equal(h->images[n].path, image_of(ranking[i].id)->path);
        assert_near(h->images[n++].score, ranking[i].score);
    }
    assert_int_equal(h->n_images, n);
    assert_int_equal(h->n_case_images, size_of_case(case_id));
    assert_int_equal(h->image_id, h->images[0].id);
    assert_string_equal(h->path, h->images[0].path);
    assert_string_equal(h->case_key, image_of(h->image_id)->case_key);
    assert_near(h->score, h->images[0].score);
}

/* Scores in float32 and in double may put two that are as good as equal the other way
 * round: such neighbours in the ranking come as they do in the answer. */
static void settle_ties(const pf_hits *answer)
{
    static size_t place[HITS_MAX];
    for (size_t i = 0; i < HITS_MAX; i++)
        place[i] = (size_t)-1;
    for (size_t i = 0; i < answer->n_hits; i++) {
        const pf_hit *h = &answer->hits[i];
        if (h->n_images == 0)
            place[h->id] = i;
        for (size_t k = 0; k < h->n_images; k++)
            place[h->images[k].id] = i * IMAGES + k;
    }
    for (bool is_settled = false; !is_settled;) {
        is_settled = true;
        for (size_t i = 1; i < n_ranked; i++) {
            const scored a = ranking[i - 1], b = ranking[i];
            if (place[a.id] <= place[b.id] || fabs(a.score - b.score) > 1e-6)
                continue;
            ranking[i - 1] = b;
            ranking[i] = a;
            is_settled = false;
        }
    }
}

/* The hits are the first `limit` cases of the ranking. */
static void assert_cases(const pf_hits *answer, size_t limit)
{
    static int64_t seen[IMAGES];
    size_t n = 0;
    settle_ties(answer);
    for (size_t i = 0; i < n_ranked && n < limit; i++) {
        bool is_new = true;
        for (size_t k = 0; k < n; k++)
            is_new = is_new && seen[k] != ranking[i].case_id;
        if (!is_new)
            continue;
        assert_true(n < answer->n_hits);
        assert_case(&answer->hits[n], ranking[i].case_id);
        seen[n++] = ranking[i].case_id;
    }
    assert_int_equal(answer->n_hits, n);
}

/* ---- cases ---- */

static void test_cases_are_what_brute_force_finds(void **state)
{
    (void)state;
    pf_reader *reader = open_reader();
    static const int64_t ids[] = {10, 11, 13, 2, 2999}; /* 13 and 2 have no case */
    static const size_t limits[] = {1, 10, 100, IMAGES};
    static const double scores[] = {-1, 0.2, 0.5, 1};
    for (size_t i = 0; i < 5; i++) {
        for (size_t l = 0; l < 4; l++) {
            char name[16];
            const pf_part part = like(ids[i], name);
            const row_image *image = image_of(ids[i]);
            pf_query q = ask(PF_FIND_CASES, &part, 1, limits[l]);
            q.min_score = scores[(i + l) % 4];
            pf_hits answer = {0};
            assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
            rank_images_of_cases(image->vector, image->case_id ? image->case_id : -1,
                                 q.min_score);
            assert_cases(&answer, limits[l]);
            pf_hits_reset(&answer);
        }
    }
    pf_asking_close(reader);
}

/* Only an image that was named is left out, not one that happens to look the same. */
static void test_own_case_of_each_like_is_left_out(void **state)
{
    (void)state;
    pf_reader *reader = open_reader();
    char names[2][16];
    const pf_part parts[] = {like(10, names[0]), like(26, names[1])};
    const pf_query q = ask(PF_FIND_CASES, parts, 2, IMAGES);
    pf_hits answer = {0};
    assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
    size_t n_cases = 0;
    for (size_t i = 0; i < n_images; i++)
        n_cases += images[i].id % 5 == 0 && images[i].case_id != 0;
    assert_int_equal(answer.n_hits, n_cases - 2);
    for (size_t i = 0; i < answer.n_hits; i++) {
        assert_string_not_equal(answer.hits[i].case_key, "case-2");
        assert_string_not_equal(answer.hits[i].case_key, "case-5");
    }
    pf_hits_reset(&answer);
    pf_asking_close(reader);
}

static void test_phrase_finds_cases(void **state)
{
    (void)state;
    pf_reader *reader = open_reader();
    const pf_part part = {.kind = PF_PART_PHRASE, .text = "effusion", .weight = 1};
    pf_query q = ask(PF_FIND_IMAGES, &part, 1, IMAGES);
    pf_hits all = {0}, answer = {0};
    assert_ok(pf_search_run(reader, &q, &all, &err), &err);
    q.find = PF_FIND_CASES;
    assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
    n_ranked = 0;
    for (size_t i = 0; i < all.n_hits; i++) {
        if (image_of(all.hits[i].id)->case_id != 0)
            rank(all.hits[i].id, image_of(all.hits[i].id)->case_id, all.hits[i].score,
                 -1);
    }
    assert_cases(&answer, IMAGES);
    pf_hits_reset(&all);
    pf_hits_reset(&answer);
    pf_asking_close(reader);
}

static void test_catalog_without_cases(void **state)
{
    (void)state;
    char plain[96];
    snprintf(plain, sizeof plain, "%s/plain", root);
    assert_ok(pf_seeded_catalog_write(plain, model, NULL, 4, true, &err), &err);
    pf_reader *reader;
    assert_ok(pf_asking_open(&reader, plain, NULL, NULL, &err), &err);
    char name[16];
    const pf_part part = like(3, name);
    const pf_query q = ask(PF_FIND_CASES, &part, 1, 10);
    pf_hits answer = {0};
    assert_refused(pf_search_run(reader, &q, &answer, &err), &err, "has no cases");
    assert_int_equal(err.code, PF_ERR_NOT_FOUND);
    assert_null(answer.hits);
    pf_asking_close(reader);
}

/* ---- filters ---- */

static unsigned draw(unsigned n)
{
    static unsigned state = 7;
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % n;
}

static condition draw_condition(void)
{
    static const condition all[] = {
        {"rare", "=", "YES"},
        {"rare", "!=", "yes"},
        {"common", "=", "yes"},
        {"common", "!=", "yes"},
        {"modality", "=", "ct"},
        {"modality", "!=", "MR"},
        {"modality", ">", "CT"},
        {"age", "<", "9"},
        {"age", ">", "60"},
        {"age", "<=", "12.0"},
        {"age", ">=", "5Y"},
        {"age", "=", "7"},
        {"date", "<", "2011-06-01"},
        {"date", ">=", "2020"},
        {"date", "!=", "x"},
        {"date", ">", "2015"},
        {"date", "<=", "2015-03"},
        {"date", "=", "2016"},
        {"date", "!=", "2016"},
        {"tag", "~", "lung"},
        {"tag", "~", "ear"},
        {"tag", "~", "LEFT LUNG"},
        {"tag", "=", "left lung base"},
        {"tag", "!=", "Heart"},
        {"tag", "~", "lun"},
        {"tag", "~", "eart"},
        {"anatomy", "=", "chest"},
        {"anatomy", "!=", "chest"},
        {"case", "=", "CASE-7"},
        {"case", "~", "case"},
        {"case", "!=", "case-7"},
        {"path", "~", "*7.png"},
        {"path", "~", "*[2-6].png"},
        {"case", ">", "case-4"},
    };
    return all[draw(sizeof all / sizeof *all)];
}

/* What the oracle ranks for a question; the image asked with, or its case, is out. */
static void rank_filtered(pf_find find, const row_image *asked, const condition *c,
                          size_t n)
{
    static bool is_in[IMAGES + 1];
    const int64_t own_case = asked->case_id ? asked->case_id : -1;
    for (size_t i = 0; i < n_images; i++)
        is_in[images[i].id] = passes_all(&images[i], c, n);
    n_ranked = 0;
    for (size_t i = 0; find != PF_FIND_CAPTIONS && i < n_images; i++) {
        const row_image *image = &images[i];
        const bool is_left_out = find == PF_FIND_IMAGES
                                     ? image->id == asked->id
                                     : !image->case_id || image->case_id == own_case;
        if (is_in[image->id] && !is_left_out)
            rank(image->id, image->case_id, dot(asked->vector, image->vector), -1);
    }
    for (size_t i = 0; find == PF_FIND_CAPTIONS && i < n_captions; i++) {
        if (is_in[captions[i].image_id])
            rank(captions[i].id, 0, dot(asked->vector, captions[i].vector), -1);
    }
    qsort(ranking, n_ranked, sizeof *ranking, best_first);
}

static void assert_ranking(pf_find find, const pf_hits *answer, size_t limit)
{
    if (find == PF_FIND_CASES) {
        assert_cases(answer, limit);
        return;
    }
    settle_ties(answer);
    assert_int_equal(answer->n_hits, limit < n_ranked ? limit : n_ranked);
    for (size_t i = 0; i < answer->n_hits; i++) {
        assert_int_equal(answer->hits[i].id, ranking[i].id);
        assert_near(answer->hits[i].score, ranking[i].score);
    }
}

/* One question with n conditions, answered by both. */
static void compare_filtered(pf_reader *reader, pf_find find, int64_t id,
                             const condition *c, size_t n, size_t limit)
{
    char name[16], text[4][64];
    const pf_part part = like(id, name);
    pf_filter filters[4];
    for (size_t i = 0; i < n; i++) {
        snprintf(text[i], sizeof text[i], "%s%s%s", c[i].key, c[i].op, c[i].value);
        assert_ok(pf_filter_parse(&filters[i], text[i], &err), &err);
    }
    pf_query q = ask(find, &part, 1, limit);
    q.filters = filters;
    q.n_filters = n;
    pf_hits answer = {0};
    assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
    rank_filtered(find, image_of(id), c, n);
    assert_ranking(find, &answer, limit);
    pf_hits_reset(&answer);
    for (size_t i = 0; i < n; i++)
        pf_filter_reset(&filters[i]);
}

static size_t count_passing(const condition *c)
{
    size_t n = 0;
    for (size_t i = 0; i < n_images; i++)
        n += passes(&images[i], c);
    return n;
}

static const pf_find finds[] = {PF_FIND_IMAGES, PF_FIND_CAPTIONS, PF_FIND_CASES};

static void test_random_filters_are_brute_force(void **state)
{
    (void)state;
    pf_reader *reader = open_reader();
    size_t n_empty = 0;
    for (int i = 0; i < 200; i++) {
        condition c[3];
        const size_t n = 1 + draw(3);
        for (size_t k = 0; k < n; k++)
            c[k] = draw_condition();
        compare_filtered(reader, finds[i % 3], 1 + draw(IMAGES), c, n,
                         i % 5 ? 1 + draw(20) : IMAGES);
        n_empty += n_ranked == 0;
    }
    assert_in_range(n_empty, 1, 100); /* most have something to compare */
    pf_asking_close(reader);
}

static void test_selective_filters_are_brute_force(void **state)
{
    (void)state;
    static const condition one_in_1000 = {"rare", "=", "yes"},
                           all_but_one_percent = {"common", "=", "yes"},
                           one_percent = {"common", "!=", "yes"};
    assert_int_equal(count_passing(&one_in_1000), IMAGES / 1000);
    assert_int_equal(count_passing(&one_percent), IMAGES / 100);
    assert_int_equal(count_passing(&all_but_one_percent), IMAGES - IMAGES / 100);
    pf_reader *reader = open_reader();
    for (size_t f = 0; f < 3; f++) {
        for (int64_t id = 1; id < 60; id += 7) {
            compare_filtered(reader, finds[f], id, &one_in_1000, 1, 10);
            compare_filtered(reader, finds[f], id, &one_percent, 1, 10);
            compare_filtered(reader, finds[f], id, &all_but_one_percent, 1, 10);
        }
    }
    pf_asking_close(reader);
}

static void test_filters_that_pass_nothing(void **state)
{
    (void)state;
    pf_reader *reader = open_reader();
    char name[16];
    const pf_part part = like(10, name);
    for (size_t f = 0; f < 3; f++) {
        pf_filter filter;
        assert_ok(pf_filter_parse(&filter, "modality=none", &err), &err);
        pf_query q = ask(finds[f], &part, 1, 10);
        q.filters = &filter;
        q.n_filters = 1;
        pf_hits answer = {0};
        assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
        assert_int_equal(answer.n_hits, 0);
        assert_true(answer.no_image_passes);
        pf_hits_reset(&answer);
        pf_filter_reset(&filter);
    }
    pf_asking_close(reader);
}

static void test_unknown_keys_are_refused(void **state)
{
    (void)state;
    pf_reader *reader = open_reader();
    char name[16];
    const pf_part part = like(10, name);
    pf_filter filter;
    assert_ok(pf_filter_parse(&filter, "modalty=CT", &err), &err);
    pf_query q = ask(PF_FIND_IMAGES, &part, 1, 10);
    q.filters = &filter;
    q.n_filters = 1;
    pf_hits answer = {0};
    assert_refused(pf_search_run(reader, &q, &answer, &err), &err,
                   "did you mean 'modality'");
    assert_int_equal(err.code, PF_ERR_NOT_FOUND);
    assert_non_null(strstr(err.msg, "age, anatomy, common, date, modality, rare, tag"));
    pf_filter_reset(&filter);
    pf_asking_close(reader);
}

/* ---- one search, many questions ---- */

static void assert_same(const pf_hits *a, const pf_hits *b)
{
    assert_int_equal(a->n_hits, b->n_hits);
    for (size_t i = 0; i < a->n_hits; i++) {
        assert_int_equal(a->hits[i].id, b->hits[i].id);
        assert_true(a->hits[i].score == b->hits[i].score);
    }
}

static void test_one_search_answers_as_many_do(void **state)
{
    (void)state;
    pf_reader *reader = open_reader();
    for (int i = 0; i < 200; i++) {
        char name[16], words[32];
        pf_part parts[] = {{.kind = PF_PART_PHRASE, .text = words, .weight = 2}};
        snprintf(words, sizeof words, "effusion %d", i);
        if (i % 4 != 0) /* phrases open the model, which takes its time */
            parts[0] = like(1 + draw(IMAGES), name);
        const pf_query q = ask(finds[i % 3], parts, 1, 1 + draw(20));
        pf_hits one = {0}, other = {0};
        pf_reader *fresh = open_reader();
        assert_ok(pf_search_run(reader, &q, &one, &err), &err);
        assert_ok(pf_search_run(fresh, &q, &other, &err), &err);
        assert_same(&one, &other);
        pf_hits_reset(&one);
        pf_hits_reset(&other);
        pf_asking_close(fresh);
    }
    pf_asking_close(reader);
}

/* ---- failure ---- */

static bool ask_once(const pf_query *q)
{
    pf_reader *reader = NULL;
    pf_hits answer = {0};
    const bool ok = pf_asking_open(&reader, folder, NULL, NULL, &err) &&
                    pf_search_run(reader, q, &answer, &err);
    if (ok)
        assert_int_equal(answer.n_hits, q->limit);
    else
        assert_null(answer.hits);
    pf_hits_reset(&answer);
    pf_asking_close(reader);
    return ok;
}

static void fail_each(const pf_query *q)
{
    long n = 1;
    for (bool ok = false; !ok; n++) {
        err = (pf_err)PF_ERR_INIT;
        pf_mem_fail_at(n);
        ok = ask_once(q);
        pf_mem_fail_at(0);
        if (!ok)
            assert_int_equal(err.code, PF_ERR_NOMEM);
        assert_true(n < 2000);
    }
    assert_true(n > (long)q->limit);
}

static void test_each_allocation_may_fail(void **state)
{
    (void)state;
    char name[16];
    const pf_part part = like(10, name);
    pf_query q = ask(PF_FIND_CASES, &part, 1, 5);
    fail_each(&q);
    pf_filter filter;
    assert_ok(pf_filter_parse(&filter, "modality=CT", &err), &err);
    q.filters = &filter;
    q.n_filters = 1;
    for (size_t f = 0; f < 3; f++) {
        q.find = finds[f];
        fail_each(&q);
    }
    pf_filter_reset(&filter);
}

#define TEST(f) cmocka_unit_test_setup(f, before)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_cases_are_what_brute_force_finds),
        TEST(test_own_case_of_each_like_is_left_out),
        TEST(test_phrase_finds_cases),
        TEST(test_catalog_without_cases),
        TEST(test_random_filters_are_brute_force),
        TEST(test_selective_filters_are_brute_force),
        TEST(test_filters_that_pass_nothing),
        TEST(test_unknown_keys_are_refused),
        TEST(test_one_search_answers_as_many_do),
        TEST(test_each_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("find", tests, before_all, after_all);
}
