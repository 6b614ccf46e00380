/* asking.c - see asking.h. */
#include "tests/support/asking.h"

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
