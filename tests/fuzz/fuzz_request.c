/*
 * fuzz_request.c - a request from any bytes. Whether it is taken or refused, it can be
 * described, copied and freed; the names of files are never taken where they may not
 * be; and the "query" of what would be its answer is JSON that is taken, too, and says
 * the same again.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/api/answer.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static pf_request *new_request(void)
{
    pf_request *r;
    if (!pf_request_new(&r, NULL))
        abort();
    return r;
}

static void check_error(const pf_err *err, const pf_request *r)
{
    char *text = pf_error_json(err, r);
    pf_json *json = NULL;
    require(err->code != PF_OK && err->msg[0] != '\0', "a refusal says why");
    require(!strpbrk(err->msg, "\n\r\t"), "in one line");
    require(text && pf_json_parse(&json, text, strlen(text), NULL), "also as JSON");
    pf_json_free(json);
    pf_free(text);
}

static void check_ranges(const pf_request *r)
{
    const pf_query *q = &r->query;
    require(q->limit <= PF_LIMIT_MAX && q->offset <= PF_LIMIT_MAX, "limits");
    require(q->min_score >= -1 && q->min_score <= 1, "a score");
    require(q->min_percentile >= 0 && q->min_percentile <= 100, "a percentile");
    require(!q->collapses || (q->collapse >= 0 && q->collapse <= 1), "a threshold");
    for (size_t i = 0; i < q->n_parts; i++)
        require(q->parts[i].text[0] != '\0', "no part is empty");
}

static void check_has_no_files(const pf_request *r)
{
    require(!r->queries, "no file of questions");
    for (size_t i = 0; i < r->query.n_parts; i++)
        require(r->parts[i].kind != PF_PART_FILE, "no picture file");
}

/* As ask.c makes it. */
static char *query_of(const pf_request *r)
{
    pf_answer a = {.about = {.job = pf_request_job(r), .by = r->query.by}};
    char *text = pf_answer_query_json(&a, r, NULL);
    require(text != NULL, "a question is written");
    return text;
}

static bool has_picture(const pf_request *r)
{
    for (size_t i = 0; i < r->query.n_parts; i++) {
        if (r->parts[i].kind == PF_PART_PICTURE)
            return true;
    }
    return false;
}

/* What bytes a picture had, and which phrases there were, an answer does not say. */
static void check_gives_itself_back(const pf_request *r)
{
    pf_err err = PF_ERR_INIT;
    char *first = query_of(r);
    pf_request *again = new_request();
    if (!pf_request_read_json(again, first, strlen(first), true, &err)) {
        fprintf(stderr, "%s\n%s\n", first, err.msg);
        require(false, "a question can be given back");
    }
    if (!has_picture(r) && pf_request_job(r) != PF_JOB_PHRASES) {
        char *second = query_of(again);
        if (strcmp(first, second) != 0) {
            fprintf(stderr, "%s\n%s\n", first, second);
            require(false, "a question says the same again");
        }
        pf_free(second);
    }
    pf_request_free(again);
    pf_free(first);
}

static void check_copy(const pf_request *r)
{
    pf_request *copy;
    require(pf_request_copy(&copy, r, NULL), "a request can be copied");
    char *first = query_of(r), *second = query_of(copy);
    require(strcmp(first, second) == 0, "a copy asks the same");
    pf_free(first);
    pf_free(second);
    pf_request_free(copy);
}

static void read_request(const uint8_t *data, size_t n, bool may_name_files)
{
    pf_err err = PF_ERR_INIT;
    pf_request *r = new_request();
    const bool is_taken =
        pf_request_read_json(r, (const char *)data, n, may_name_files, &err);
    if (!is_taken)
        check_error(&err, r);
    if (!may_name_files)
        check_has_no_files(r);
    check_ranges(r);
    char *words = pf_request_describe(r, NULL);
    require(words != NULL, "a request can be described");
    pf_free(words);
    check_copy(r);
    if (is_taken && pf_request_check(r, &err))
        check_gives_itself_back(r);
    pf_request_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    read_request(data, n, true);
    read_request(data, n, false);
    return 0;
}
