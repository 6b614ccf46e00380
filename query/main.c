/*
 * main.c - plainfilm-query: a phrase, a picture or both in; images, captions or
 * cases out.
 *
 * The option table, the way from the command line to a question, and the two jobs:
 * search a catalog, or print a vector (--embed). stdout is the answer and nothing else.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/cli/cli.h"
#include "core/cli/term.h"
#include "query/query.h"

enum { TAG_PHRASE = 0, TAG_IMAGE = 1, TAG_LIKE, TAG_WITHOUT };
enum { WORDS_MAX = 4096, PHRASE_MAX_BYTES = 1 << 20, LIMIT_MAX = 1000000 };

static asked command = {.by = "meaning", .limit = 10, .min_score = -1};

static const char *const find_names[] = {"images", "captions", "cases", NULL};
static const pf_find find_values[] = {PF_FIND_IMAGES, PF_FIND_CAPTIONS, PF_FIND_CASES};
static const char *const format_names[] = {"text", "json", "paths", NULL};

static const pf_opt options[] = {
    {.kind = PF_OPT_HEADING,
     .help = "What to ask with (several are added, as unit vectors)"},
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
     .help = "what to look for; a case counts as near as its best image:"},
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
    {.kind = PF_OPT_STRING,
     .name = "by",
     .arg = "HOW",
     .to = &command.by,
     .help = "how hits are compared: meaning, the nearness of vectors"},
    {.kind = PF_OPT_FLAG,
     .name = "embed",
     .to = &command.embed,
     .help = "search nothing: print the unit vector of the phrase or picture as JSON"},

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
    "what captions say about a picture",
    "plainfilm-query --image film.png --find captions",
    "cases that look like one picture of a case in the catalog",
    "plainfilm-query --like 17 --find cases",
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

/* ---- from arguments to a question ---- */

/* The question, and what it borrows from. */
typedef struct {
    pf_query query;
    pf_part *parts;
    char *phrase;  /* the plain arguments, joined */
    pf_buf stdin_; /* the picture of `--image -` */
    bool has_stdin;
} question;

static void free_question(question *a)
{
    pf_free(a->parts);
    pf_free(a->phrase);
    pf_buf_free(&a->stdin_);
}

static bool join_words(const pf_cli_args *args, char **out, pf_err *err)
{
    pf_buf b;
    pf_buf_init(&b, PHRASE_MAX_BYTES);
    bool ok = true;
    for (size_t i = 0; ok && i < args->n_items; i++) {
        if (args->items[i].tag == TAG_PHRASE)
            ok = (b.size == 0 || pf_buf_add_str(&b, " ", err)) &&
                 pf_buf_add_str(&b, args->items[i].value, err);
    }
    *out = ok ? pf_buf_take(&b, err) : NULL;
    pf_buf_free(&b);
    return *out || pf_fail_in(err, "the phrase");
}

static bool read_stdin(pf_buf *b, pf_err *err)
{
    enum { CHUNK = 1 << 16 };
    pf_picture_limits limits;
    pf_picture_limits_init(&limits);
    pf_buf_init(b, limits.max_file_bytes);
    for (size_t n = CHUNK; n == CHUNK; b->size += n) {
        if (!pf_buf_reserve(b, CHUNK, err))
            return pf_fail_in(err, "stdin");
        n = fread(b->data + b->size, 1, CHUNK, stdin);
    }
    return !ferror(stdin) || pf_fail_errno(err, errno, "cannot read stdin");
}

static bool read_image(question *a, const char *path, pf_part *part, pf_err *err)
{
    *part = (pf_part){.kind = PF_PART_FILE, .text = path, .weight = 1};
    if (strcmp(path, "-") != 0)
        return true;
    if (a->has_stdin)
        return pf_fail(err, PF_ERR_MISUSE, "stdin can be read only once");
    a->has_stdin = true;
    if (!read_stdin(&a->stdin_, err))
        return false;
    part->kind = PF_PART_PICTURE;
    part->bytes = (const uint8_t *)a->stdin_.data;
    part->n_bytes = a->stdin_.size;
    return true;
}

static bool read_item(question *a, const pf_cli_item *item, pf_part *part, pf_err *err)
{
    switch (item->tag) {
    case TAG_IMAGE:
        return read_image(a, item->value, part, err);
    case TAG_LIKE:
        *part = (pf_part){.kind = PF_PART_LIKE, .text = item->value, .weight = 1};
        return true;
    default:
        *part = (pf_part){.kind = PF_PART_PHRASE, .text = item->value, .weight = -1};
        return true;
    }
}

/* The phrase comes first, whatever stands before or between its words. */
static bool make_question(question *a, const pf_cli_args *args, pf_err *err)
{
    pf_query_init(&a->query);
    a->query.find = find_values[command.find];
    a->query.limit = (size_t)command.limit;
    a->query.min_score = command.min_score;
    a->parts = pf_alloc_array(args->n_items + 1, sizeof *a->parts, err);
    if (!a->parts)
        return false;
    size_t n = 0;
    if (args->n_plain > 0) {
        if (!join_words(args, &a->phrase, err))
            return false;
        a->parts[n++] =
            (pf_part){.kind = PF_PART_PHRASE, .text = a->phrase, .weight = 1};
    }
    for (size_t i = 0; i < args->n_items; i++) {
        if (args->items[i].tag != TAG_PHRASE &&
            !read_item(a, &args->items[i], &a->parts[n++], err))
            return false;
    }
    a->query.parts = a->parts;
    a->query.n_parts = n;
    return true;
}

/* What the table cannot tell. */
static bool check_command(const pf_cli_args *args, pf_err *err)
{
    const char *see = "(see plainfilm-query --help)";
    if (args->n_items == 0)
        return pf_fail(err, PF_ERR_MISUSE,
                       "nothing was asked: give a phrase, --image or --like %s", see);
    if (strcmp(command.by, "words") == 0 || strcmp(command.by, "both") == 0)
        return pf_fail(err, PF_ERR_MISUSE, "--by %s is not in this version %s",
                       command.by, see);
    if (strcmp(command.by, "meaning") != 0)
        return pf_fail(err, PF_ERR_MISUSE, "--by '%.80s' is none of: meaning %s",
                       command.by, see);
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

/* ---- search ---- */

static bool open_search(pf_search **out, unsigned find, pf_err *err)
{
    const pf_search_options where = {
        .folder = command.catalog,
        .find = find,
        .model = command.model,
        .tokenizer = command.tokenizer,
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
    if (answer->n_hits == 0)
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
    case FORMAT_PATHS:
        print_paths(stdout, answer, command.ends_in_nul ? '\0' : '\n');
        break;
    default:
        print_text(stdout, query->find, answer);
        break;
    }
}

static bool run_search(const pf_query *query, pf_err *err)
{
    pf_search *search = NULL;
    pf_notes notes = {0};
    pf_answer answer = {0};
    const bool ok = open_search(&search, query->find, err) &&
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
    bool ok = check_command(args, err) && make_question(&a, args, err);
    if (ok && !command.embed)
        ok = run_search(&a.query, err);
    else if (ok && command.model && !command.catalog)
        ok = embed_without_catalog(a.parts, err);
    else if (ok)
        ok = embed_with_catalog(a.parts, err);
    free_question(&a);
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
