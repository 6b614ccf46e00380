/*
 * fuzz_search.c - any bytes as a question by words with filters, asked of a catalog.
 *
 * The first line is the phrase with its weight, every further one a filter. Checked for
 * each input: no crash; nothing is found that does not pass; and SQLite is only ever
 * given the same few statements, whatever was typed: every SQL text that it runs is
 * noted, and there may not be more of them than the program has.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/search/search.h"
#include "tests/fuzz/require.h"
#include "tests/support/asking.h"
#include "tests/support/seeded.h"
#include "tests/support/tree.h"

enum { FILTERS = 8, STATEMENTS = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- what SQLite is given -------------------------------------------------------- */

static struct {
    pf_hash text[STATEMENTS];
    size_t n;
} statements;

static bool is_known(const pf_hash *text)
{
    for (size_t i = 0; i < statements.n; i++) {
        if (memcmp(&statements.text[i], text, sizeof *text) == 0)
            return true;
    }
    return false;
}

/* The SQL as it was written, values not filled in; what FTS5 asks its own tables is
 * among it. About thirty are seen. */
static int note_statement(unsigned kind, void *user, void *statement, void *expanded)
{
    (void)kind;
    (void)user;
    (void)expanded;
    const char *sql = sqlite3_sql(statement);
    const pf_hash text = pf_hash_bytes(sql, strlen(sql));
    if (!is_known(&text)) {
        if (statements.n == STATEMENTS)
            fprintf(stderr, "one more: %s\n", sql);
        require(statements.n < STATEMENTS, "SQL is a fixed set of texts");
        statements.text[statements.n++] = text;
    }
    return 0;
}

static int watch_connection(sqlite3 *db, char **message, const void *api)
{
    (void)message;
    (void)api;
    return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, note_statement, NULL);
}

/* ---- the catalog ----------------------------------------------------------------- */

/* Made once; they belong to the process. */
static pf_reader *reader;
static pf_words *words;

/* Files that are open stay readable when their names are gone. */
static void open_catalog(void)
{
    char box[] = "/tmp/plainfilm-fuzz-XXXXXX", model[64], catalog[64];
    pf_err err = PF_ERR_INIT;
    if (reader)
        return;
    require(mkdtemp(box) != NULL, "a temporary folder");
    snprintf(model, sizeof model, "%s/model", box);
    snprintf(catalog, sizeof catalog, "%s/catalog", box);
    require(pf_seeded_model_write(model, &err), err.msg);
    require(pf_seeded_catalog_write(catalog, model, NULL, 24, true, &err), err.msg);
    sqlite3_auto_extension((void (*)(void))watch_connection);
    require(pf_asking_open(&reader, catalog, NULL, NULL, &err), err.msg);
    require(pf_words_new(&words, NULL, &err), err.msg);
    pf_tree_remove(box);
}

/* ---- one question ---------------------------------------------------------------- */

typedef struct {
    const char *phrase;
    double weight;
    pf_filter filters[FILTERS];
    size_t n_filters;
} asked;

/* False for what is refused before anything is looked for. */
static bool read_question(asked *a, char *text)
{
    pf_err err = PF_ERR_INIT;
    char *line = strchr(text, '\n');
    a->phrase = text;
    if (line)
        *line++ = '\0';
    if (!pf_read_weight(&a->phrase, &a->weight, &err))
        return false;
    while (line && a->n_filters < FILTERS) {
        char *next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        if (!pf_filter_parse(&a->filters[a->n_filters], line, &err))
            return false;
        a->n_filters++;
        line = next;
    }
    return true;
}

static bool has_attribute(const pf_hit *h, const pf_filter *f)
{
    for (size_t i = 0; i < h->n_attributes; i++) {
        if (strcmp(h->attributes[i].key, f->key) == 0 &&
            pf_filter_accepts(f, h->attributes[i].value))
            return true;
    }
    return false;
}

static bool passes(const pf_hit *h, const pf_filter *f)
{
    if (strcmp(f->key, "path") == 0)
        return pf_filter_accepts(f, h->path);
    const bool is_there = strcmp(f->key, "case") == 0
                              ? h->case_key && pf_filter_accepts(f, h->case_key)
                              : has_attribute(h, f);
    return f->op == PF_FILTER_NOT_EQUAL ? !is_there : is_there;
}

static void check_hit(const asked *a, const pf_hit *h)
{
    bool fits = false;
    pf_err err = PF_ERR_INIT;
    for (size_t i = 0; i < a->n_filters; i++)
        require(passes(h, &a->filters[i]), "a hit passes the filters");
    require(pf_words_fit(words, a->phrase, h->caption, &fits, &err), err.msg);
    require(fits, "a hit has words that were asked for");
}

static void ask(const asked *a)
{
    const pf_part part = {
        .kind = PF_PART_PHRASE, .text = a->phrase, .weight = a->weight};
    pf_query q;
    pf_hits answer = {0};
    pf_err err = PF_ERR_INIT;
    pf_query_init(&q);
    q.parts = &part;
    q.n_parts = 1;
    q.find = PF_FIND_CAPTIONS;
    q.by = PF_BY_WORDS;
    q.in = 1u << PF_FIELD_CAPTION | 1u << PF_FIELD_CASE; /* what check_hit() can see */
    q.filters = a->filters;
    q.n_filters = a->n_filters;
    if (pf_search_run(reader, &q, &answer, &err)) {
        require(answer.n_hits <= q.limit, "no more hits than asked for");
        for (size_t i = 0; i < answer.n_hits; i++)
            check_hit(a, &answer.hits[i]);
    } else {
        require(err.code == PF_ERR_MISUSE || err.code == PF_ERR_NOT_FOUND, err.msg);
    }
    pf_hits_reset(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    asked a = {0};
    open_catalog();
    char *text = pf_strndup((const char *)data, size, NULL);
    require(text != NULL, "memory");
    if (read_question(&a, text))
        ask(&a);
    for (size_t i = 0; i < a.n_filters; i++)
        pf_filter_reset(&a.filters[i]);
    pf_free(text);
    return 0;
}
