/*
 * search.c - the images of a catalog that a phrase finds.
 *
 *     search CATALOG "pleural effusion"
 *
 * Four handles do everything: an engine is a catalog, a reader looks into it for one
 * thread, a request is what is asked, an answer what was found. Each function that can
 * fail returns false and says why in one line, so a chain of && ends at the first
 * failure; handles that were not reached stay NULL, which every free function takes.
 */
#include <stdbool.h>
#include <stdio.h>

#include <plainfilm.h>

/* A phrase is looked for by meaning and by words, and hits stand by both together; the
 * score is the cosine alone, so it need not fall from hit to hit. What a hit points to
 * is the answer's, and gone when that is freed. */
static void print(const pf_answer *answer)
{
    for (size_t i = 0; i < pf_answer_count(answer); i++) {
        const pf_hit *hit = pf_answer_hit(answer, i);
        printf("%2zu  %.3f  %s\n", pf_answer_rank(answer, i), hit->score, hit->path);
        if (hit->caption)
            printf("           %s\n", hit->caption);
    }
}

static bool search(const char *catalog, const char *phrase, pf_err *err)
{
    pf_engine *engine = NULL;
    pf_reader *reader = NULL;
    pf_request *request = NULL;
    pf_answer *answer = NULL;

    pf_engine_options options = PF_ENGINE_OPTIONS_INIT;
    options.catalog = catalog;
    const bool ok = pf_engine_open(&engine, &options, err) &&
                    pf_reader_open(&reader, engine, err) &&
                    pf_request_new(&request, err) &&
                    pf_request_add_phrase(request, phrase, 1, err) &&
                    pf_request_set_limit(request, 5, 0, err) &&
                    pf_reader_ask(reader, request, NULL, &answer, err);
    if (ok)
        print(answer);
    pf_answer_free(answer);
    pf_request_free(request);
    pf_reader_close(reader); /* before its engine */
    pf_engine_close(engine);
    return ok;
}

int main(int argc, char **argv)
{
    pf_err err = PF_ERR_INIT;
    if (argc != 3) {
        fprintf(stderr, "usage: search CATALOG PHRASE\n");
        return 2;
    }
    if (!search(argv[1], argv[2], &err)) {
        fprintf(stderr, "search: %s\n", err.msg);
        return 1;
    }
    return 0;
}
