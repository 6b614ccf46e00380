/*
 * silence.c - opens what is no catalog: each time an error, and never a word from the
 * library itself.
 *
 *     silence PATH...
 *
 * The exit status is the number of the argument for which it was otherwise.
 */
#include <plainfilm.h>

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        pf_engine *engine = NULL;
        pf_err err = PF_ERR_INIT;
        pf_engine_options options = PF_ENGINE_OPTIONS_INIT;
        options.catalog = argv[i];
        if (pf_engine_open(&engine, &options, &err) || engine || err.code == PF_OK ||
            err.msg[0] == '\0')
            return i;
        if (pf_engine_open(&engine, &options, NULL) || engine)
            return i;
    }
    return 0;
}
