/* open.c - see open.h. */
#include "query/open.h"

#include "query/say.h"

bool open_asked(opened *out, const pf_cli_args *args, pf_err *err)
{
    pf_engine_options options = PF_ENGINE_OPTIONS_INIT;
    options.has_no_catalog = needs_no_catalog(args);
    options.catalog = command.catalog;
    options.model = command.model;
    options.tokenizer = command.tokenizer;
    options.preprocess = command.preprocess;
    options.activation = command.activation;
    options.precision = command.precision;
    options.embed_threads = -1; /* one question after another */
    options.synonyms = command.synonyms;
    options.ignores_negation = command.no_negation;
    options.note = keep_note;
    if (pf_engine_open(&out->engine, &options, err) &&
        pf_reader_open(&out->reader, out->engine, err))
        return true;
    close_asked(out);
    return false;
}

void close_asked(opened *o)
{
    pf_reader_close(o->reader);
    pf_engine_close(o->engine);
    *o = (opened){0};
}
