/* fuzz_request.c - a question in JSON from a stranger, who may not name files: what is
 * taken of it can be copied, described and checked, and what is refused can be told. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/api/request.h"
#include "core/base/json.h"
#include "core/base/utf8.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void tell(const pf_err *why, const pf_request *r)
{
    pf_json *json;
    pf_err err = PF_ERR_INIT;
    char *text = pf_error_json(why, r);
    require(text != NULL && strchr(text, '\n') == NULL, "a failure is one line");
    require(pf_json_parse(&json, text, strlen(text), &err), err.msg);
    require((pf_json_get(json, "id") != NULL) == (r->id != NULL), "a mark comes back");
    pf_json_free(json);
    pf_free(text);
}

static bool is_for_the_user(pf_code code)
{
    return code == PF_ERR_MISUSE || code == PF_ERR_FORMAT || code == PF_ERR_LIMIT ||
           code == PF_ERR_NOT_FOUND;
}

/* It holds what was taken, on failure, too. */
static void look_at(const pf_request *r)
{
    pf_request *copy;
    pf_err err = PF_ERR_INIT;
    for (size_t i = 0; i < r->query.n_parts; i++) {
        const pf_part *part = &r->query.parts[i];
        require(part->kind != PF_PART_FILE, "no file is named");
        require(part->text[0] != '\0', "no part is empty");
        require(pf_utf8_is_valid(part->text, strlen(part->text)), "parts are UTF-8");
    }
    require(r->queries == NULL, "no file is named");
    require(r->query.limit >= 1 && r->query.limit <= PF_LIMIT_MAX, "a limit is one");
    require(pf_request_copy(&copy, r, &err), err.msg);
    require(pf_request_job(copy) == pf_request_job(r), "a copy does the same");
    require(copy->query.find == r->query.find, "a copy looks for the same");
    require(pf_request_check(r, &err) == pf_request_check(copy, &err),
            "a copy makes as much sense");
    char *words = pf_request_describe(r, &err), *same = pf_request_describe(copy, &err);
    require(words && same && strcmp(words, same) == 0, "a copy asks the same");
    pf_free(words);
    pf_free(same);
    pf_request_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    pf_request *r;
    pf_err err = PF_ERR_INIT;
    require(pf_request_new(&r, &err), "memory");
    if (!pf_request_read_json(r, (const char *)data, n, false, &err)) {
        require(is_for_the_user(err.code), err.msg);
        tell(&err, r);
    }
    look_at(r);
    pf_request_free(r);
    return 0;
}
