/*
 * main.c - plainfilm-index: options, signals, progress and exit codes around pf_run().
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/stop.h"
#include "core/catalog/catalog.h"
#include "cli/cli.h"
#include "cli/guard.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/term.h"
#include "core/model/pipeline.h"
#include "indexer/care.h"
#include "indexer/rearrange.h"
#include "indexer/frames.h"
#include "indexer/hide.h"
#include "indexer/report.h"
#include "indexer/run.h"

enum { FORMAT_TEXT, FORMAT_JSON };
enum { CAPTIONS = 1, EXCLUDE }; /* tags of options that may be given several times */
enum { PATHS_MAX = 4096, BATCH_MAX = 256, JOBS_MAX = 256 };

static struct {
    const char *catalog, *model, *tokenizer, *preprocess, *activation, *precision,
        *columns, *backup;
    int64_t jobs, batch, wait_seconds;
    int format;
    bool rebuild, dry_run, verify_content, follow_links, allow_removals, strict, info;
    bool as_owner;
    bool check, repair, retry, no_progress, quiet, verbose, hide_paths;
    bool refuse_burned_in, allow_burned_in;
    int64_t settle;
    const char *forget, *relocate, *share, *frames, *index;
} asked = {.batch = 8, .settle = 2};

static const char *const format_names[] = {"text", "json", NULL};

static const pf_opt options[] = {
    {.kind = PF_OPT_HEADING, .help = "What to index"},
    {.kind = PF_OPT_LIST,
     .name = "captions",
     .arg = "FILE",
     .tag = CAPTIONS,
     .may_be_empty = true,
     .help = "table (CSV, TSV, JSON Lines) with a column for the picture, as file, one "
             "for the text, as caption, and case if there are some; any others become "
             "attributes. May be repeated. Remembered with PATH, until others are "
             "given, or "
             "'' for none"},
    {.kind = PF_OPT_STRING,
     .name = "columns",
     .arg = "NAMES",
     .to = &asked.columns,
     .default_text = "by common sense",
     .help = "which columns of the tables are what: file=NAME,caption=NAME,case=NAME; "
             "remembered with PATH"},
    {.kind = PF_OPT_FLAG,
     .name = "strict",
     .to = &asked.strict,
     .help = "change nothing when a row of a table has no picture, or a picture no "
             "row"},
    {.kind = PF_OPT_FLAG,
     .name = "verify-content",
     .to = &asked.verify_content,
     .help = "read every file again, also those whose size and time are unchanged"},
    {.kind = PF_OPT_LIST,
     .name = "exclude",
     .arg = "GLOB",
     .tag = EXCLUDE,
     .help =
         "leave out files and folders of this name, as '*.gif' or 'old'; with a '/' "
         "it is compared with the whole path in PATH. May be repeated. Remembered "
         "with PATH, until it is given anew"},
    {.kind = PF_OPT_FLAG,
     .name = "follow-links",
     .to = &asked.follow_links,
     .help = "take symbolic links to files outside PATH too; remembered with PATH, "
             "until it is named without"},
    {.kind = PF_OPT_STRING,
     .name = "frames",
     .arg = "WHICH",
     .to = &asked.frames,
     .default_text = "middle",
     .help = "of a DICOM file with several frames: first, middle, all, or a number of "
             "frames, spread evenly; remembered with PATH"},
    {.kind = PF_OPT_FLAG,
     .name = "refuse-burned-in",
     .to = &asked.refuse_burned_in,
     .help = "pass over DICOM pictures that may show a patient's name: secondary "
             "captures, and those that say so; remembered with PATH"},
    {.kind = PF_OPT_FLAG,
     .name = "allow-burned-in",
     .to = &asked.allow_burned_in,
     .help = "take them again"},
    {.kind = PF_OPT_FLAG,
     .name = "as-owner",
     .to = &asked.as_owner,
     .help = "read also what MIRC teaching files show to their owners alone: documents "
             "that are not public, and parts that are hidden; remembered with PATH, "
             "until it is named without"},
    {.kind = PF_OPT_FLAG,
     .name = "allow-removals",
     .to = &asked.allow_removals,
     .help = "take pictures out of the catalog however many of a source are gone; "
             "without it a source that lost all, or more than a fifth, is kept whole"},
    {.kind = PF_OPT_FLAG,
     .name = "retry",
     .to = &asked.retry,
     .help = "try files again that failed and have not changed since"},
    {.kind = PF_OPT_INT,
     .name = "settle",
     .arg = "SECONDS",
     .to = &asked.settle,
     .min = 0,
     .max = 60,
     .help = "a file that changed in the last SECONDS may still be written to: it is "
             "looked at last, when it has been quiet so long"},
    {.kind = PF_OPT_FLAG,
     .name = "dry-run",
     .to = &asked.dry_run,
     .help = "tell what would change and change nothing"},
    {.kind = PF_OPT_HEADING, .help = "With which model"},
    {.kind = PF_OPT_STRING,
     .short_name = 'm',
     .name = "model",
     .arg = "DIR|FILE",
     .to = &asked.model,
     .default_text = "",
     .help = "folder with a model's files, or a checkpoint file; needed the first "
             "time, then remembered"},
    {.kind = PF_OPT_STRING,
     .name = "tokenizer",
     .arg = "PATH",
     .to = &asked.tokenizer,
     .default_text = "beside the model",
     .help = "the tokenizer's file (merges.txt, vocab.txt, spiece.model), or a folder "
             "with it"},
    {.kind = PF_OPT_STRING,
     .name = "preprocess",
     .arg = "NAME",
     .to = &asked.preprocess,
     .default_text = "what the model says",
     .help = "how pictures are prepared: pubmedclip-train, or the name that --info "
             "shows"},
    {.kind = PF_OPT_STRING,
     .name = "activation",
     .arg = "NAME",
     .to = &asked.activation,
     .default_text = "what the model says",
     .help = "quick-gelu, gelu or gelu-tanh, for a model whose files do not say it"},
    {.kind = PF_OPT_STRING,
     .name = "precision",
     .arg = "NAME",
     .to = &asked.precision,
     .default_text = "auto",
     .help =
         "how vectors are computed: auto, the fastest that loses nothing, f32, i16, "
         "or i8, which is faster still and loses something"},
    {.kind = PF_OPT_FLAG,
     .name = "rebuild",
     .to = &asked.rebuild,
     .help = "embed everything again, also with another model; searches see the old "
             "vectors until the new ones are complete"},
    {.kind = PF_OPT_HEADING, .help = "Where, and how"},
    {.kind = PF_OPT_STRING,
     .short_name = 'c',
     .name = "catalog",
     .arg = "DIR",
     .to = &asked.catalog,
     .default_text = "$PLAINFILM_CATALOG, else $XDG_DATA_HOME/plainfilm",
     .help = "the catalog's folder; made when it is not there"},
    {.kind = PF_OPT_INT,
     .short_name = 'j',
     .name = "jobs",
     .arg = "N",
     .to = &asked.jobs,
     .min = 0,
     .max = JOBS_MAX,
     .default_text = "one per core",
     .help = "pictures are decoded and embedded by N workers"},
    {.kind = PF_OPT_INT,
     .short_name = 'b',
     .name = "batch",
     .arg = "N",
     .to = &asked.batch,
     .min = 1,
     .max = BATCH_MAX,
     .help = "pictures a worker embeds at once"},
    {.kind = PF_OPT_STRING,
     .name = "share",
     .arg = "WITH",
     .to = &asked.share,
     .default_text = "private",
     .help = "who may read the catalog: group-readable (its files' group), or private "
             "(you alone); remembered"},
    {.kind = PF_OPT_STRING,
     .name = "index",
     .arg = "SPEC",
     .to = &asked.index,
     .default_text = "auto",
     .help = "kind of index, in FAISS's words: SQ8,RFlat finds exactly, "
             "IVF<n>,SQ8,RFlat looks into the nearest of n lists, auto is the first up "
             "to 200,000 vectors; remembered"},
    {.kind = PF_OPT_INT,
     .name = "wait",
     .arg = "SECONDS",
     .to = &asked.wait_seconds,
     .min = 0,
     .max = 86400,
     .help = "wait for another indexer to end instead of giving up at once"},
    {.kind = PF_OPT_HEADING, .help = "Changing sources instead of indexing"},
    {.kind = PF_OPT_STRING,
     .name = "forget",
     .arg = "SOURCE",
     .to = &asked.forget,
     .help = "take a source out of the catalog, with all that is known of it"},
    {.kind = PF_OPT_STRING,
     .name = "relocate",
     .arg = "OLD",
     .to = &asked.relocate,
     .help = "the source OLD, or all sources in it, are at PATH now: what is known of "
             "them stays"},
    {.kind = PF_OPT_HEADING, .help = "Looking instead of indexing"},
    {.kind = PF_OPT_FLAG,
     .name = "info",
     .to = &asked.info,
     .help = "what the catalog holds; with --model, what was understood of that model"},
    {.kind = PF_OPT_FLAG,
     .name = "check",
     .to = &asked.check,
     .help = "check the whole catalog; exit 1 when something is broken"},
    {.kind = PF_OPT_FLAG,
     .name = "repair",
     .to = &asked.repair,
     .help = "with --check: make again what can be made from the rest, and name what "
             "only a backup can restore"},
    {.kind = PF_OPT_STRING,
     .name = "backup",
     .arg = "PATH",
     .to = &asked.backup,
     .help =
         "copy the catalog, also while it is in use, to the new folder PATH; or its "
         "database alone, when PATH ends in .db"},
    {.kind = PF_OPT_HEADING, .help = "How to answer"},
    {.kind = PF_OPT_CHOICE,
     .name = "format",
     .arg = "FORMAT",
     .to = &asked.format,
     .choices = format_names,
     .help = "how the result is printed:"},
    {.kind = PF_OPT_FLAG,
     .short_name = 'q',
     .name = "no-progress",
     .to = &asked.no_progress,
     .help = "no progress and no notices on stderr"},
    {.kind = PF_OPT_FLAG,
     .name = "quiet",
     .to = &asked.quiet,
     .help = "the same, and no report when all went well: for cron, which sends what "
             "is printed"},
    {.kind = PF_OPT_FLAG,
     .name = "hide-paths",
     .to = &asked.hide_paths,
     .help = "show a hash where a path would stand, which may be a patient's name"},
    {.kind = PF_OPT_FLAG,
     .short_name = 'v',
     .name = "verbose",
     .to = &asked.verbose,
     .help = "say more: oddities of the model on stderr, and every row without a "
             "picture instead of the first twenty"},
    {.kind = PF_OPT_END},
};

static const char *const examples[] = {
    "index a folder with its captions for the first time",
    "plainfilm-index --model pubmed-clip --captions films/captions.csv films",
    "every night from cron: whatever changed in all remembered folders",
    "plainfilm-index --quiet",
    "look at a downloaded model before using it",
    "plainfilm-index --model PubMedCLIP_ViT32.pth --info",
    NULL,
};

static const pf_cli cli = {
    .name = "plainfilm-index",
    .usage = "[options] [PATH...]",
    .summary =
        "Embed the pictures under each PATH, and their captions, into a catalog that "
        "plainfilm-query searches. Without PATH every remembered one is looked at "
        "again. Nothing leaves this machine.",
    .opts = options,
    .max_plain = PATHS_MAX,
    .examples = examples,
};

/* ---- the jobs ---- */

/* Of --hide-paths; NULL without. */
static const pf_hider *hider;

/* As it may be shown; free with pf_free(). Without memory all of it is hidden. */
static char *shown_text(const char *text)
{
    pf_err ignored = PF_ERR_INIT;
    return hider ? pf_hide_text(hider, text, &ignored) : pf_strdup(text, &ignored);
}

static void say(const char *text)
{
    char *shown = shown_text(text);
    fputs("plainfilm-index: ", stderr);
    pf_term_puts(stderr, shown ? shown : "out of memory");
    fputc('\n', stderr);
    pf_free(shown);
}

static pf_exit fail(const pf_err *err)
{
    say(err->msg);
    return pf_exit_of(err);
}

static void say_notes(const pf_notes *notes)
{
    for (size_t i = 0; asked.verbose && i < notes->count; i++)
        say(notes->line[i]);
}

typedef struct {
    pf_progress bar;
    const char *what; /* of the job the bar shows; NULL before the first */
    size_t total;
} shown;

static void show(void *context, const char *what, size_t done, size_t total,
                 size_t failed)
{
    shown *s = context;
    if (s->what != what || s->total != total) {
        if (s->what)
            pf_progress_finish(&s->bar);
        pf_progress_start(&s->bar, what, total);
        s->what = what;
        s->total = total;
    }
    pf_progress_update(&s->bar, done, failed);
}

static void show_warning(void *context, const char *text)
{
    shown *s = context;
    char *line = shown_text(text);
    pf_progress_say(&s->bar, "plainfilm-index: %s", line ? line : "out of memory");
    pf_free(line);
}

static void show_notice(void *context, const char *text)
{
    if (!asked.no_progress)
        show_warning(context, text);
}

static pf_exit say_interrupted(const pf_run_report *report)
{
    fprintf(stderr, "plainfilm-index: interrupted; %s, run it again to go on\n",
            report->is_published ? "what was embedded is published"
                                 : "what was embedded is kept");
    const int status = pf_interrupt_status();
    return status ? (pf_exit)status : PF_EXIT_FAILED;
}

/* In capitals or not. */
static bool read_share(pf_run_options *o, pf_err *err)
{
    if (!asked.share)
        return true;
    if (strcasecmp(asked.share, "group-readable") == 0)
        o->share = PF_SHARE_GROUP;
    else if (strcasecmp(asked.share, "private") == 0)
        o->share = PF_SHARE_PRIVATE;
    else
        return pf_fail(err, PF_ERR_MISUSE,
                       "--share takes 'group-readable' or 'private', not '%s'",
                       asked.share);
    return true;
}

static bool read_index(pf_run_options *o, pf_err *err)
{
    pf_index_spec spec;
    o->index = asked.index;
    return !asked.index || pf_index_spec_read(&spec, asked.index, err);
}

static bool read_ways(pf_run_options *o, pf_err *err)
{
    pf_frames frames;
    if (asked.refuse_burned_in && asked.allow_burned_in)
        return pf_fail(err, PF_ERR_MISUSE,
                       "--refuse-burned-in and --allow-burned-in exclude each other");
    o->burned_in = asked.refuse_burned_in  ? PF_BURNED_IN_REFUSED
                   : asked.allow_burned_in ? PF_BURNED_IN_ALLOWED
                                           : PF_BURNED_IN_AS_IT_IS;
    o->frames = asked.frames;
    return !asked.frames || pf_frames_read(&frames, asked.frames, err);
}

/* What the user named. */
typedef struct {
    const char **paths, **captions, **excluded;
    size_t n_paths, n_captions, n_excluded;
} named;

static pf_exit index_paths(const char *folder, const named *what)
{
    pf_err err = PF_ERR_INIT;
    pf_notes notes = {0};
    pf_run_report report;
    pf_term term = pf_term_of(stderr);
    shown s = {0};
    pf_progress_options bar = {.file = stderr,
                               .can_redraw = term.can_redraw,
                               .is_quiet = asked.no_progress,
                               .columns = term.columns};
    pf_progress_init(&s.bar, &bar);
    pf_run_options o = {.catalog = folder,
                        .model = asked.model,
                        .tokenizer = asked.tokenizer,
                        .preprocess = asked.preprocess,
                        .activation = asked.activation,
                        .precision = asked.precision,
                        .captions = what->captions,
                        .n_captions = what->n_captions,
                        .columns = asked.columns,
                        .strict = asked.strict,
                        .paths = what->paths,
                        .n_paths = what->n_paths,
                        .excluded = what->excluded,
                        .n_excluded = what->n_excluded,
                        .jobs = asked.jobs ? (int)asked.jobs : pf_pipeline_cores(),
                        .batch = (size_t)asked.batch,
                        .rebuild = asked.rebuild,
                        .dry_run = asked.dry_run,
                        .verify_content = asked.verify_content,
                        .follow_links = asked.follow_links,
                        .as_owner = asked.as_owner,
                        .retry = asked.retry,
                        .settle_seconds = (int)asked.settle,
                        .allow_removals = asked.allow_removals,
                        .wait_seconds = (int)asked.wait_seconds,
                        .stop = pf_stop_flag(pf_interrupt_catch()),
                        .notice = show_notice,
                        .warning = show_warning,
                        .progress = show,
                        .context = &s};
    if (!read_share(&o, &err) || !read_index(&o, &err) || !read_ways(&o, &err))
        return fail(&err);
    bool ok = pf_run(&o, &report, &notes, &err) &&
              (!hider || pf_hide_report(hider, &report, &err));
    if (s.what)
        pf_progress_finish(&s.bar);
    say_notes(&notes);
    pf_exit code = !ok                         ? PF_EXIT_FAILED
                   : pf_report_is_odd(&report) ? PF_EXIT_PARTLY
                                               : PF_EXIT_DONE;
    const pf_report_options shown_as = {.json = asked.format == FORMAT_JSON,
                                        .is_dry_run = asked.dry_run,
                                        .lists_all = asked.verbose};
    if (ok && !(asked.quiet && code == PF_EXIT_DONE))
        pf_report_run(&report, &shown_as, stdout);
    else if (!ok && err.code == PF_ERR_INTERRUPTED)
        code = say_interrupted(&report);
    else if (!ok)
        code = fail(&err);
    pf_run_report_reset(&report);
    pf_notes_reset(&notes);
    return code;
}

static pf_exit info_of_model(void)
{
    pf_err err = PF_ERR_INIT;
    pf_notes notes = {0};
    pf_model *model = NULL;
    pf_model_options o;
    pf_model_options_init(&o);
    o.tokenizer = asked.tokenizer;
    o.preprocess = asked.preprocess;
    o.activation = asked.activation;
    if (!pf_precision_find(&o.precision.asked, asked.precision, &err))
        return fail(&err);
    o.tokenizer_is_optional = true;
    bool ok = pf_model_open(&model, asked.model, &o, &notes, &err);
    if (ok)
        pf_report_model(model, &notes, asked.format == FORMAT_JSON, stdout);
    pf_model_close(model);
    pf_notes_reset(&notes);
    return ok ? PF_EXIT_DONE : fail(&err);
}

/* Reading needs no lock: it works beside a running indexer. */
static pf_exit info_of_catalog(const char *folder)
{
    pf_err err = PF_ERR_INIT;
    pf_catalog *catalog;
    const pf_report_options o = {.json = asked.format == FORMAT_JSON,
                                 .lists_all = asked.verbose,
                                 .hider = hider};
    const bool ok = pf_catalog_open_reader(&catalog, folder, &err) &&
                    pf_report_catalog(catalog, &o, stdout, &err);
    pf_catalog_close(catalog);
    return ok ? PF_EXIT_DONE : fail(&err);
}

static pf_exit care_for(const char *folder)
{
    pf_err err = PF_ERR_INIT;
    bool is_in_order = true;
    const pf_care care = {folder, asked.format == FORMAT_JSON, asked.quiet, stdout};
    const pf_catalog_writer_options as_indexer = {
        .must_exist = true, .wait_seconds = (int)asked.wait_seconds};
    const bool ok = asked.backup ? pf_care_backup(&care, asked.backup, &err)
                    : asked.repair
                        ? pf_care_repair(&care, &as_indexer, &is_in_order, &err)
                        : pf_care_check(&care, &is_in_order, &err);
    if (!ok)
        return fail(&err);
    return is_in_order ? PF_EXIT_DONE : PF_EXIT_FAILED;
}

static pf_exit rearrange(const char *folder, const char *to)
{
    pf_err err = PF_ERR_INIT;
    pf_rearranged done;
    const pf_rearrange_options o = {.catalog = folder,
                                    .dry_run = asked.dry_run,
                                    .wait_seconds = (int)asked.wait_seconds,
                                    .stop = pf_stop_flag(pf_interrupt_catch())};
    const bool ok = asked.forget ? pf_forget(&o, asked.forget, &done, &err)
                                 : pf_relocate(&o, asked.relocate, to, &done, &err);
    if (!ok)
        return fail(&err);
    if (asked.quiet)
        return PF_EXIT_DONE;
    pf_report_rearranged(&done, asked.forget ? asked.forget : asked.relocate,
                         asked.forget ? NULL : to, asked.dry_run,
                         asked.format == FORMAT_JSON, stdout);
    return PF_EXIT_DONE;
}

/* Each of these is a job of its own, but that --relocate takes the new place. */
static bool check_jobs(size_t n_paths, pf_err *err)
{
    const struct {
        const char *name;
        bool is_asked;
        size_t n_paths;
    } jobs[] = {{"--info", asked.info, 0},
                {"--check", asked.check, 0},
                {"--backup", asked.backup, 0},
                {"--forget", asked.forget, 0},
                {"--relocate", asked.relocate, 1}};
    const char *first = NULL;
    if (asked.repair && !asked.check)
        return pf_fail(err, PF_ERR_MISUSE, "--repair goes with --check");
    if (asked.hide_paths &&
        (asked.check || asked.backup || asked.forget || asked.relocate))
        return pf_fail(err, PF_ERR_MISUSE,
                       "--hide-paths goes with indexing and with --info");
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
        if (!jobs[i].is_asked)
            continue;
        if (first)
            return pf_fail(err, PF_ERR_MISUSE, "%s and %s are two jobs; ask for one",
                           first, jobs[i].name);
        if (n_paths != jobs[i].n_paths)
            return pf_fail(err, PF_ERR_MISUSE, "%s takes %s", jobs[i].name,
                           jobs[i].n_paths == 0 ? "no PATH"
                                                : "the new place as the one PATH");
        first = jobs[i].name;
    }
    return true;
}

static void sort_items(const pf_cli_args *args, named *what)
{
    for (size_t i = 0; i < args->n_items; i++) {
        const pf_cli_item *item = &args->items[i];
        if (item->tag == EXCLUDE)
            what->excluded[what->n_excluded++] = item->value;
        else if (item->tag == CAPTIONS)
            what->captions[what->n_captions++] = item->value;
        else
            what->paths[what->n_paths++] = item->value;
    }
}

static pf_exit run_command(const pf_cli_args *args)
{
    pf_err err = PF_ERR_INIT;
    static pf_hider key; /* main() may fail after this */
    asked.no_progress |= asked.quiet;
    if (!check_jobs(args->n_plain, &err) ||
        (asked.hide_paths && !pf_hider_open(&key, &err)))
        return fail(&err);
    hider = asked.hide_paths ? &key : NULL;
    if (asked.info && asked.model)
        return info_of_model();
    char *folder = asked.catalog ? pf_strdup(asked.catalog, &err)
                                 : pf_catalog_default_folder(&err);
    named what = {.paths = pf_alloc_array(args->n_items, sizeof(char *), &err),
                  .captions = pf_alloc_array(args->n_items, sizeof(char *), &err),
                  .excluded = pf_alloc_array(args->n_items, sizeof(char *), &err)};
    const bool has_room = what.paths && what.captions && what.excluded;
    pf_exit code = PF_EXIT_FAILED;
    if (has_room)
        sort_items(args, &what);
    if (!folder || !has_room) {
        code = fail(&err);
    } else if (asked.info) {
        code = info_of_catalog(folder);
    } else if (asked.check || asked.backup) {
        code = care_for(folder);
    } else if (asked.forget || asked.relocate) {
        code = rearrange(folder, what.paths[0]);
    } else {
        code = index_paths(folder, &what);
    }
    pf_free(folder);
    pf_free(what.paths);
    pf_free(what.captions);
    pf_free(what.excluded);
    return code;
}

int main(int argc, char **argv)
{
    pf_err err = PF_ERR_INIT;
    pf_cli_args args;
    pf_guard_threads(argv);
    pf_guard_begin(cli.name);
    if (!pf_cli_parse(&args, &cli, argc, argv, &err))
        return fail(&err);
    pf_exit code =
        pf_cli_answer(&cli, args.action, stdout) ? PF_EXIT_DONE : run_command(&args);
    pf_cli_args_free(&args);
    if (fflush(stdout) != 0 && code == PF_EXIT_DONE) {
        pf_fail_errno(&err, errno, "cannot write the answer");
        code = fail(&err);
    }
    return code;
}
