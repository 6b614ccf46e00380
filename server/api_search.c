/*
 * api_search.c - a question out of a request, and its answer: the JSON of a line of
 * `plainfilm-query --batch`, and that of its answers.
 */
#include "server/api.h"

#include <string.h>

#include "cli/tools.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "server/params.h"
#include "server/problem.h"

static const char json_type[] = "application/json";

enum { KEPT_MAX = 64 << 10 }; /* bytes of a question whose answer is looked for */

/* ---- the question ------------------------------------------------------------------
 */

/* As JSON. */
typedef struct {
    const char *text; /* NULL: it is a form's */
    size_t n;
    char *own;      /* the text, where it is ours to free */
    char *spelling; /* the text as all write it who ask the same; NULL: there is none */
} question;

static bool read_json(pf_request *to, const char *text, size_t n, pf_err *err)
{
    return pf_request_read_json(to, text, n, false, err);
}

/* Parameters are the object that they stand for. */
static bool find_question(const http_request *q, question *out, pf_err *err)
{
    *out = (question){0};
    if (q->method != HTTP_POST) {
        const bool ok = params_to_json(q->params, q->n_params, &out->own, &out->n, err);
        out->text = out->own;
        return ok;
    }
    if (!q->is_form)
        *out = (question){.text = q->body.data ? q->body.data : "", .n = q->body.size};
    return true;
}

/* What is no JSON has none, and is refused when it is read. */
static char *spell(const question *q)
{
    pf_json *json = NULL;
    char *text = NULL;
    if (q->text && q->n <= KEPT_MAX && pf_json_parse(&json, q->text, q->n, NULL))
        text = pf_json_sorted_text(json, NULL);
    pf_json_free(json);
    return text;
}

static void reset_question(question *q)
{
    pf_free(q->own);
    pf_free(q->spelling);
    *q = (question){0};
}

static bool read_params(pf_request *to, const http_param *params, size_t n_params,
                        pf_err *err)
{
    char *json = NULL;
    size_t n = 0;
    const bool ok =
        params_to_json(params, n_params, &json, &n, err) && read_json(to, json, n, err);
    pf_free(json);
    return ok;
}

/* A picture under "image", a question under "query", and any parameter by its name. */
static bool read_form(pf_request *to, const http_request *q, pf_err *err)
{
    http_param params[HTTP_FIELDS_MAX];
    size_t n_params = 0;
    for (size_t i = 0; i < q->n_fields; i++) {
        const http_field *f = &q->fields[i];
        const char *text = f->bytes.data ? f->bytes.data : "";
        if (strcmp(f->name, "image") == 0) {
            if (!pf_request_add_picture(to, (const uint8_t *)text, f->bytes.size,
                                        "image_bytes", 1, err))
                return false;
        } else if (strcmp(f->name, "query") == 0) {
            if (!read_json(to, text, f->bytes.size, err))
                return false;
        } else {
            params[n_params++] = (http_param){f->name, text};
        }
    }
    return n_params == 0 || read_params(to, params, n_params, err);
}

static bool read_question(const call *c, const question *q, pf_request *to, pf_err *err)
{
    const bool ok =
        q->text ? read_json(to, q->text, q->n, err) : read_form(to, c->request, err);
    if (ok && command.hide_paths)
        pf_request_hide_paths(to, true);
    return ok;
}

static bool check_labels(const pf_request *r, pf_err *err)
{
    const pf_job job = pf_request_get_job(r);
    return job == PF_JOB_CLASSIFY_PICTURES || job == PF_JOB_CLASSIFY_HITS ||
           pf_cli_fail(err, PF_ERR_MISUSE,
                       "labels to classify with are missing: 'classify'");
}

/* ---- the answer --------------------------------------------------------------------
 */

static kept_question key_of(const call *c, const question *q)
{
    return (kept_question){.edition = pf_reader_edition(c->worker->reader),
                           .route = "/api/search",
                           .text = q->spelling,
                           .n = strlen(q->spelling)};
}

/* What takes long is not kept: pictures are in it, which are kept by themselves, or all
 * images. Nor is a list at random, which is another one each time. */
static void keep(const call *c, const question *q, const pf_answer *a, const char *json,
                 size_t n)
{
    if (!q->spelling || c->from == WORK_LONG ||
        pf_answer_get_about(a)->sort == PF_SORT_RANDOM)
        return;
    const kept_question key = key_of(c, q);
    kept_add(c->server->kept, &key, json, n);
}

static bool ask(const call *c, const question *q, const pf_request *r, char **json,
                size_t *n, pf_err *err)
{
    pf_answer *answer = NULL;
    pf_work work = PF_WORK_INIT;
    work.stop = c->worker->stop;
    work.threads = 1;
    const bool ok = pf_reader_ask(c->worker->reader, r, &work, &answer, err) &&
                    pf_answer_get_json(answer, json, n, err);
    if (ok)
        keep(c, q, answer, *json, *n);
    pf_answer_free(answer);
    return ok;
}

/* `needs_labels`: a question that classifies nothing is refused. */
static work_line answer(const call *c, const question *q, bool needs_labels,
                        http_response *out)
{
    pf_err err = PF_ERR_INIT;
    pf_request *r = NULL;
    char *json = NULL;
    size_t n = 0;
    const bool ok = pf_request_new(&r, &err) && read_question(c, q, r, &err) &&
                    (!needs_labels || check_labels(r, &err));
    if (ok && c->from != WORK_LONG && pf_request_takes_long(r)) {
        pf_request_free(r);
        return WORK_LONG;
    }
    if (ok && ask(c, q, r, &json, &n, &err))
        http_give(out, 200, json_type, json, n);
    else
        problem_give(out, &err);
    pf_request_free(r);
    return WORK_DONE;
}

static bool give_kept(const call *c, const question *q, http_response *out)
{
    size_t n;
    if (!q->spelling || c->from == WORK_LONG)
        return false;
    const kept_question key = key_of(c, q);
    char *json = kept_find(c->server->kept, &key, &n);
    if (json)
        http_give(out, 200, json_type, json, n);
    return json != NULL;
}

/* What was answered before waits for nobody; the rest has to be asked. */
static work_line look_up(const call *c, question *q, http_response *out)
{
    q->spelling = spell(q);
    if (give_kept(c, q, out))
        return WORK_DONE;
    return c->from == WORK_FIRST ? WORK_USUAL : answer(c, q, false, out);
}

work_line api_search(const call *c, http_response *out)
{
    pf_err err = PF_ERR_INIT;
    question q;
    work_line to = WORK_DONE;
    if (!find_question(c->request, &q, &err))
        problem_give(out, &err);
    else
        to = look_up(c, &q, out);
    reset_question(&q);
    return to;
}

work_line api_classify(const call *c, http_response *out)
{
    pf_err err = PF_ERR_INIT;
    question q;
    work_line to = WORK_DONE;
    if (c->from == WORK_FIRST)
        return WORK_USUAL;
    if (!find_question(c->request, &q, &err))
        problem_give(out, &err);
    else
        to = answer(c, &q, true, out);
    reset_question(&q);
    return to;
}
