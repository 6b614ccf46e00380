/*
 * options.c - what plainfilm-query can be told: the option table, its examples, and
 * what of it does not go together.
 */
#include "query/query.h"

enum { WORDS_MAX = 4096, LIMIT_DEFAULT = 10 };

asked command = {.limit = LIMIT_DEFAULT, .min_score = -1};

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
    {.kind = PF_OPT_FLAG,
     .name = "evaluate",
     .to = &command.evaluate,
     .help = "how good search is here: recall, median rank and MRR, with captions "
             "asking for their images and images for their captions"},
    {.kind = PF_OPT_STRING,
     .name = "queries",
     .arg = "FILE",
     .to = &command.queries,
     .default_text = "the captions of the catalog",
     .help = "with --evaluate, a table of phrases and what is right for each"},

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
    "how good the catalog answers phrases of your own",
    "plainfilm-query --evaluate --queries phrases.csv",
    NULL,
};

const pf_cli query_cli = {
    .name = "plainfilm-query",
    .usage = "[options] [PHRASE]",
    .summary = "Find radiology images in a catalog by what they show. The words of "
               "PHRASE need no quotes: they are joined with spaces.",
    .opts = options,
    .max_plain = WORDS_MAX,
    .examples = examples,
};

/* A filter alone asks for nothing. */
static bool is_asked(const pf_cli_args *args)
{
    for (size_t i = 0; i < args->n_items; i++) {
        if (args->items[i].tag != TAG_FILTER)
            return true;
    }
    return false;
}

static bool check_evaluate(const pf_cli_args *args, pf_err *err)
{
    const char *see = "(see plainfilm-query --help)";
    if (!command.evaluate)
        return !command.queries ||
               pf_fail(err, PF_ERR_MISUSE, "--queries is for --evaluate %s", see);
    if (is_asked(args) || command.batch || command.embed)
        return pf_fail(err, PF_ERR_MISUSE,
                       "--evaluate has questions of its own: no phrase, picture, "
                       "--batch or --embed goes with it %s",
                       see);
    if (command.find != 0 || command.limit != LIMIT_DEFAULT || command.min_score > -1)
        return pf_fail(err, PF_ERR_MISUSE,
                       "--evaluate ranks everything: no --find, --limit or "
                       "--min-score goes with it %s",
                       see);
    return command.format != FORMAT_PATHS ||
           pf_fail(err, PF_ERR_MISUSE,
                   "--evaluate finds figures: --format is text, json or tsv %s", see);
}

/* What the table cannot tell. */
bool check_command(const pf_cli_args *args, pf_err *err)
{
    const char *see = "(see plainfilm-query --help)";
    if (!check_evaluate(args, err))
        return false;
    if (command.evaluate)
        return !command.ends_in_nul ||
               pf_fail(err, PF_ERR_MISUSE, "--null is for --format paths %s", see);
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
