/* asking.c - see asking.h. */
#include "tests/support/asking.h"

#include <string.h>

static void take_note(void *context, pf_note_kind kind, const char *text)
{
    (void)kind;
    pf_notes_add(context, "%s", text);
}

bool pf_asking_open(pf_reader **out, const char *folder,
                    const pf_engine_options *options, pf_notes *notes, pf_err *err)
{
    const pf_engine_options defaults = PF_ENGINE_OPTIONS_INIT;
    pf_engine_options o = options ? *options : defaults;
    pf_engine *engine;
    *out = NULL;
    o.struct_size = sizeof o;
    o.catalog = folder;
    o.has_no_catalog = folder == NULL;
    o.note = take_note;
    o.context = notes;
    if (!pf_engine_open(&engine, &o, err))
        return false;
    if (!pf_reader_open(out, engine, err))
        pf_engine_close(engine);
    return *out != NULL;
}

void pf_asking_close(pf_reader *reader)
{
    pf_engine *engine = reader ? reader->engine : NULL;
    pf_reader_close(reader);
    pf_engine_close(engine);
}

static void forget_times(char *json)
{
    static const char *const keys[] = {"\"took_ms\":", "\"seconds\":"};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        char *at = json;
        while ((at = strstr(at, keys[k]))) {
            at += strlen(keys[k]);
            const size_t n = strspn(at, "0123456789.e+-");
            memmove(at + 1, at + n, strlen(at + n) + 1);
            *at = '0';
        }
    }
}

char *pf_asking_ask(pf_reader *reader, const char *question, pf_err *err)
{
    pf_request *request;
    pf_answer *answer = NULL;
    char *json = NULL;
    if (!pf_request_new(&request, err))
        return NULL;
    if (pf_request_read_json(request, question, strlen(question), true, err) &&
        pf_reader_ask(reader, request, NULL, &answer, err) &&
        pf_answer_get_json(answer, &json, NULL, err))
        forget_times(json);
    pf_answer_free(answer);
    pf_request_free(request);
    return json;
}
