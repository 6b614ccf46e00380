/*
 * api_search.c - a question out of a request, and its answer: the JSON of a line of
 * `plainfilm-query --batch`, and that of its answers.
 */
#include "server/api.h"

#include <string.h>

#include "cli/tools.h"
#include "server/params.h"
#include "server/problem.h"

/* ---- the question ------------------------------------------------------------------
 */

static bool read_json(pf_request *to, const char *text, size_t n, pf_err *err)
{
    return pf_request_read_json(to, text, n, false, err);
}

/* The parameters as the object that they stand for. */
static bool read_params(pf_request *to, const http_request *q, pf_err *err)
{
    char *json = NULL;
    size_t n = 0;
    const bool ok = params_to_json(q->params, q->n_params, &json, &n, err) &&
                    read_json(to, json, n, err);
    pf_free(json);
    return ok;
}

/* A picture under "image", a question under "query", and any parameter by its name. */
static bool read_form(pf_request *to, const http_request *q, pf_err *err)
{
    http_param params[HTTP_FIELDS_MAX];
    http_request rest = {.n_params = 0};
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
            params[rest.n_params] = (http_param){f->name, text};
            rest.params[rest.n_params] = params[rest.n_params];
            rest.n_params++;
        }
    }
    return rest.n_params == 0 || read_params(to, &rest, err);
}

static bool read_question(const call *c, pf_request *to, pf_err *err)
{
    const http_request *q = c->request;
    const bool ok = q->method != HTTP_POST ? read_params(to, q, err)
                    : q->is_form           ? read_form(to, q, err)
                                 : read_json(to, q->body.data ? q->body.data : "",
                                             q->body.size, err);
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

static bool ask(const call *c, const pf_request *r, char **json, size_t *n, pf_err *err)
{
    pf_answer *answer = NULL;
    pf_work work = PF_WORK_INIT;
    work.stop = c->worker->stop;
    work.threads = 1;
    const bool ok = pf_reader_ask(c->worker->reader, r, &work, &answer, err) &&
                    pf_answer_get_json(answer, json, n, err);
    pf_answer_free(answer);
    return ok;
}

/* `needs_labels`: a question that classifies nothing is refused. */
static work_result answer(const call *c, bool needs_labels, http_response *out)
{
    pf_err err = PF_ERR_INIT;
    pf_request *r = NULL;
    char *json = NULL;
    size_t n = 0;
    const bool ok = pf_request_new(&r, &err) && read_question(c, r, &err) &&
                    (!needs_labels || check_labels(r, &err));
    if (ok && !c->is_long && pf_request_takes_long(r)) {
        pf_request_free(r);
        return WORK_IS_LONG;
    }
    if (ok && ask(c, r, &json, &n, &err))
        http_give(out, 200, "application/json", json, n);
    else
        problem_give(out, &err);
    pf_request_free(r);
    return WORK_DONE;
}

work_result api_search(const call *c, http_response *out)
{
    return answer(c, false, out);
}

work_result api_classify(const call *c, http_response *out)
{
    return answer(c, true, out);
}
