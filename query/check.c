/*
 * check.c - which job the command line asks for, and what of it does not go together.
 *
 * Options that would make no difference are refused: who gives one expects something
 * of it. A new option is a row of `rules`, with the jobs it is good for.
 */
#include <string.h>

#include "cli/sheet.h"
#include "cli/tools.h"
#include "query/export.h"
#include "query/query.h"

#define SEE "(see plainfilm-query --help)"

/* ---- the job ---- */

/* Bits, so that a rule names several. */
enum {
    SEARCH = 1,
    BATCH = 2,
    EMBED = 4,
    CLASSIFY_PICTURES = 8, /* of --image, nothing is searched */
    CLASSIFY_HITS = 16,
    PHRASES = 32,
    DUPLICATES = 64,
    EVALUATE = 128,
    VALUES = 256,
    EXPORT = 512,
};
enum { SEARCHES = SEARCH | BATCH | CLASSIFY_HITS };

bool asks_for_pictures_only(const pf_cli_args *args)
{
    for (size_t i = 0; i < args->n_items; i++) {
        if (args->items[i].tag != TAG_IMAGE)
            return false;
    }
    return args->n_items > 0;
}

/* The job of the command, and its option. More than one is a misuse. */
static bool find_job(const pf_cli_args *args, unsigned *job, const char **name,
                     pf_err *err)
{
    const struct {
        bool is_given;
        unsigned job;
        const char *name;
    } jobs[] = {
        {command.batch, BATCH, "--batch"},
        {command.embed, EMBED, "--embed"},
        {command.classify != NULL,
         asks_for_pictures_only(args) ? CLASSIFY_PICTURES : CLASSIFY_HITS,
         "--classify"},
        {command.phrases != NULL, PHRASES, "--phrases"},
        {command.duplicates >= 0, DUPLICATES, "--duplicates"},
        {command.evaluate, EVALUATE, "--evaluate"},
        {command.values, VALUES, "--values"},
        {command.export != NULL, EXPORT, "--export"},
    };
    *job = SEARCH;
    *name = NULL;
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
        if (!jobs[i].is_given)
            continue;
        if (*name)
            return pf_cli_fail(err, PF_ERR_MISUSE, "%s does not go with %s " SEE,
                               jobs[i].name, *name);
        *job = jobs[i].job;
        *name = jobs[i].name;
    }
    return true;
}

/* ---- what goes with it ---- */

static bool has_item(const pf_cli_args *args, int tag)
{
    return pf_cli_first(args, tag) != NULL;
}

/* What a filter, a sort or facets alone ask for is a list; a field asks for nothing. */
static bool is_asked(const pf_cli_args *args)
{
    for (size_t i = 0; i < args->n_items; i++) {
        if (args->items[i].tag != TAG_FILTER && args->items[i].tag != TAG_IN)
            return true;
    }
    return false;
}

/* In the place of a phrase stands a key. */
static bool has_more_than_key(const pf_cli_args *args)
{
    for (size_t i = 0; i < args->n_items; i++) {
        if (args->items[i].tag != TAG_FILTER && args->items[i].tag != TAG_PHRASE)
            return true;
    }
    return false;
}

static bool is_list(const pf_cli_args *args)
{
    return has_item(args, TAG_FILTER) || command.sort >= 0 || command.facets;
}

static bool is_by_meaning(void)
{
    return command.by && strcmp(command.by, "meaning") == 0;
}

static bool check_rules(const pf_cli_args *args, unsigned job, const char *name,
                        pf_err *err)
{
    const unsigned asking =
        SEARCH | EMBED | CLASSIFY_PICTURES | CLASSIFY_HITS | PHRASES;
    const struct {
        bool is_given;
        unsigned jobs;
        const char *what, *only; /* the one job it is for, or NULL */
    } rules[] = {
        {is_asked(args) && (job != VALUES || has_more_than_key(args)), asking,
         "a phrase or picture", NULL},
        {has_item(args, TAG_FILTER), SEARCHES | DUPLICATES | EVALUATE | VALUES | EXPORT,
         "--filter", NULL},
        {command.find != 0, SEARCH | BATCH | PHRASES | VALUES | EXPORT, "--find", NULL},
        {command.has_limit, SEARCHES | PHRASES | DUPLICATES | VALUES, "--limit", NULL},
        {command.offset > 0, SEARCHES | PHRASES, "--offset", NULL},
        {command.sort >= 0, SEARCHES, "--sort", NULL},
        {command.seed >= 0, SEARCHES, "--seed", NULL},
        {command.facets != NULL, SEARCHES, "--facets", NULL},
        {command.min_score > -1, SEARCHES | PHRASES, "--min-score", NULL},
        {command.min_percentile > 0, SEARCHES, "--min-percentile", NULL},
        {command.by != NULL, SEARCHES | EVALUATE | (is_by_meaning() ? PHRASES : 0u),
         "--by", NULL},
        {has_item(args, TAG_IN), SEARCHES, "--in", NULL},
        {command.synonyms != NULL, SEARCHES | EVALUATE, "--synonyms", NULL},
        {command.no_negation, SEARCHES | EVALUATE, "--no-negation", NULL},
        {command.collapse >= 0, SEARCHES, "--collapse", NULL},
        {command.all_captions, SEARCH, "--all-captions", NULL},
        {command.wrap, SEARCH | PHRASES | DUPLICATES, "--wrap", NULL},
        {command.wrap && command.format != FORMAT_TEXT, 0, "--wrap", "--format text"},
        {command.hide_paths, SEARCHES | DUPLICATES | CLASSIFY_HITS | VALUES | EXPORT,
         "--hide-paths", NULL},
        {command.sheet != NULL, SEARCH, "--sheet", NULL},
        {command.label_template != NULL, CLASSIFY_PICTURES | CLASSIFY_HITS,
         "--template", "--classify"},
        {command.queries != NULL, EVALUATE, "--queries", "--evaluate"},
        {command.facets &&
             (command.format == FORMAT_TSV || command.format == FORMAT_PATHS),
         BATCH, "--facets", "--format text or json"},
        {command.force, EXPORT, "--force", "--export"},
        {command.format == FORMAT_TSV, ~(unsigned)(BATCH | EMBED | EXPORT),
         "--format tsv", NULL},
        {command.format == FORMAT_JSON, ~(unsigned)EXPORT, "--format json", NULL},
        {command.format == FORMAT_PATHS, SEARCH, "--format paths", NULL},
        {command.ends_in_nul && command.format != FORMAT_PATHS, 0, "--null",
         "--format paths"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (!rules[i].is_given || (rules[i].jobs & job))
            continue;
        if (job == BATCH && has_item(args, TAG_IMAGE) && i == 0)
            return pf_cli_fail(err, PF_ERR_MISUSE,
                               "--image does not go with --batch, a line names its "
                               "picture: {\"image\": FILE}, or - for what follows the "
                               "line " SEE);
        if (rules[i].only)
            return pf_cli_fail(err, PF_ERR_MISUSE, "%s is for %s " SEE, rules[i].what,
                               rules[i].only);
        return pf_cli_fail(err, PF_ERR_MISUSE, "%s does not go with %s%s " SEE,
                           rules[i].what, name,
                           job == CLASSIFY_PICTURES ? " of --image alone" : "");
    }
    return true;
}

/* ---- the rest ---- */

static bool check_embed(const pf_cli_args *args, pf_err *err)
{
    const int tag = args->items[0].tag;
    const bool is_one = args->n_items == 1 || args->n_plain == args->n_items;
    return (is_one && (tag == TAG_PHRASE || tag == TAG_IMAGE)) ||
           pf_cli_fail(err, PF_ERR_MISUSE,
                       "--embed takes one phrase or one --image and nothing else " SEE);
}

static bool check_export(pf_err *err)
{
    const export_kind kind = export_kind_of(command.export);
    if (kind == EXPORT_OTHER)
        return pf_cli_fail(err, PF_ERR_MISUSE,
                           "--export '%.200s': the name must end in .npy or .tsv " SEE,
                           command.export);
    return command.find != PF_FIND_CASES ||
           pf_cli_fail(err, PF_ERR_MISUSE,
                       "--export is for images and captions, not for cases " SEE);
}

static bool check_sheet(pf_err *err)
{
    const pf_sheet_kind kind = pf_sheet_kind_of(command.sheet);
    const int most = kind == PF_SHEET_PNG ? PF_SHEET_PNG_MAX : PF_SHEET_HTML_MAX;
    if (kind == PF_SHEET_OTHER)
        return pf_cli_fail(err, PF_ERR_MISUSE,
                           "--sheet '%.200s': the name must end in .png or .html " SEE,
                           command.sheet);
    return command.limit <= most ||
           pf_cli_fail(
               err, PF_ERR_MISUSE,
               "a sheet of this kind has room for %d hits, --limit says %lld " SEE,
               most, (long long)command.limit);
}

/* Of --batch each line may say otherwise. */
static bool check_words(const pf_cli_args *args, unsigned job, pf_err *err)
{
    const char *given = command.synonyms         ? "--synonyms"
                        : command.no_negation    ? "--no-negation"
                        : has_item(args, TAG_IN) ? "--in"
                                                 : NULL;
    if (!is_by_meaning() || job == BATCH || !given)
        return true;
    return pf_cli_fail(err, PF_ERR_MISUSE, "%s does not go with --by meaning " SEE,
                       given);
}

/* Of --batch each line may say otherwise. */
static bool check_list(const pf_cli_args *args, unsigned job, pf_err *err)
{
    const struct {
        bool is_given;
        const char *name;
    } rules[] = {
        {command.by != NULL, "--by"},
        {command.synonyms != NULL, "--synonyms"},
        {command.no_negation, "--no-negation"},
        {command.min_score > -1, "--min-score"},
        {command.min_percentile > 0, "--min-percentile"},
        {command.collapse >= 0, "--collapse"},
        {command.sort == PF_SORT_RELEVANCE - 1, "--sort relevance"},
    };
    if (command.seed >= 0 && command.sort != PF_SORT_RANDOM - 1 && job != BATCH)
        return pf_cli_fail(err, PF_ERR_MISUSE, "--seed is for --sort random " SEE);
    if (!(job & (SEARCH | CLASSIFY_HITS)) || is_asked(args))
        return command.sort <= PF_SORT_RELEVANCE - 1 || job == BATCH ||
               pf_cli_fail(err, PF_ERR_MISUSE,
                           "what is asked for comes in the order of relevance; --sort "
                           "is for a list, with filters alone " SEE);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (rules[i].is_given)
            return pf_cli_fail(err, PF_ERR_MISUSE,
                               "%s is for a question, and not for a list " SEE,
                               rules[i].name);
    }
    return true;
}

static bool check_phrases(pf_err *err)
{
    return command.find == PF_FIND_CAPTIONS ||
           pf_cli_fail(err, PF_ERR_MISUSE,
                       "--phrases takes the place of captions: it needs --find "
                       "captions " SEE);
}

bool needs_no_catalog(const pf_cli_args *args)
{
    if (!command.model || command.catalog)
        return false;
    return command.embed || (command.classify && asks_for_pictures_only(args)) ||
           (command.phrases && !has_item(args, TAG_LIKE));
}

bool check_command(const pf_cli_args *args, pf_err *err)
{
    unsigned job;
    const char *name;
    command.has_limit = command.limit > 0;
    if (!command.has_limit)
        command.limit = LIMIT_DEFAULT;
    if (!find_job(args, &job, &name, err) || !check_rules(args, job, name, err))
        return false;
    if (!(job & (BATCH | DUPLICATES | EVALUATE | VALUES | EXPORT)) && !is_asked(args) &&
        !((job & SEARCHES) && is_list(args)))
        return pf_cli_fail(err, PF_ERR_MISUSE,
                           "nothing was asked: give a phrase, --image or --like; or "
                           "--filter or --sort for a list " SEE);
    if (command.preprocess && !needs_no_catalog(args))
        return pf_cli_fail(err, PF_ERR_MISUSE,
                           "--preprocess is for --embed, --classify and --phrases with "
                           "--model and without --catalog, a catalog has its own " SEE);
    if (command.activation && !needs_no_catalog(args))
        return pf_cli_fail(err, PF_ERR_MISUSE,
                           "--activation is for --embed, --classify and --phrases with "
                           "--model and without --catalog, a catalog has its own " SEE);
    if (command.precision && !needs_no_catalog(args))
        return pf_cli_fail(err, PF_ERR_MISUSE,
                           "--precision is for --embed, --classify and --phrases with "
                           "--model and without --catalog, a catalog has its own " SEE);
    return check_words(args, job, err) && check_list(args, job, err) &&
           (job != EMBED || check_embed(args, err)) &&
           (job != PHRASES || check_phrases(err)) &&
           (job != EXPORT || check_export(err)) && (!command.sheet || check_sheet(err));
}
