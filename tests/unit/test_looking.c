/* test_looking.c - totals, facets, lists and pages against brute force over SQLite's
 * rows.
 *
 * The catalog is that of seeded.h with more attributes, and captions out of a few words
 * that are there, or denied, or not there. The oracle reads rows with SQL of its own
 * and looks at all of them for each question; none of the code that is tested takes
 * part, but that a phrase's cosines are those that a search by meaning tells. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/ids.h"
#include "core/base/mem.h"
#include "core/catalog/catalog.h"
#include "core/catalog/sql.h"
#include "core/search/facets.h"
#include "core/search/search.h"
#include "tests/support/asking.h"
#include "tests/support/seeded.h"
#include "tests/support/tree.h"
#include "tests/unit/test_support.h"

enum { DIM = 32, IMAGES = 1600, CAPTIONS_MAX = 3 * IMAGES, N_WORDS = 5, FACETS = 9 };

static const char *const words[N_WORDS] = {"effusion", "fracture", "nodule",
                                           "pacemaker", "scoliosis"};
static char root[PF_TREE_ROOM], model[96], folder[96];
static pf_err err;
static pf_reader *reader;

/* ---- everything that SQLite knows ------------------------------------------------ */

typedef struct {
    char key[16], value[32];
} row_value;

typedef struct {
    int64_t id, case_id; /* 0 = none */
    char path[32], case_key[16];
    row_value values[12]; /* its own and its case's, perhaps twice */
    size_t n_values;
    bool has_caption;
    double score; /* of the present question */
} film;

typedef struct {
    int64_t id;
    size_t film;
    bool has[N_WORDS]; /* and does not deny it */
    double score;
} text;

static film films[IMAGES];
static text texts[CAPTIONS_MAX];
static size_t n_texts;

static film *film_of(int64_t id)
{
    assert_in_range(id, 1, IMAGES); /* they were made in a row */
    return &films[id - 1];
}

static void add_value(film *f, const char *key, const char *value)
{
    row_value *v = &f->values[f->n_values++];
    assert_true(f->n_values <= sizeof f->values / sizeof *f->values);
    snprintf(v->key, sizeof v->key, "%s", key);
    snprintf(v->value, sizeof v->value, "%s", value);
}

typedef void take_row(pf_sql_rows *rows);

static void each_row(pf_sql *db, const char *sql, take_row *take)
{
    pf_sql_rows *rows;
    bool has_row;
    assert_ok(pf_sql_start(&rows, db, sql, PF_SQL_NO_ARGS, &err), &err);
    while (pf_sql_next(rows, &has_row, &err) && has_row)
        take(rows);
    pf_sql_end(rows);
}

static void take_film(pf_sql_rows *rows)
{
    film *f = film_of(pf_sql_get_int(rows, 0));
    f->id = pf_sql_get_int(rows, 0);
    f->case_id = pf_sql_get_int(rows, 1);
    snprintf(f->path, sizeof f->path, "%s", pf_sql_get_text(rows, 2));
    snprintf(f->case_key, sizeof f->case_key, "%s", pf_sql_get_text(rows, 3));
}

static void take_value(pf_sql_rows *rows)
{
    add_value(film_of(pf_sql_get_int(rows, 0)), pf_sql_get_text(rows, 1),
              pf_sql_get_text(rows, 2));
}

static void take_captioned(pf_sql_rows *rows)
{
    film_of(pf_sql_get_int(rows, 0))->has_caption = true;
}

/* Each word stands there as "X is seen" or as "No X". */
static void take_text(pf_sql_rows *rows)
{
    text *t = &texts[n_texts++];
    const char *says = pf_sql_get_text(rows, 2);
    t->id = pf_sql_get_int(rows, 0);
    t->film = (size_t)pf_sql_get_int(rows, 1) - 1;
    for (size_t w = 0; w < N_WORDS; w++) {
        const char *at = strstr(says, words[w]);
        t->has[w] = at && (at == says || at[-1] != ' ' || at[-2] != 'o');
    }
}

static void read_rows(void)
{
    pf_sql *db;
    assert_ok(pf_sql_open(&db, pf_tree_path(folder, "catalog.db"), PF_SQL_READ, &err),
              &err);
    each_row(db,
             "SELECT image.id, case_id, path, key FROM image"
             " LEFT JOIN teaching_case ON teaching_case.id = case_id",
             take_film);
    each_row(db,
             "SELECT image_id, key, value FROM image_attribute UNION ALL"
             " SELECT image.id, key, value FROM case_attribute, image"
             " WHERE image.case_id = case_attribute.case_id",
             take_value);
    each_row(db,
             "SELECT image.id FROM image WHERE"
             " EXISTS (SELECT 1 FROM caption WHERE image_id = image.id) OR"
             " EXISTS (SELECT 1 FROM caption WHERE case_id = image.case_id)",
             take_captioned);
    each_row(db,
             "SELECT caption_id, image_id, text FROM caption_image"
             " JOIN caption_text ON caption_text.id = caption_text_id"
             " ORDER BY caption_id",
             take_text);
    pf_sql_close(db);
    for (size_t i = 0; i < IMAGES; i++)
        assert_int_equal(films[i].id, i + 1);
}

/* ---- the catalog ----------------------------------------------------------------- */

static unsigned draw(unsigned n)
{
    static unsigned state = 11;
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % n;
}

static void write_text(char out[160], int i)
{
    size_t n = (size_t)snprintf(out, 160, "Film %d.", i % 700);
    for (size_t w = 0; w < N_WORDS; w++) {
        const unsigned what = draw((unsigned)(4 + 3 * w));
        if (what == 0)
            n += (size_t)snprintf(out + n, 160 - n, " The %s is seen.", words[w]);
        else if (what == 1)
            n += (size_t)snprintf(out + n, 160 - n, " No %s.", words[w]);
    }
}

static bool put_text(pf_store *store, int i, int64_t *id)
{
    static uint32_t seed = 77;
    char says[160];
    float v[DIM];
    write_text(says, i);
    pf_seeded_vector(v, DIM, ++seed);
    return pf_store_put_caption_text(store, 1, says, v, id, &err);
}

static bool put_texts(pf_store *store, int i)
{
    int64_t ids[2];
    const size_t n = i % 3;
    bool ok = true;
    for (size_t k = 0; ok && k < n; k++)
        ok = put_text(store, i, &ids[k]);
    return ok && pf_store_set_captions(store, i, ids, n, &err);
}

static bool put_case_text(pf_store *store, int64_t case_id)
{
    int64_t id;
    return put_text(store, (int)case_id, &id) &&
           pf_store_set_case_captions(store, case_id, &id, 1, &err);
}

static bool put_attributes(pf_store *store, int i)
{
    static const char *const modality[] = {"CT", "MR", "CR", "ct"};
    static const char *const tag[] = {"lung", "left lung", "a|b", "x..y", "say \"ah\""};
    char age[16], date[16], many[16];
    pf_store_attribute a[8] = {{"modality", modality[i % 7 % 4]}};
    size_t n = 1;
    snprintf(age, sizeof age, "%d", i % 97);
    snprintf(date, sizeof date,
             i % 5   ? "20%02d-%02d-%02d"
             : i % 2 ? "20%02d-%02d"
                     : "20%02d",
             i % 25, i % 12 + 1, i % 28 + 1);
    snprintf(many, sizeof many, "v%u", draw(300) * draw(3));
    if (i % 4)
        a[n++] = (pf_store_attribute){"age", age};
    if (i % 2)
        a[n++] = (pf_store_attribute){"date", date};
    if (i % 3)
        a[n++] = (pf_store_attribute){"tag", tag[i % 5]};
    if (i % 10 < 3 && i % 5 != 2)
        a[n++] = (pf_store_attribute){"tag", "left lung"};
    if (i % 11 == 0) /* what its case may say as well */
        a[n++] = (pf_store_attribute){"anatomy", i % 2 ? "chest" : "head"};
    a[n++] = (pf_store_attribute){"many", many};
    return pf_store_set_image_attributes(store, i, a, n, &err);
}

static bool fill_catalog(void)
{
    pf_catalog *c;
    if (!pf_catalog_open_writer(&c, folder, NULL, &err))
        return false;
    pf_store *store = pf_catalog_store(c);
    bool ok = pf_store_begin(store, &err);
    for (int i = 1; ok && i <= IMAGES; i++)
        ok = put_attributes(store, i) && put_texts(store, i);
    for (int64_t id = 1; ok && id < IMAGES / 5; id += 4)
        ok = put_case_text(store, id);
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
        !fill_catalog() || !pf_asking_open(&reader, folder, NULL, NULL, &err)) {
        fprintf(stderr, "%s\n", err.msg);
        return -1;
    }
    read_rows();
    return 0;
}

static int after_all(void **state)
{
    (void)state;
    pf_asking_close(reader);
    pf_tree_remove(root);
    return 0;
}

static int before(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    return 0;
}

/* ---- conditions ------------------------------------------------------------------ */

static bool is_same(const char *a, const char *b)
{
    for (; *a && (*a | 32) == (*b | 32); a++)
        b++;
    return *a == *b;
}

static bool has_value(const film *f, const char *key, const char *value)
{
    for (size_t i = 0; i < f->n_values; i++) {
        if (strcmp(f->values[i].key, key) == 0 && is_same(f->values[i].value, value))
            return true;
    }
    return false;
}

static bool is_ct_or_mr(const film *f)
{
    return has_value(f, "modality", "CT") || has_value(f, "modality", "MR");
}

static bool has_tag_with_marks(const film *f)
{
    return has_value(f, "tag", "a|b") || has_value(f, "tag", "x..y") ||
           has_value(f, "tag", "say \"ah\"");
}

static bool is_lung(const film *f)
{
    return has_value(f, "tag", "lung") || has_value(f, "tag", "left lung");
}

static bool is_chest(const film *f)
{
    return has_value(f, "anatomy", "chest");
}

static bool has_age_between(const film *f, int from, int to)
{
    for (size_t i = 0; i < f->n_values; i++) {
        const int age = atoi(f->values[i].value);
        if (strcmp(f->values[i].key, "age") == 0 && age >= from && age <= to)
            return true;
    }
    return false;
}

static bool is_young(const film *f)
{
    return has_age_between(f, 0, 9) || has_age_between(f, 20, 25) ||
           has_age_between(f, 90, 999);
}

static const char *date_of(const film *f)
{
    for (size_t i = 0; i < f->n_values; i++) {
        if (strcmp(f->values[i].key, "date") == 0)
            return f->values[i].value;
    }
    return NULL;
}

static bool is_dated_between(const film *f)
{
    const char *date = date_of(f); /* 2003-05 .. 2011 */
    return date && strcmp(date, "2003-05") >= 0 && strncmp(date, "2011", 4) <= 0;
}

static bool is_of_2007(const film *f)
{
    return date_of(f) && strncmp(date_of(f), "2007", 4) == 0;
}

static bool has_case_3_or_7(const film *f)
{
    return strcmp(f->case_key, "case-3") == 0 || strcmp(f->case_key, "case-7") == 0;
}

static bool has_path_with_7(const film *f)
{
    return strchr(f->path, '7') != NULL;
}

static bool is_captioned(const film *f)
{
    return f->has_caption;
}

static bool is_of_films(const film *f)
{
    return strncmp(f->path, "/films", 6) == 0;
}

static const struct {
    const char *filter;
    bool (*passes)(const film *f);
    bool is_denied;
} conditions[] = {
    {"modality=CT|mr", is_ct_or_mr, false},
    {"modality != CT | MR", is_ct_or_mr, true},
    {"modality~ct|mr", is_ct_or_mr, false},
    {"tag=\"a|b\"|\"x..y\" | \"say \"\"ah\"\"\"", has_tag_with_marks, false},
    {"tag!=\"a|b\"|\"x..y\"|\"say \"\"ah\"\"\"", has_tag_with_marks, true},
    {"tag~lung", is_lung, false},
    {"anatomy=chest", is_chest, false},
    {"anatomy!=Chest", is_chest, true},
    {"age=0..9|20..25|90..", is_young, false},
    {"age!=..9 | 20 .. 25|90..", is_young, true},
    {"date=2003-05..2011", is_dated_between, false},
    {"date!=2003-05..2011", is_dated_between, true},
    {"date=2007", is_of_2007, false},
    {"year=2007", is_of_2007, false},
    {"year!=2007", is_of_2007, true},
    {"case=case-3|CASE-7", has_case_3_or_7, false},
    {"case!=case-3|case-7", has_case_3_or_7, true},
    {"path~*7*", has_path_with_7, false},
    {"has_caption=yes", is_captioned, false},
    {"has_caption=no", is_captioned, true},
    {"source=/films", is_of_films, false},
};
enum { N_CONDITIONS = sizeof conditions / sizeof *conditions };

/* ---- one question ---------------------------------------------------------------- */

typedef enum { NOTHING, LIKE, WORDS, BOTH } asked_with;

typedef struct {
    asked_with with;
    pf_find find;
    size_t conditions[3], n_conditions;
    int64_t like;
    bool asks[N_WORDS]; /* for these words */
    bool is_and;        /* all of them, by AND */
    double min_score;
    /* What it becomes. */
    char name[16], phrase[128];
    pf_part part;
    pf_filter filters[3];
    pf_query query;
} question;

static void make_phrase(question *q)
{
    size_t n = 0;
    for (size_t w = 0; w < N_WORDS; w++) {
        if (q->asks[w])
            n += (size_t)snprintf(q->phrase + n, sizeof q->phrase - n, "%s%s",
                                  n == 0      ? ""
                                  : q->is_and ? " AND "
                                              : " ",
                                  words[w]);
    }
}

static void make_query(question *q)
{
    pf_query_init(&q->query);
    q->query.find = q->find;
    q->query.limit = 5;
    q->query.min_score = q->min_score;
    q->query.by = q->with == WORDS  ? PF_BY_WORDS
                  : q->with == BOTH ? PF_BY_BOTH
                                    : PF_BY_MEANING;
    if (q->with == LIKE) {
        snprintf(q->name, sizeof q->name, "%d", (int)q->like);
        q->part = (pf_part){.kind = PF_PART_LIKE, .text = q->name, .weight = 1};
    } else {
        make_phrase(q);
        q->part = (pf_part){.kind = PF_PART_PHRASE, .text = q->phrase, .weight = 1};
    }
    q->query.parts = &q->part;
    q->query.n_parts = q->with != NOTHING;
    for (size_t i = 0; i < q->n_conditions; i++)
        assert_ok(
            pf_filter_parse(&q->filters[i], conditions[q->conditions[i]].filter, &err),
            &err);
    q->query.filters = q->filters;
    q->query.n_filters = q->n_conditions;
}

static void reset_question(question *q)
{
    for (size_t i = 0; i < q->n_conditions; i++)
        pf_filter_reset(&q->filters[i]);
}

static void draw_question(question *q, int i)
{
    static const pf_find finds[] = {PF_FIND_IMAGES, PF_FIND_CAPTIONS, PF_FIND_CASES};
    *q = (question){
        .with = (asked_with)(i % 4), .find = finds[draw(3)], .min_score = -1};
    q->n_conditions = draw(4);
    for (size_t k = 0; k < q->n_conditions; k++)
        q->conditions[k] = draw(N_CONDITIONS);
    q->like = 1 + draw(IMAGES);
    q->asks[draw(N_WORDS)] = true;
    if (draw(2))
        q->asks[draw(N_WORDS)] = true;
    q->is_and = draw(4) == 0;
    if ((q->with == LIKE || q->with == BOTH) && draw(2))
        q->min_score = 0.05 + 0.05 * draw(6);
    make_query(q);
}

/* ---- the oracle ------------------------------------------------------------------ */

static bool passes(const question *q, const film *f)
{
    for (size_t i = 0; i < q->n_conditions; i++) {
        const size_t c = q->conditions[i];
        if (conditions[c].passes(f) == conditions[c].is_denied)
            return false;
    }
    return true;
}

/* Every image, or caption, with its cosine: as a search by meaning tells it. */
static void score_all(const question *q)
{
    pf_query by_meaning = q->query;
    pf_hits all = {0};
    by_meaning.by = PF_BY_MEANING;
    by_meaning.find = q->find == PF_FIND_CAPTIONS ? PF_FIND_CAPTIONS : PF_FIND_IMAGES;
    by_meaning.limit = CAPTIONS_MAX;
    by_meaning.min_score = -1;
    by_meaning.n_filters = 0;
    for (size_t i = 0; i < IMAGES; i++)
        films[i].score = 1; /* of the image that is asked with */
    if (q->with == LIKE || q->with == BOTH)
        assert_ok(pf_search_run(reader, &by_meaning, &all, &err), &err);
    for (size_t i = 0, at = 0; i < all.n_hits; i++) {
        if (q->find != PF_FIND_CAPTIONS) {
            film_of(all.hits[i].id)->score = all.hits[i].score;
            continue;
        }
        for (at = 0; texts[at].id != all.hits[i].id;)
            at++;
        texts[at].score = all.hits[i].score;
    }
    pf_hits_reset(&all);
}

/* How many of the words that are asked for; of AND none or all. */
static size_t count_words(const question *q, const text *t, size_t *n_asked)
{
    size_t n = 0;
    *n_asked = 0;
    for (size_t w = 0; w < N_WORDS; w++) {
        *n_asked += q->asks[w];
        n += q->asks[w] && t->has[w];
    }
    return q->is_and && n < *n_asked ? 0 : n;
}

/* What matches: is_in for captions, or for images. */
static bool text_in[CAPTIONS_MAX], film_in[IMAGES];

static bool may_be(const question *q, const film *f)
{
    const film *like = q->with == LIKE ? film_of(q->like) : NULL;
    if (!passes(q, f) || (like == f && q->find == PF_FIND_IMAGES))
        return false;
    return q->find != PF_FIND_CASES ||
           (f->case_id != 0 && (!like || like->case_id != f->case_id));
}

static bool is_near(const question *q, double score)
{
    return (q->with != LIKE && q->with != BOTH) || score >= q->min_score;
}

static size_t mark_by_words(const question *q, bool all)
{
    size_t n = 0;
    memset(text_in, 0, sizeof text_in);
    memset(film_in, 0, sizeof film_in);
    for (size_t i = 0; i < n_texts; i++) {
        const film *f = &films[texts[i].film];
        size_t n_asked;
        const size_t has = count_words(q, &texts[i], &n_asked);
        const double score = q->find == PF_FIND_CAPTIONS ? texts[i].score : f->score;
        if (has == 0 || (has == n_asked) != all || !may_be(q, f) || !is_near(q, score))
            continue;
        text_in[i] = film_in[texts[i].film] = true;
        n++;
    }
    return n;
}

static void mark_all(const question *q)
{
    for (size_t i = 0; i < IMAGES; i++)
        film_in[i] = may_be(q, &films[i]) &&
                     (q->find == PF_FIND_CAPTIONS || is_near(q, films[i].score));
    for (size_t i = 0; i < n_texts; i++)
        text_in[i] = film_in[texts[i].film] &&
                     (q->find != PF_FIND_CAPTIONS || is_near(q, texts[i].score));
}

static pf_total_of mark(const question *q)
{
    bool by_words = false;
    for (size_t i = 0; !by_words && i < IMAGES; i++) /* else nothing is searched */
        by_words = (q->with == WORDS || q->with == BOTH) && passes(q, &films[i]);
    score_all(q);
    if (by_words && mark_by_words(q, true) > 0)
        return PF_TOTAL_OF_ALL_WORDS;
    if (by_words && (mark_by_words(q, false) > 0 || q->with == WORDS))
        return PF_TOTAL_OF_SOME_WORDS;
    mark_all(q);
    return PF_TOTAL_OF_FILTERS;
}

/* Images, captions or cases of those that are in and have the value (NULL: any). */
static size_t count(const question *q,
                    bool (*has)(const film *, const char *, const char *),
                    const char *key, const char *value)
{
    static bool case_seen[IMAGES];
    size_t n = 0;
    memset(case_seen, 0, sizeof case_seen);
    for (size_t i = 0; q->find == PF_FIND_CAPTIONS && i < n_texts; i++)
        n += text_in[i] && (!has || has(&films[texts[i].film], key, value));
    for (size_t i = 0; q->find != PF_FIND_CAPTIONS && i < IMAGES; i++) {
        const film *f = &films[i];
        if (!film_in[i] || (has && !has(f, key, value)))
            continue;
        if (q->find == PF_FIND_CASES && case_seen[f->case_id])
            continue;
        case_seen[f->case_id] = true;
        n++;
    }
    return n;
}

static bool has_exactly(const film *f, const char *key, const char *value)
{
    char year[8] = "";
    if (strcmp(key, "case") == 0)
        return f->case_id != 0 && strcmp(f->case_key, value) == 0;
    if (strcmp(key, "has_caption") == 0)
        return f->has_caption == (strcmp(value, "yes") == 0);
    if (strcmp(key, "source") == 0)
        return strcmp(value, "/films") == 0;
    if (strcmp(key, "year") == 0 && date_of(f))
        snprintf(year, sizeof year, "%.4s", date_of(f));
    if (strcmp(key, "year") == 0)
        return year[0] && strcmp(year, value) == 0;
    for (size_t i = 0; i < f->n_values; i++) {
        if (strcmp(f->values[i].key, key) == 0 &&
            strcmp(f->values[i].value, value) == 0)
            return true;
    }
    return false;
}

/* Every value is counted once, right, and in order; so all that have one are there. */
static void assert_counts(const question *q, const pf_counts *c)
{
    for (size_t i = 0; i < c->n_counts; i++) {
        const pf_count *at = &c->counts[i];
        assert_int_equal(at->count, count(q, has_exactly, c->key, at->value));
        assert_true(at->count > 0);
        if (i > 0)
            assert_true(
                at[-1].count > at->count ||
                (at[-1].count == at->count && strcmp(at[-1].value, at->value) < 0));
    }
    assert_true(c->n_counts <= PF_FACET_VALUES_MAX);
}

static size_t count_values(const question *q, const char *key)
{
    static char seen[4 * IMAGES][32];
    size_t n = 0;
    for (size_t i = 0; i < IMAGES; i++) {
        const film *f = &films[i];
        bool is_counted = q->find != PF_FIND_CAPTIONS && film_in[i];
        for (size_t t = 0; q->find == PF_FIND_CAPTIONS && t < n_texts; t++)
            is_counted = is_counted || (text_in[t] && texts[t].film == i);
        for (size_t v = 0; is_counted && v < f->n_values; v++) {
            bool is_new = strcmp(f->values[v].key, key) == 0;
            for (size_t k = 0; is_new && k < n; k++)
                is_new = strcmp(seen[k], f->values[v].value) != 0;
            if (is_new)
                memcpy(seen[n++], f->values[v].value, 32);
        }
    }
    return n;
}

static const char *const keys[FACETS] = {"modality", "tag",         "anatomy",
                                         "age",      "many",        "case",
                                         "year",     "has_caption", "source"};

/* ---- tests ----------------------------------------------------------------------- */

static void totals_and_facets_are_brute_force(void **state)
{
    (void)state;
    size_t seen[3] = {0}, n_empty = 0, n_cut = 0;
    for (int i = 0; i < 240; i++) {
        question q;
        pf_hits hits = {0};
        draw_question(&q, i);
        q.query.facets = keys;
        q.query.n_facets = FACETS;
        assert_ok(pf_search_run(reader, &q.query, &hits, &err), &err);
        const pf_total_of of = mark(&q);
        seen[of]++;
        assert_int_equal(hits.total_of, of);
        assert_int_equal(hits.total, count(&q, NULL, NULL, NULL));
        assert_int_equal(hits.n_facets, FACETS);
        for (size_t k = 0; k < FACETS; k++) {
            assert_string_equal(hits.facets[k].key, keys[k]);
            assert_counts(&q, &hits.facets[k]);
        }
        for (size_t k = 0; k < 5; k++) { /* attributes */
            const pf_counts *c = &hits.facets[k];
            assert_int_equal(c->n_counts + c->n_more, count_values(&q, c->key));
            n_cut += c->n_more > 0;
        }
        n_empty += hits.total == 0;
        pf_hits_reset(&hits);
        reset_question(&q);
    }
    assert_true(seen[0] > 20 && seen[1] > 20 && seen[2] > 5);
    assert_in_range(n_empty, 1, 120);
    assert_true(n_cut > 20);
}

/* Without facets the total may come another way. */
static void totals_alone_are_the_same(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        question q;
        pf_hits hits = {0};
        draw_question(&q, i);
        q.query.sort = q.with == NOTHING ? PF_SORT_DATE : PF_SORT_DEFAULT;
        assert_ok(pf_search_run(reader, &q.query, &hits, &err), &err);
        mark(&q);
        assert_int_equal(hits.total, count(&q, NULL, NULL, NULL));
        pf_hits_reset(&hits);
        reset_question(&q);
    }
}

static int64_t long_list[CAPTIONS_MAX];

/* All hits in one answer, and then page by page. */
static size_t compare_pages(pf_query *q, size_t page)
{
    pf_hits all = {0};
    q->limit = CAPTIONS_MAX;
    q->offset = 0;
    assert_ok(pf_search_run(reader, q, &all, &err), &err);
    const size_t n = all.n_hits;
    for (size_t i = 0; i < n; i++)
        long_list[i] = all.hits[i].id;
    pf_hits_reset(&all);
    q->limit = page;
    for (q->offset = 0; q->offset < n + page; q->offset += page) {
        pf_hits hits = {0};
        assert_ok(pf_search_run(reader, q, &hits, &err), &err);
        const size_t left = q->offset < n ? n - q->offset : 0;
        assert_int_equal(hits.n_hits, left < page ? left : page);
        for (size_t i = 0; i < hits.n_hits; i++)
            assert_int_equal(hits.hits[i].id, long_list[q->offset + i]);
        pf_hits_reset(&hits);
    }
    qsort(long_list, n, sizeof *long_list, pf_ids_compare);
    for (size_t i = 1; i < n; i++)
        assert_true(long_list[i - 1] < long_list[i]);
    return n;
}

static void pages_are_one_long_list(void **state)
{
    (void)state;
    static const pf_find finds[] = {PF_FIND_IMAGES, PF_FIND_CAPTIONS, PF_FIND_CASES};
    for (size_t f = 0; f < 3; f++) {
        for (int with = LIKE; with <= BOTH; with++) {
            for (int collapses = 0; collapses <= (finds[f] != PF_FIND_CASES);
                 collapses++) {
                question q = {.with = (asked_with)with,
                              .find = finds[f],
                              .like = 17,
                              .asks = {true, true},
                              .min_score = -1};
                make_query(&q);
                q.query.collapses = collapses;
                q.query.collapse = 0.5; /* of noise some pairs are so near */
                const size_t n = compare_pages(&q.query, 128);
                if (with != WORDS && finds[f] != PF_FIND_CASES && !collapses)
                    assert_true(n > 1000);
                reset_question(&q);
            }
        }
    }
}

static void pages_of_lists_are_one_long_list(void **state)
{
    (void)state;
    static const pf_find finds[] = {PF_FIND_IMAGES, PF_FIND_CAPTIONS, PF_FIND_CASES};
    for (size_t f = 0; f < 3; f++) {
        for (int sort = PF_SORT_DATE; sort <= PF_SORT_RANDOM; sort++) {
            question q = {.find = finds[f], .min_score = -1};
            make_query(&q);
            q.query.sort = (pf_sort)sort;
            q.query.seed = 5;
            const size_t n = compare_pages(&q.query, 100);
            mark(&q);
            assert_int_equal(n, count(&q, NULL, NULL, NULL));
        }
    }
}

/* ---- the order of lists ---------------------------------------------------------- */

/* Newest first: of the shorter of two dates that begin alike less is known. */
static int by_date(const void *a, const void *b)
{
    const film *x = *(const film *const *)a, *y = *(const film *const *)b;
    const char *p = date_of(x), *q = date_of(y);
    const int order = strcmp(q ? q : "", p ? p : "");
    return order != 0 ? order : (x->id < y->id) - (x->id > y->id);
}

static int by_added(const void *a, const void *b)
{
    const film *x = *(const film *const *)a, *y = *(const film *const *)b;
    return (x->id < y->id) - (x->id > y->id);
}

static int by_path(const void *a, const void *b)
{
    const film *x = *(const film *const *)a, *y = *(const film *const *)b;
    return strcmp(x->path, y->path);
}

static void lists_are_in_order(void **state)
{
    (void)state;
    static const struct {
        pf_sort sort;
        int (*compare)(const void *, const void *);
    } orders[] = {{PF_SORT_DEFAULT, by_date},
                  {PF_SORT_DATE, by_date},
                  {PF_SORT_ADDED, by_added},
                  {PF_SORT_PATH, by_path}};
    static const film *sorted[IMAGES];
    for (size_t o = 0; o < 4; o++) {
        question q = {.min_score = -1, .n_conditions = 1};
        pf_hits hits = {0};
        size_t n = 0;
        make_query(&q);
        q.query.sort = orders[o].sort;
        q.query.limit = IMAGES;
        assert_ok(pf_search_run(reader, &q.query, &hits, &err), &err);
        for (size_t i = 0; i < IMAGES; i++) {
            if (passes(&q, &films[i]))
                sorted[n++] = &films[i];
        }
        qsort(sorted, n, sizeof *sorted, orders[o].compare);
        assert_int_equal(hits.n_hits, n);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(hits.hits[i].id, sorted[i]->id);
            assert_true(isnan(hits.hits[i].score) && isnan(hits.hits[i].percentile));
        }
        pf_hits_reset(&hits);
        reset_question(&q);
    }
}

/* Captions and cases come as the first of their images does. */
static void captions_and_cases_follow_images(void **state)
{
    (void)state;
    static int64_t order[IMAGES];
    question q = {.min_score = -1};
    pf_hits hits = {0};
    make_query(&q);
    q.query.sort = PF_SORT_DATE;
    q.query.limit = CAPTIONS_MAX;
    assert_ok(pf_search_run(reader, &q.query, &hits, &err), &err);
    for (size_t i = 0; i < IMAGES; i++)
        order[hits.hits[i].id - 1] = (int64_t)i;
    pf_hits_reset(&hits);
    q.query.find = PF_FIND_CAPTIONS;
    assert_ok(pf_search_run(reader, &q.query, &hits, &err), &err);
    assert_int_equal(hits.n_hits, n_texts);
    for (size_t i = 1; i < hits.n_hits; i++) {
        const pf_hit *h = &hits.hits[i];
        const int64_t here = order[h->image_id - 1],
                      before_it = order[h[-1].image_id - 1];
        assert_true(before_it < here || (before_it == here && h[-1].id < h->id));
    }
    pf_hits_reset(&hits);
    q.query.find = PF_FIND_CASES;
    assert_ok(pf_search_run(reader, &q.query, &hits, &err), &err);
    for (size_t i = 0; i < hits.n_hits; i++) {
        const pf_hit *h = &hits.hits[i];
        for (size_t k = 1; k < h->n_images; k++)
            assert_true(order[h->images[k - 1].id - 1] < order[h->images[k].id - 1]);
        assert_int_equal(h->image_id, h->images[0].id);
        assert_int_equal(h->n_images, h->n_case_images);
        if (i > 0)
            assert_true(order[h[-1].image_id - 1] < order[h->image_id - 1]);
    }
    pf_hits_reset(&hits);
}

static void seeds_make_orders(void **state)
{
    (void)state;
    int64_t first[3][20];
    for (int run = 0; run < 3; run++) {
        question q = {.min_score = -1};
        pf_hits hits = {0};
        make_query(&q);
        q.query.sort = PF_SORT_RANDOM;
        q.query.seed = run == 2 ? 8 : 7;
        q.query.limit = 20;
        assert_ok(pf_search_run(reader, &q.query, &hits, &err), &err);
        for (size_t i = 0; i < 20; i++)
            first[run][i] = hits.hits[i].id;
        pf_hits_reset(&hits);
    }
    assert_memory_equal(first[0], first[1], sizeof first[0]);
    assert_memory_not_equal(first[0], first[2], sizeof first[0]);
}

/* ---- filters that nothing meets -------------------------------------------------- */

static void run_filters(const char *const *filters, size_t n, pf_hits *hits)
{
    pf_filter parsed[3];
    pf_query q;
    pf_query_init(&q);
    for (size_t i = 0; i < n; i++)
        assert_ok(pf_filter_parse(&parsed[i], filters[i], &err), &err);
    q.filters = parsed;
    q.n_filters = n;
    assert_ok(pf_search_run(reader, &q, hits, &err), &err);
    for (size_t i = 0; i < n; i++)
        pf_filter_reset(&parsed[i]);
}

static void filters_that_nothing_meets_are_told(void **state)
{
    (void)state;
    static const char *const unmet[] = {"modality=CT", "modality=XX"};
    static const char *const together[] = {"modality=CT", "modality!=CT"};
    static const char *const everything[] = {"source!=/films"};
    static const char *const path[] = {"path~*.gif"};
    pf_hits hits = {0};
    question all = {.min_score = -1};
    run_filters(unmet, 2, &hits);
    assert_true(hits.no_image_passes && hits.n_hits == 0 && hits.total == 0);
    assert_string_equal(hits.unmet.filter, "modality=XX");
    assert_string_equal(hits.unmet.values.key, "modality");
    assert_int_equal(hits.unmet.values.n_counts, 4);
    mark(&all);
    assert_counts(&all, &hits.unmet.values);
    pf_hits_reset(&hits);
    run_filters(together, 2, &hits);
    assert_true(hits.no_image_passes);
    assert_null(hits.unmet.filter);
    pf_hits_reset(&hits);
    run_filters(everything, 1, &hits);
    assert_string_equal(hits.unmet.filter, "source!=/films");
    pf_hits_reset(&hits);
    run_filters(path, 1, &hits);
    assert_string_equal(hits.unmet.filter, "path~*.gif");
    assert_int_equal(hits.unmet.values.n_counts, 0);
    pf_hits_reset(&hits);
}

/* ---- values ---------------------------------------------------------------------- */

static void values_and_keys_are_counted(void **state)
{
    (void)state;
    question all = {.min_score = -1};
    pf_hits hits = {0};
    make_query(&all);
    mark(&all);
    all.query.limit = 1000;
    assert_ok(pf_search_count_values(reader, &all.query, "many", &hits, &err), &err);
    assert_int_equal(hits.total, IMAGES);
    assert_int_equal(hits.facets[0].n_counts, count_values(&all, "many"));
    assert_int_equal(hits.facets[0].n_more, 0);
    pf_hits_reset(&hits);
    all.query.limit = 2;
    assert_ok(pf_search_count_values(reader, &all.query, "many", &hits, &err), &err);
    assert_counts(&all, &hits.facets[0]);
    assert_int_equal(hits.facets[0].n_counts, 2);
    assert_int_equal(hits.facets[0].n_more, count_values(&all, "many") - 2);
    pf_hits_reset(&hits);
    all.query.limit = 1000;
    assert_ok(pf_search_count_values(reader, &all.query, NULL, &hits, &err), &err);
    const pf_counts *names = &hits.facets[0];
    assert_int_equal(names->n_counts, 10); /* attributes, and four others */
    for (size_t i = 0; i < names->n_counts; i++) {
        size_t n = 0;
        for (size_t f = 0; f < IMAGES; f++) {
            bool has = strcmp(names->counts[i].value, "source") == 0 ||
                       strcmp(names->counts[i].value, "has_caption") == 0 ||
                       (films[f].case_id && !strcmp(names->counts[i].value, "case")) ||
                       (date_of(&films[f]) && !strcmp(names->counts[i].value, "year"));
            for (size_t v = 0; v < films[f].n_values; v++)
                has = has || !strcmp(films[f].values[v].key, names->counts[i].value);
            n += has;
        }
        assert_int_equal(names->counts[i].count, n);
    }
    pf_hits_reset(&hits);
}

/* ---- what is refused ------------------------------------------------------------- */

static void assert_no_list(pf_query *q, pf_code code, const char *why)
{
    pf_hits hits = {0};
    assert_refused(pf_search_run(reader, q, &hits, &err), &err, why);
    assert_int_equal(err.code, code);
    assert_null(hits.hits);
    err = (pf_err)PF_ERR_INIT;
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    static const char *const path[] = {"path"}, *const unknown[] = {"modalty"};
    pf_query q;
    pf_query_init(&q);
    assert_no_list(&q, PF_ERR_MISUSE, "nothing was asked");
    q.sort = PF_SORT_RELEVANCE;
    assert_no_list(&q, PF_ERR_MISUSE, "relevant");
    q.sort = PF_SORT_DATE;
    q.min_score = 0;
    assert_no_list(&q, PF_ERR_MISUSE, "lowest score");
    q.min_score = -1;
    q.collapses = true;
    assert_no_list(&q, PF_ERR_MISUSE, "near duplicates");
    q.collapses = false;
    q.n_facets = 1;
    q.facets = path;
    assert_no_list(&q, PF_ERR_MISUSE, "every image has its own");
    q.facets = unknown;
    assert_no_list(&q, PF_ERR_NOT_FOUND, "did you mean 'modality'");
    question like = {.with = LIKE, .like = 3, .min_score = -1};
    make_query(&like);
    like.query.sort = PF_SORT_PATH;
    assert_no_list(&like.query, PF_ERR_MISUSE, "order of relevance");
}

/* ---- failure --------------------------------------------------------------------- */

static bool ask_once(const pf_query *q)
{
    pf_reader *r = NULL;
    pf_hits hits = {0};
    const bool ok = pf_asking_open(&r, folder, NULL, NULL, &err) &&
                    pf_search_run(r, q, &hits, &err);
    if (!ok)
        assert_null(hits.facets);
    pf_hits_reset(&hits);
    pf_asking_close(r);
    return ok;
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    static const pf_find finds[] = {PF_FIND_IMAGES, PF_FIND_CAPTIONS, PF_FIND_CASES};
    static const size_t choices[] = {0, 8};
    for (size_t f = 0; f < 6; f++) {
        question q = {.find = finds[f % 3],
                      .with = f < 3 ? NOTHING : WORDS,
                      .asks = {true},
                      .min_score = -1,
                      .n_conditions = 1,
                      .conditions = {choices[f % 2]}};
        make_query(&q);
        q.query.facets = keys;
        q.query.n_facets = 2;
        bool ok = false;
        for (long n = 1; !ok; n += 1 + n / 50) { /* rows take one each */
            err = (pf_err)PF_ERR_INIT;
            pf_mem_fail_at(n);
            ok = ask_once(&q.query);
            pf_mem_fail_at(0);
            if (!ok)
                assert_int_equal(err.code, PF_ERR_NOMEM);
        }
        reset_question(&q);
    }
}

#define TEST(f) cmocka_unit_test_setup(f, before)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(totals_and_facets_are_brute_force),
        TEST(totals_alone_are_the_same),
        TEST(pages_are_one_long_list),
        TEST(pages_of_lists_are_one_long_list),
        TEST(lists_are_in_order),
        TEST(captions_and_cases_follow_images),
        TEST(seeds_make_orders),
        TEST(filters_that_nothing_meets_are_told),
        TEST(values_and_keys_are_counted),
        TEST(what_makes_no_sense_is_refused),
        TEST(each_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("looking", tests, before_all, after_all);
}
