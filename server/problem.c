/* problem.c - see problem.h. */
#include "server/problem.h"

#include <string.h>

#include "core/base/json.h"
#include "server/serve.h"

static const char problem_type[] = "application/problem+json";

int problem_status(pf_code code)
{
    switch (code) {
    case PF_ERR_MISUSE:
        return 400;
    case PF_ERR_NOT_FOUND:
        return 404;
    case PF_ERR_MISMATCH:
        return 410; /* the file is not the one that was indexed any more */
    case PF_ERR_LIMIT:
        return 413;
    case PF_ERR_UNSUPPORTED:
        return 415;
    case PF_ERR_FORMAT:
        return 422;
    case PF_ERR_NOMEM:
    case PF_ERR_BUSY:
    case PF_ERR_INTERRUPTED:
        return 503;
    case PF_OK:
    case PF_ERR_IO:
        break;
    }
    return 500;
}

static const char *title_of(int status)
{
    static const struct {
        int status;
        const char *title;
    } titles[] = {{400, "Bad Request"},         {401, "Unauthorized"},
                  {403, "Forbidden"},           {404, "Not Found"},
                  {405, "Method Not Allowed"},  {410, "Gone"},
                  {413, "Content Too Large"},   {415, "Unsupported Media Type"},
                  {421, "Misdirected Request"}, {422, "Unprocessable Content"},
                  {503, "Service Unavailable"}};
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) {
        if (titles[i].status == status)
            return titles[i].title;
    }
    return "Internal Server Error";
}

typedef struct {
    int status;
    const char *code, *detail;
} problem;

static void write_problem(const void *context, FILE *out)
{
    const problem *p = context;
    pf_json_writer w;
    pf_json_writer_init(&w, out);
    pf_json_begin_object(&w, NULL);
    pf_json_write_string(&w, "type", "about:blank");
    pf_json_write_string(&w, "title", title_of(p->status));
    pf_json_write_int(&w, "status", p->status);
    pf_json_write_string(&w, "code", p->code);
    pf_json_write_string(&w, "detail", p->detail);
    pf_json_end_object(&w);
}

void text_give(http_response *r, int status, const char *type, text_writer *write,
               const void *context)
{
    static const char none[] = "{\"type\":\"about:blank\",\"title\":\"Service "
                               "Unavailable\",\"status\":503,\"code\":\"no_memory\","
                               "\"detail\":\"out of memory\"}";
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    if (out)
        write(context, out);
    const bool ok = out && !ferror(out);
    if (out && fclose(out) == 0 && ok) {
        http_give(r, status, type, text, n);
        return;
    }
    pf_free(text);
    http_give_static(r, 503, problem_type, none, sizeof none - 1);
}

void problem_give_status(http_response *r, int status, const char *code,
                         const char *detail)
{
    /* a message may name a file, or the catalog's folder */
    const bool is_told = !command.hide_paths || !strchr(detail, '/');
    const problem p = {status, code, is_told ? detail : "the reason names a file"};
    text_give(r, status, problem_type, write_problem, &p);
    if (status == 503)
        http_add_header(r, "Retry-After", "2");
    if (status == 401)
        http_add_header(r, "WWW-Authenticate", "Bearer");
}

void problem_give(http_response *r, const pf_err *err)
{
    problem_give_status(r, problem_status(err->code), pf_code_name(err->code),
                        err->msg);
}
