/*
 * main.c - plainfilm-query: a phrase, a picture or both in; images, captions or
 * cases out.
 *
 * The option table and the two jobs: search a catalog, or print a vector (--embed).
 * stdout is the answer and nothing else.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/cli/term.h"
#include "query/query.h"

enum { WORDS_MAX = 4096 };

static asked command = {.limit = 10, .min_score = -1};

static const char *const format_names[] = {"text", "json", "tsv", "paths", NULL};

static const pf_opt options[] = {
    {.kind = PF_OPT_HEADING,
     .help = "What to ask with (several are added, as unit vectors; 2.5: in front of "
             "one, the phrase too, is its weight)"},
    {.kind = PF_OPT_LIST,
     .short_name = 'i',
     .name = "image",
     .arg = "FILE",
     .tag = TAG_IMAGE,
     .help = "a picture file, which need not be in the catalog; '-' is stdin. One that "
             "is in the catalog finds itself first"},
    {.kind = PF_OPT_LIST,
     .name = "like",
     .arg = "ID|PATH",
     .tag = TAG_LIKE,
     .help = "an image of the catalog, by its number or path; it is left out of the "
             "images found, and its case out of the cases. Needs no model"},
    {.kind = PF_OPT_LIST,
     .name = "without",
     .arg = "PHRASE",
     .tag = TAG_WITHOUT,
     .help = "a phrase that is subtracted"},

    {.kind = PF_OPT_HEADING, .help = "What to find"},
    {.kind = PF_OPT_CHOICE,
     .short_name = 'f',
     .name = "find",
     .arg = "WHAT",
     .to = &command.find,
     .choices = find_names,
     .help = "what to look for:"},
    {.kind = PF_OPT_INT,
     .short_name = 'n',
     .name = "limit",
     .arg = "N",
     .to = &command.limit,
     .min = 1,
     .max = LIMIT_MAX,
     .help = "at most so many hits"},
    {.kind = PF_OPT_REAL,
     .name = "min-score",
     .arg = "X",
     .to = &command.min_score,
     .min = -1,
     .max = 1,
     .default_text = "",
     .help = "leave out hits below this score, a cosine from -1 to 1"},
    {.kind = PF_OPT_LIST,
     .name = "filter",
     .arg = "KEY=VALUE",
     .tag = TAG_FILTER,
     .help = "only images for which this holds; given several times, all of them. Also "
             "KEY!=VALUE, KEY<VALUE, KEY>VALUE, KEY~WORD, case=KEY and path~PATTERN"},
    {.kind = PF_OPT_STRING,
     .name = "by",
     .arg = "HOW",
     .to = &command.by,
     .default_text = "both for a phrase where there are captions, else meaning",
     .help = "how hits are compared: meaning, the nearness of vectors; words, those of "
             "the phrase in captions; or both"},
    {.kind = PF_OPT_FLAG,
     .name = "embed",
     .to = &command.embed,
     .help = "search nothing: print the unit vector of the phrase or picture as JSON"},
    {.kind = PF_OPT_FLAG,
     .name = "batch",
     .to = &command.batch,
     .help = "one question per line on stdin, a phrase or a JSON object with the names "
             "of these options; one JSON object per line on stdout"},

    {.kind = PF_OPT_HEADING, .help = "How words are understood"},
    {.kind = PF_OPT_STRING,
     .name = "synonyms",
     .arg = "FILE",
     .to = &command.synonyms,
     .default_text = "a built-in table",
     .help = "other names for the same thing, one group per line: CXR = chest x-ray"},
    {.kind = PF_OPT_FLAG,
     .name = "no-negation",
     .to = &command.no_negation,
     .help = "find an effusion also where a caption says that there is none"},

    {.kind = PF_OPT_HEADING, .help = "Where to look"},
    {.kind = PF_OPT_STRING,
     .short_name = 'c',
     .name = "catalog",
     .arg = "DIR",
     .to = &command.catalog,
     .default_text = "$PLAINFILM_CATALOG, else $XDG_DATA_HOME/plainfilm",
     .help = "the folder that plainfilm-index made"},
    {.kind = PF_OPT_STRING,
     .short_name = 'm',
     .name = "model",
     .arg = "DIR|FILE",
     .to = &command.model,
     .default_text = "where the catalog says",
     .help = "the model, when it has moved; it must be the one the catalog was made "
             "with. With --embed and without --catalog any model"},
    {.kind = PF_OPT_STRING,
     .name = "tokenizer",
     .arg = "PATH",
     .to = &command.tokenizer,
     .default_text = "beside the model",
     .help = "merges.txt, bpe_simple_vocab_16e6.txt.gz, or a folder with one"},
    {.kind = PF_OPT_STRING,
     .name = "preprocess",
     .arg = "NAME",
     .to = &command.preprocess,
     .default_text = "what the model says",
     .help = "with --embed and --model, how pictures are prepared: clip or "
             "pubmedclip-train"},

    {.kind = PF_OPT_HEADING, .help = "How to answer"},
    {.kind = PF_OPT_CHOICE,
     .name = "format",
     .arg = "FORMAT",
     .to = &command.format,
     .choices = format_names,
     .help = "how hits are printed:"},
    {.kind = PF_OPT_FLAG,
     .short_name = '0',
     .name = "null",
     .to = &command.ends_in_nul,
     .help = "with --format paths, end each path in a zero byte, for xargs -0"},
    {.kind = PF_OPT_FLAG,
     .short_name = 'q',
     .name = "quiet",
     .to = &command.quiet,
     .help = "nothing on stderr but what went wrong"},
    {.kind = PF_OPT_FLAG,
     .short_name = 'v',
     .name = "verbose",
     .to = &command.verbose,
     .help = "say more on stderr: oddities of the model, time taken"},
    {.kind = PF_OPT_END},
};

static const char *const examples[] = {
    "the ten images nearest to a phrase",
    "plainfilm-query right pleural effusion",
    "the same by the words of captions only, one of them not there",
    "plainfilm-query --by words \"pleural effusion NOT pneumothorax\"",
    "what captions say about a picture",
    "plainfilm-query --image film.png --find captions",
    "cases that look like one picture of a case in the catalog",
    "plainfilm-query --like 17 --find cases",
    "among CT images of 2024 only",
    "plainfilm-query --filter modality=CT --filter \"path~*/2024/*\" lung nodule",
    "like image 17, and twice as much like the phrase",
    "plainfilm-query --like 17 2:pleural effusion",
    "many questions, one program",
    "plainfilm-query --batch --limit 3 <phrases.txt >answers.jsonl",
    "like image 17, but not a lateral view, for another program",
    "plainfilm-query --like 17 --without \"lateral view\" --format json",
    NULL,
};

static const pf_cli cli = {
    .name = "plainfilm-query",
    .usage = "[options] [PHRASE]",
    .summary = "Find radiology images in a catalog by what they show. The words of "
               "PHRASE need no quotes: they are joined with spaces.",
    .opts = options,
    .max_plain = WORDS_MAX,
    .examples = examples,
};

/* ---- conversation ---- */

static void say(const char *text)
{
    fprintf(stderr, "%s: ", cli.name);
    pf_term_puts(stderr, text);
    fputc('\n', stderr);
}

/* `is_wanted` or not, the notes are gone afterwards. */
static void say_notes(pf_notes *notes, bool is_wanted)
{
    for (size_t i = 0; is_wanted && i < notes->count; i++)
        say(notes->line[i]);
    if (is_wanted && notes->dropped > 0)
        fprintf(stderr, "%s: and %zu notes more\n", cli.name, notes->dropped);
    pf_notes_reset(notes);
}

/* What the model's makers want told; NULL is fine. */
static void say_notice(const char *notice)
{
    if (notice && !command.quiet)
        say(notice);
}

/* ---- what was asked ---- */

/* A filter alone asks for nothing. */
static bool is_asked(const pf_cli_args *args)
{
    for (size_t i = 0; i < args->n_items; i++) {
        if (args->items[i].tag != TAG_FILTER)
            return true;
    }
    return false;
}

/* What the table cannot tell. */
static bool check_command(const pf_cli_args *args, pf_err *err)
{
    const char *see = "(see plainfilm-query --help)";
    if (command.batch &&
        (is_asked(args) || command.embed || command.format == FORMAT_TSV ||
         command.format == FORMAT_PATHS))
        return pf_fail(err, PF_ERR_MISUSE,
                       "--batch reads questions from stdin and answers in JSON: of "
                       "what to ask and how to print only --filter goes with it %s",
                       see);
    if (command.batch)
        return true;
    if (!is_asked(args))
        return pf_fail(err, PF_ERR_MISUSE,
                       "nothing was asked: give a phrase, --image or --like %s", see);
    if (command.ends_in_nul && command.format != FORMAT_PATHS)
        return pf_fail(err, PF_ERR_MISUSE, "--null is for --format paths %s", see);
    if (command.preprocess && !(command.embed && command.model && !command.catalog))
        return pf_fail(err, PF_ERR_MISUSE,
                       "--preprocess is for --embed with --model and without "
                       "--catalog, a catalog has its own %s",
                       see);
    const int tag = args->items[0].tag;
    const bool is_one = args->n_items == 1 || args->n_plain == args->n_items;
    if (command.embed && (!is_one || (tag != TAG_PHRASE && tag != TAG_IMAGE)))
        return pf_fail(err, PF_ERR_MISUSE,
                       "--embed takes one phrase or one --image and nothing else %s",
                       see);
    return true;
}

static bool check_question(const question *a, pf_err *err)
{
    if (!command.embed || fabs(a->parts[0].weight) == 1)
        return true;
    return pf_fail(err, PF_ERR_MISUSE,
                   "--embed prints a vector of length 1, a weight makes no difference "
                   "(1: in front takes the rest as it is)");
}

/* ---- search ---- */

static bool open_search(pf_search **out, unsigned find, pf_err *err)
{
    const pf_search_options where = {
        .folder = command.catalog,
        .find = find,
        .model = command.model,
        .tokenizer = command.tokenizer,
        .words = {command.synonyms, command.no_negation},
    };
    pf_notes notes = {0};
    const bool ok = pf_search_open(out, &where, &notes, err);
    say_notes(&notes, !command.quiet);
    return ok;
}

static void say_about(const pf_search *search, const pf_answer *answer)
{
    if (command.quiet)
        return;
    if (answer->n_truncated > 0)
        say("the phrase is longer than the model reads: only its beginning counts");
    if (answer->no_image_passes)
        say("no image matches the filter");
    else if (answer->n_hits == 0)
        say("nothing found");
    if (command.verbose) {
        char text[64];
        snprintf(text, sizeof text, "%zu hits in %.1f ms from ", answer->n_hits,
                 answer->took_ms);
        fprintf(stderr, "%s: %s", cli.name, text);
        pf_term_puts(stderr, pf_search_folder(search));
        fputc('\n', stderr);
    }
}

static void print_answer(const pf_query *query, const pf_answer *answer)
{
    switch (command.format) {
    case FORMAT_JSON:
        print_json(stdout, query, answer);
        break;
    case FORMAT_TSV:
        print_tsv(stdout, query->find, answer);
        break;
    case FORMAT_PATHS:
        print_paths(stdout, answer, command.ends_in_nul ? '\0' : '\n');
        break;
    default:
        print_text(stdout, query->find, answer, command.verbose);
        break;
    }
}

/* What the question looks at: for words the captions, too. */
static unsigned indexes_of(const pf_query *q)
{
    const bool may_be_both =
        q->by == PF_BY_DEFAULT && q->n_parts == 1 && q->parts[0].kind == PF_PART_PHRASE;
    const bool has_words = q->by == PF_BY_WORDS || q->by == PF_BY_BOTH || may_be_both;
    return (unsigned)q->find | (has_words ? PF_FIND_CAPTIONS : 0u);
}

static bool run_search(const pf_query *query, pf_err *err)
{
    pf_search *search = NULL;
    pf_notes notes = {0};
    pf_answer answer = {0};
    const bool ok = open_search(&search, indexes_of(query), err) &&
                    pf_search_run(search, query, &answer, &notes, err);
    say_notes(&notes, command.verbose);
    say_notice(search ? pf_search_notice(search) : NULL);
    if (ok) {
        say_about(search, &answer);
        print_answer(query, &answer);
    }
    pf_answer_reset(&answer);
    pf_search_close(search);
    return ok;
}

/* What the makers of the model want told comes last: the model is opened on the way. */
static bool run_batch(const pf_cli_args *args, pf_err *err)
{
    pf_search *search = NULL;
    pf_notes notes = {0};
    bool ok =
        open_search(&search, PF_FIND_IMAGES | PF_FIND_CAPTIONS | PF_FIND_CASES, err);
    const batch b = {
        .in = stdin,
        .out = stdout,
        .search = search,
        .notes = &notes,
        .how = &command,
        .items = args->items,
        .n_items = args->n_items,
    };
    ok = ok && batch_run(&b, err);
    say_notes(&notes, command.verbose);
    say_notice(search ? pf_search_notice(search) : NULL);
    pf_search_close(search);
    return ok;
}

/* ---- embed ---- */

static bool embed_with(const pf_model *model, const pf_part *part, pf_err *err)
{
    const size_t context = (size_t)pf_clip_dims(pf_model_clip(model))->context;
    const size_t dim = (size_t)pf_model_dim(model);
    pf_embedder *embedder = NULL;
    float *vector = pf_alloc_floats(dim, err);
    int32_t *ids = pf_alloc_array(context, sizeof *ids, err);
    size_t n_ids = 0;
    bool is_truncated = false;
    const bool is_phrase = part->kind == PF_PART_PHRASE;
    say_notice(pf_model_notice(model));
    bool ok = vector && ids && pf_embedder_new(&embedder, model, err) &&
              pf_part_embed(part, embedder, vector, &is_truncated, err) &&
              (!is_phrase || pf_embed_token_ids(embedder, part->text, ids, &n_ids,
                                                &is_truncated, err));
    if (ok && is_truncated && !command.quiet)
        say("the phrase is longer than the model reads: only its beginning counts");
    if (ok)
        print_vector(stdout, vector, dim, is_phrase ? ids : NULL, n_ids, is_truncated);
    pf_embedder_free(embedder);
    pf_free(ids);
    pf_free(vector);
    return ok;
}

static bool embed_without_catalog(const pf_part *part, pf_err *err)
{
    const pf_model_options how = {
        .preprocess = command.preprocess,
        .tokenizer = command.tokenizer,
        .what = pf_part_tower(part),
    };
    pf_model *model = NULL;
    pf_notes notes = {0};
    bool ok = pf_model_open(&model, command.model, &how, &notes, err);
    say_notes(&notes, command.verbose);
    ok = ok && embed_with(model, part, err);
    pf_model_close(model);
    return ok;
}

static bool embed_with_catalog(const pf_part *part, pf_err *err)
{
    pf_search *search = NULL;
    const pf_model *model = NULL;
    pf_notes notes = {0};
    bool ok = open_search(&search, 0, err) &&
              pf_search_get_model(search, pf_part_tower(part), &model, &notes, err);
    say_notes(&notes, command.verbose);
    ok = ok && embed_with(model, part, err);
    pf_search_close(search);
    return ok;
}

/* ---- main ---- */

static bool run(const pf_cli_args *args, pf_err *err)
{
    question a = {0};
    bool ok = check_command(args, err);
    if (ok && command.batch)
        return run_batch(args, err);
    ok = ok && question_make(&a, &command, args->items, args->n_items, err) &&
         check_question(&a, err);
    if (ok && !command.embed)
        ok = run_search(&a.query, err);
    else if (ok && command.model && !command.catalog)
        ok = embed_without_catalog(a.parts, err);
    else if (ok)
        ok = embed_with_catalog(a.parts, err);
    question_reset(&a);
    return ok;
}

/* An answer that did not get out is no answer. */
static bool finish_output(pf_err *err)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    return pf_fail_errno(err, errno, "cannot write the answer");
}

int main(int argc, char **argv)
{
    pf_err err = PF_ERR_INIT;
    pf_cli_args args = {0};
    pf_search_set_threads(1); /* one question: starting threads costs more than it */
    bool ok = pf_cli_parse(&args, &cli, argc, argv, &err);
    if (ok && !pf_cli_answer(&cli, args.action, stdout))
        ok = run(&args, &err);
    ok = ok && finish_output(&err);
    pf_cli_args_free(&args);
    if (ok)
        return PF_EXIT_DONE;
    say(err.msg);
    return (int)pf_exit_of(&err);
}
