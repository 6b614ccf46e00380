/*
 * options.c - what plainfilm-query can be told: the option table, its examples, and
 * what of it does not go together.
 */
#include <string.h>

#include "query/query.h"
#include "query/sheet.h"

enum { WORDS_MAX = 4096 };

asked command = {.min_score = -1, .duplicates = -1, .collapse = -1};

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
     .default_text = "10; of --duplicates all",
     .help = "at most so many hits"},
    {.kind = PF_OPT_REAL,
     .name = "min-score",
     .arg = "X",
     .to = &command.min_score,
     .min = -1,
     .max = 1,
     .default_text = "",
     .help = "leave out hits below this score, a cosine from -1 to 1"},
    {.kind = PF_OPT_REAL,
     .name = "min-percentile",
     .arg = "X",
     .to = &command.min_percentile,
     .min = 0,
     .max = 100,
     .default_text = "",
     .help = "leave out hits below this percentile: X % of the catalog's unrelated "
             "pairs are less near"},
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
    {.kind = PF_OPT_STRING,
     .name = "phrases",
     .arg = "FILE",
     .to = &command.phrases,
     .help =
         "with --find captions, rank the phrases in this file, one per line, instead "
         "of the catalog's captions; '-' is stdin"},
    {.kind = PF_OPT_STRING,
     .name = "classify",
     .arg = "LABELS",
     .to = &command.classify,
     .help = "which of these labels, with commas between them, fits best: the pictures "
             "of --image, of which each may be a folder; or, when anything else is "
             "asked, the images found"},
    {.kind = PF_OPT_STRING,
     .name = "template",
     .arg = "TEXT",
     .to = &command.label_template,
     .default_text = "{}",
     .help =
         "with --classify, the text that the model reads, with {} for the label: \"a "
         "chest x-ray with {}\""},
    {.kind = PF_OPT_MAYBE,
     .name = "collapse",
     .arg = "THRESHOLD",
     .to = &command.collapse,
     .max = 1,
     .implied = PF_DUPLICATES_THRESHOLD,
     .help = "fold images, or captions, into a better hit when their cosine to it is "
             "so much, and name them there; the next ones take their place"},
    {.kind = PF_OPT_MAYBE,
     .name = "duplicates",
     .arg = "THRESHOLD",
     .to = &command.duplicates,
     .max = 1,
     .implied = PF_DUPLICATES_THRESHOLD,
     .takes_number = true,
     .help = "search nothing: list groups of images that are near duplicates, joined "
             "by pairs whose cosine is so much"},
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
     .help =
         "the model, when it has moved; it must be the one the catalog was made "
         "with. Without --catalog any model, with --embed, --phrases, and --classify "
         "of pictures"},
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
     .help = "with a model that is not the catalog's, how pictures are prepared: clip "
             "or pubmedclip-train"},

    {.kind = PF_OPT_HEADING, .help = "How to answer"},
    {.kind = PF_OPT_CHOICE,
     .name = "format",
     .arg = "FORMAT",
     .to = &command.format,
     .choices = format_names,
     .help = "how hits are printed:"},
    {.kind = PF_OPT_STRING,
     .name = "sheet",
     .arg = "FILE",
     .to = &command.sheet,
     .default_text = "",
     .help = "also write the hits as a picture to look at, .png, or as a page for the "
             "browser, .html"},
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
    "only what is nearer than 99 in 100 unrelated pictures and captions",
    "plainfilm-query --min-percentile 99 pleural effusion",
    "like image 17, and twice as much like the phrase",
    "plainfilm-query --like 17 2:pleural effusion",
    "the fifty nearest images, to look at",
    "plainfilm-query --limit 50 --sheet hits.html pleural effusion",
    "what lies in the catalog twice, or nearly so",
    "plainfilm-query --duplicates",
    "an image of each kind only",
    "plainfilm-query --collapse pleural effusion",
    "many questions, one program",
    "plainfilm-query --batch --limit 3 <phrases.txt >answers.jsonl",
    "what is on the pictures of a folder, one line per label",
    "plainfilm-query --image folder --classify \"chest x-ray, head CT\" --format tsv",
    "like image 17, but not a lateral view, for another program",
    "plainfilm-query --like 17 --without \"lateral view\" --format json",
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

bool asks_for_pictures_only(const pf_cli_args *args)
{
    for (size_t i = 0; i < args->n_items; i++) {
        if (args->items[i].tag != TAG_IMAGE)
            return false;
    }
    return args->n_items > 0;
}

static bool has_item(const pf_cli_args *args, int tag)
{
    return pf_cli_first(args, tag) != NULL;
}

static bool check_classify(const pf_cli_args *args, const char *see, pf_err *err)
{
    if (!command.classify)
        return !command.label_template ||
               pf_fail(err, PF_ERR_MISUSE, "--template is for --classify %s", see);
    if (command.batch || command.embed || command.phrases)
        return pf_fail(err, PF_ERR_MISUSE,
                       "--classify does not go with --batch, --embed or --phrases %s",
                       see);
    if (command.find != 0)
        return pf_fail(err, PF_ERR_MISUSE,
                       "--classify is about images: not with --find %s %s",
                       find_names[command.find], see);
    if (command.format == FORMAT_PATHS)
        return pf_fail(err, PF_ERR_MISUSE,
                       "--classify answers in --format text, json or tsv %s", see);
    return !asks_for_pictures_only(args) ||
           (!command.by && command.min_score <= -1 && command.min_percentile <= 0) ||
           pf_fail(err, PF_ERR_MISUSE,
                   "--by, --min-score and --min-percentile are for a search, and "
                   "--classify searches "
                   "nothing for --image alone %s",
                   see);
}

static bool check_phrases(const pf_cli_args *args, const char *see, pf_err *err)
{
    if (!command.phrases)
        return true;
    if (command.batch || command.embed)
        return pf_fail(err, PF_ERR_MISUSE,
                       "--phrases does not go with --batch or --embed %s", see);
    if (strcmp(find_names[command.find], "captions") != 0)
        return pf_fail(
            err, PF_ERR_MISUSE,
            "--phrases takes the place of captions: it needs --find captions "
            "%s",
            see);
    if (command.format == FORMAT_PATHS)
        return pf_fail(
            err, PF_ERR_MISUSE,
            "phrases have no paths: --phrases answers in --format text, json "
            "or tsv %s",
            see);
    if (has_item(args, TAG_FILTER))
        return pf_fail(err, PF_ERR_MISUSE,
                       "--filter is for the catalog's images, not for --phrases %s",
                       see);
    if (command.min_percentile > 0)
        return pf_fail(
            err, PF_ERR_MISUSE,
            "--min-percentile is for what the catalog has, not for --phrases %s", see);
    return !command.by || strcmp(command.by, "meaning") == 0 ||
           pf_fail(err, PF_ERR_MISUSE,
                   "--phrases are compared by meaning, not --by %.80s %s", command.by,
                   see);
}

/* With --model alone: a model that need not be the catalog's. */
static bool needs_no_catalog(const pf_cli_args *args)
{
    if (!command.model || command.catalog)
        return false;
    return command.embed || (command.classify && asks_for_pictures_only(args)) ||
           (command.phrases && !has_item(args, TAG_LIKE));
}

static bool check_sheet(const char *see, pf_err *err)
{
    const sheet_kind kind = sheet_kind_of(command.sheet);
    const int most = kind == SHEET_PNG ? SHEET_PNG_MAX : SHEET_HTML_MAX;
    if (command.batch || command.embed)
        return pf_fail(err, PF_ERR_MISUSE, "--sheet does not go with %s %s",
                       command.batch ? "--batch" : "--embed", see);
    if (kind == SHEET_OTHER)
        return pf_fail(err, PF_ERR_MISUSE,
                       "--sheet '%.200s': the name must end in .png or .html %s",
                       command.sheet, see);
    return command.limit <= most ||
           pf_fail(err, PF_ERR_MISUSE,
                   "a sheet of this kind has room for %d hits, --limit says %lld %s",
                   most, (long long)command.limit, see);
}

static bool check_duplicates(const pf_cli_args *args, pf_err *err)
{
    const char *see = "(see plainfilm-query --help)";
    if (is_asked(args) || command.embed || command.batch || command.find != 0 ||
        command.by || command.min_score > -1 || command.collapse >= 0)
        return pf_fail(err, PF_ERR_MISUSE,
                       "--duplicates compares the images of the catalog with each "
                       "other: of what to ask and to find only --filter and --limit "
                       "go with it %s",
                       see);
    if (command.format == FORMAT_PATHS)
        return pf_fail(err, PF_ERR_MISUSE,
                       "--format paths does not tell which images belong together, "
                       "--format tsv does %s",
                       see);
    if (command.ends_in_nul)
        return pf_fail(err, PF_ERR_MISUSE, "--null is for --format paths %s", see);
    return !command.preprocess ||
           pf_fail(err, PF_ERR_MISUSE, "--preprocess is for --embed %s", see);
}

/* What the table cannot tell. */
bool check_command(const pf_cli_args *args, pf_err *err)
{
    const char *see = "(see plainfilm-query --help)";
    command.has_limit = command.limit > 0;
    if (!command.has_limit)
        command.limit = LIMIT_DEFAULT;
    if (command.duplicates >= 0)
        return check_duplicates(args, err);
    if (command.embed && command.collapse >= 0)
        return pf_fail(err, PF_ERR_MISUSE, "--embed finds no hits to --collapse %s",
                       see);
    if (!check_classify(args, see, err) || !check_phrases(args, see, err) ||
        (command.sheet && !check_sheet(see, err)))
        return false;
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
    if (command.preprocess && !needs_no_catalog(args))
        return pf_fail(err, PF_ERR_MISUSE,
                       "--preprocess is for --embed, --classify and --phrases with "
                       "--model and without --catalog, a catalog has its own %s",
                       see);
    const int tag = args->items[0].tag;
    const bool is_one = args->n_items == 1 || args->n_plain == args->n_items;
    if (command.embed && (!is_one || (tag != TAG_PHRASE && tag != TAG_IMAGE)))
        return pf_fail(err, PF_ERR_MISUSE,
                       "--embed takes one phrase or one --image and nothing else %s",
                       see);
    return true;
}
