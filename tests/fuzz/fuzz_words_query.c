/*
 * fuzz_words_query.c - any bytes as a question about words.
 *
 * Checked for each input: what is understood stays within its limits, the expression is
 * one that FTS5 takes (it is run on a table like the catalog's), the steps leave one
 * value, and the same bytes are read as a caption and answered with yes or no.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/catalog/sql.h"
#include "core/catalog/store_impl.h"
#include "core/words/words.h"
#include "core/words/words_query.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Made once; belong to the process. */
static struct {
    pf_synonyms *synonyms;
    pf_negex *negex;
    pf_words *words;
    pf_sql *db;
} tools;

static void make_tools(void)
{
    pf_err err = PF_ERR_INIT;
    if (tools.db)
        return;
    require(pf_synonyms_new(&tools.synonyms, &err), err.msg);
    require(pf_negex_new(&tools.negex, &err), err.msg);
    require(pf_words_new(&tools.words, NULL, &err), err.msg);
    char path[] = "/tmp/plainfilm-fuzz-XXXXXX";
    FILE *f = fdopen(mkstemp(path), "w");
    require(f && fclose(f) == 0, "an empty file");
    require(pf_sql_open(&tools.db, path, PF_SQL_WRITE, &err), err.msg);
    require(pf_sql_run_script(tools.db,
                              "CREATE VIRTUAL TABLE w USING fts5 (words, content = '',"
                              " tokenize = \"ascii tokenchars '.='\")",
                              &err),
            err.msg);
    remove(path);
}

static void check_match(const pf_words_query *q, bool all, size_t from)
{
    pf_err err = PF_ERR_INIT;
    int64_t n;
    size_t order[PF_WORDS_MAX_GROUPS];
    for (size_t g = 0; g < q->n_groups; g++)
        order[g] = q->n_groups - 1 - g;
    const pf_store_match asked = {.query = q,
                                  .fields = PF_FIELDS_ALL,
                                  .order = order,
                                  .n = q->n_groups,
                                  .needs_all = all,
                                  .from = from};
    pf_buf match;
    pf_buf_init(&match, 1 << 20);
    require(pf_store_make_match(&asked, &match, &err), err.msg);
    require(match.size > 0, "something is asked for");
    require(pf_sql_find_int(tools.db, "SELECT count(*) FROM w WHERE w MATCH ?",
                            PF_SQL_ARGS(pf_sql_text(match.data)), &n, &err),
            err.msg);
    pf_buf_free(&match);
}

static void check_query(const pf_words_query *q)
{
    bool present[PF_WORDS_MAX_GROUPS] = {false};
    size_t depth = 0;
    require(q->n_groups > 0 && q->n_groups <= PF_WORDS_MAX_GROUPS, "number of groups");
    for (size_t g = 0; g < q->n_groups; g++)
        require(q->groups[g].n_leaves > 0, "a group has a leaf");
    for (size_t i = 0; i < q->n_steps; i++) {
        require(q->steps[i] >= 0 || depth >= 2, "a step has what it works on");
        require(q->steps[i] < (int)q->n_groups, "a step's group");
        depth = q->steps[i] >= 0 ? depth + 1 : depth - 1;
    }
    require(q->n_steps == 0 || depth == 1, "one value is left");
    require(!pf_words_query_fits(q, present), "nothing fits no question");
    check_match(q, true, 0);
    check_match(q, false, 0);
    check_match(q, false, q->n_groups - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    make_tools();
    const pf_words_options options = {.synonyms = tools.synonyms, .negex = tools.negex};
    const char *bytes = size ? (const char *)data : "";
    pf_words_query q = {0};
    pf_err err = PF_ERR_INIT;
    if (!pf_words_query_parse(&q, bytes, size, &options, &err)) {
        require(err.code == PF_ERR_MISUSE, "only a question without words is refused");
        return 0;
    }
    check_query(&q);
    pf_words_query_reset(&q);
    char *text = pf_strndup(bytes, size, &err);
    bool is_fit;
    require(text != NULL, err.msg);
    if (text[0] != '\0' && !pf_words_fit(tools.words, text, text, &is_fit, &err))
        require(err.code == PF_ERR_MISUSE, "a text of the same bytes is read");
    pf_free(text);
    return 0;
}
