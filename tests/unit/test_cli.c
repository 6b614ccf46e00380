/* test_cli.c - the option table: parsing, help, dump; and safe printing (term.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "cli/cli.h"
#include "cli/term.h"
#include "core/version.h"
#include "tests/unit/test_support.h"

enum { TAG_IMAGE = 1, TAG_WITHOUT };
enum { FORMAT_TEXT, FORMAT_JSON, FORMAT_PATHS };

/* Where the table below puts its values; reset before each test. */
static struct {
    const char *catalog;
    int64_t limit, jobs;
    double min_score, near, twins;
    int format;
    bool is_quiet, is_verbose;
} cfg;

static const char *const formats[] = {"text", "json", "paths", NULL};

static const pf_opt opts[] = {
    {.kind = PF_OPT_HEADING, .help = "Query"},
    {.kind = PF_OPT_LIST,
     .short_name = 'i',
     .name = "image",
     .arg = "FILE",
     .tag = TAG_IMAGE,
     .help = "search with a picture; may be given several times"},
    {.kind = PF_OPT_LIST,
     .name = "without",
     .arg = "PHRASE",
     .tag = TAG_WITHOUT,
     .help = "subtract what the phrase means"},
    {.kind = PF_OPT_INT,
     .short_name = 'n',
     .name = "limit",
     .arg = "N",
     .to = &cfg.limit,
     .min = 1,
     .max = 1000,
     .help = "hits to give"},
    {.kind = PF_OPT_REAL,
     .name = "min-score",
     .arg = "X",
     .to = &cfg.min_score,
     .min = -1,
     .max = 1,
     .default_text = "",
     .help = "leave out hits below this score, which is a cosine and therefore lies "
             "between -1 and 1"},
    {.kind = PF_OPT_MAYBE,
     .short_name = 'y',
     .name = "near",
     .arg = "X",
     .to = &cfg.near,
     .max = 1,
     .implied = 0.75,
     .help = "fold what is near"},
    {.kind = PF_OPT_MAYBE,
     .name = "twins",
     .arg = "X",
     .to = &cfg.twins,
     .max = 1,
     .implied = 0.5,
     .takes_number = true,
     .help = "list twins"},
    {.kind = PF_OPT_HEADING, .help = "Output"},
    {.kind = PF_OPT_CHOICE,
     .name = "format",
     .arg = "HOW",
     .to = &cfg.format,
     .choices = formats,
     .help = "one of"},
    {.kind = PF_OPT_INT,
     .short_name = 'j',
     .name = "jobs-that-run-at-once",
     .arg = "N",
     .to = &cfg.jobs,
     .default_text = "all cores",
     .help = "threads"},
    {.kind = PF_OPT_HEADING, .help = "General"},
    {.kind = PF_OPT_STRING,
     .short_name = 'c',
     .name = "catalog",
     .arg = "DIR",
     .to = &cfg.catalog,
     .help = "the catalog"},
    {.kind = PF_OPT_FLAG,
     .short_name = 'q',
     .name = "quiet",
     .to = &cfg.is_quiet,
     .help = "no progress on stderr"},
    {.kind = PF_OPT_FLAG,
     .short_name = 'v',
     .name = "verbose",
     .to = &cfg.is_verbose,
     .help = "say more"},
    {.kind = PF_OPT_END},
};

static const char *const examples[] = {"The ten nearest pictures:",
                                       "plainfilm-query 'right pleural effusion'",
                                       "Pictures like this one, as JSON:",
                                       "plainfilm-query --image x.png --format json",
                                       "Only paths, for another program:",
                                       "plainfilm-query --format paths nodule",
                                       NULL};

static const pf_cli cli = {
    .name = "plainfilm-query",
    .usage = "[options] [PHRASE]\n--check",
    .summary = "Find pictures by what they show.",
    .opts = opts,
    .max_plain = 2,
    .examples = examples,
};

static int reset(void **state)
{
    (void)state;
    memset(&cfg, 0, sizeof cfg);
    cfg.limit = 10;
    cfg.catalog = "here";
    cfg.min_score = -2;
    return 0;
}

enum { ARGS_MAX = 12 };

/* Parses the words, which end in NULL. */
static bool parse(pf_cli_args *args, const char *const *words, pf_err *err)
{
    char *argv[ARGS_MAX + 2] = {(char *)(uintptr_t) "plainfilm-query"};
    int argc = 1;
    for (; *words; words++) {
        assert_true(argc <= ARGS_MAX);
        argv[argc++] = (char *)(uintptr_t)*words;
    }
    return pf_cli_parse(args, &cli, argc, argv, err);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void every_spelling_gives_the_value(void **state)
{
    static const char *const spellings[][4] = {
        {"--limit=5", NULL},
        {"--limit", "5", NULL},
        {"-n5", NULL},
        {"-n", "5", NULL},
        {"-qn5", NULL},
        {"-vqn", "5", NULL},
        {"--limit", "3", "-n5", NULL}, /* the last of several counts */
    };
    for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
        pf_err err = PF_ERR_INIT;
        pf_cli_args args;
        reset(state);
        assert_ok(parse(&args, spellings[i], &err), &err);
        assert_int_equal(cfg.limit, 5);
        assert_int_equal(args.action, PF_CLI_RUN);
        assert_int_equal(args.n_items, 0);
        pf_cli_args_free(&args);
    }
}

static void each_kind_is_stored(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    pf_cli_args args;
    assert_refused(parse(&args, WORDS("-qv", "--format=paths", "-j=7"), &err), &err,
                   "'=7' is not a whole number");
    assert_false(cfg.is_quiet); /* nothing was stored */
    assert_ok(parse(&args,
                    WORDS("-qv", "--format", "paths", "--min-score", "-.25e0", "-c",
                          "--quiet", "-j-7"),
                    &err),
              &err);
    assert_true(cfg.is_quiet);
    assert_true(cfg.is_verbose);
    assert_int_equal(cfg.format, FORMAT_PATHS);
    assert_true(cfg.min_score == -0.25);
    assert_string_equal(cfg.catalog, "--quiet"); /* a value may look like an option */
    assert_int_equal(cfg.jobs, -7);
    pf_cli_args_free(&args);
}

static void a_value_may_be_left_out(void **state)
{
    (void)state;
    static const struct {
        const char *words[4];
        double near, twins;
        const char *plain; /* the first, or NULL */
    } cases[] = {
        {{"a"}, 0, 0, "a"},
        {{"--near"}, 0.75, 0, NULL},
        {{"-y"}, 0.75, 0, NULL},
        {{"-qy"}, 0.75, 0, NULL},
        {{"--near=0.25"}, 0.25, 0, NULL},
        {{"-y0.25"}, 0.25, 0, NULL},
        {{"--near", "0.25"}, 0.75, 0, "0.25"}, /* a phrase */
        {{"--near=0.25", "--near"}, 0.75, 0, NULL},
        {{"--twins"}, 0, 0.5, NULL},
        {{"--twins=0.25"}, 0, 0.25, NULL},
        {{"--twins", "0.25"}, 0, 0.25, NULL},
        {{"--twins", "0.25", "1"}, 0, 0.25, "1"},
        {{"--twins=0.25", "1"}, 0, 0.25, "1"},
        {{"--twins", "a"}, 0, 0.5, "a"},
        {{"--twins", "0x1"}, 0, 0.5, "0x1"},
        {{"--twins", "--", "1"}, 0, 0.5, "1"},
        {{"--twins", "--near"}, 0.75, 0.5, NULL},
        {{"--twins", "-q", "1"}, 0, 0.5, "1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pf_err err = PF_ERR_INIT;
        pf_cli_args args;
        cfg.near = cfg.twins = 0;
        assert_ok(parse(&args, cases[i].words, &err), &err);
        assert_true(cfg.near == cases[i].near);
        assert_true(cfg.twins == cases[i].twins);
        const char *plain = pf_cli_first(&args, 0);
        assert_int_equal(plain == NULL, cases[i].plain == NULL);
        if (plain)
            assert_string_equal(plain, cases[i].plain);
        pf_cli_args_free(&args);
    }
}

static void lists_and_plain_arguments_keep_their_order(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    pf_cli_args args;
    assert_ok(parse(&args,
                    WORDS("--without", "fracture", "-ia.png", "effusion", "--image=-",
                          "--without=tube", "-", "-q"),
                    &err),
              &err);
    static const pf_cli_item want[] = {
        {TAG_WITHOUT, "fracture"}, {TAG_IMAGE, "a.png"},  {0, "effusion"},
        {TAG_IMAGE, "-"},          {TAG_WITHOUT, "tube"}, {0, "-"},
    };
    assert_int_equal(args.n_items, 6);
    assert_int_equal(args.n_plain, 2);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(args.items[i].tag, want[i].tag);
        assert_string_equal(args.items[i].value, want[i].value);
    }
    assert_string_equal(pf_cli_first(&args, TAG_IMAGE), "a.png");
    assert_string_equal(pf_cli_first(&args, 0), "effusion");
    assert_null(pf_cli_first(&args, 9));
    pf_cli_args_free(&args);

    assert_ok(parse(&args, WORDS("-q", "--", "--quiet", "--"), &err), &err);
    assert_int_equal(args.n_plain, 2);
    assert_string_equal(args.items[0].value, "--quiet");
    assert_string_equal(args.items[1].value, "--");
    pf_cli_args_free(&args);
}

typedef struct {
    const char *words[4];
    const char *message;
} misuse;

static void misuse_is_refused_by_name(void **state)
{
    (void)state;
    static const misuse cases[] = {
        {{"--limit", "10x"},
         "--limit '10x' is not a whole number (see plainfilm-query "
         "--help)"},
        {{"--limit="}, "--limit '' is not a whole number"},
        {{"--limit", " 1"}, "--limit ' 1' is not a whole number"},
        {{"--limit", "+1"}, "--limit '+1' is not a whole number"},
        {{"--limit", "1.0"}, "--limit '1.0' is not a whole number"},
        {{"-n0"}, "--limit '0' is outside 1..1000"},
        {{"-n", "1001"}, "--limit '1001' is outside 1..1000"},
        {{"-n", "99999999999999999999"}, "is outside 1..1000"},
        {{"-j", "99999999999999999999"}, "is too large"},
        {{"--min-score", "1.5"}, "--min-score '1.5' is outside -1..1"},
        {{"--min-score", "nan"}, "--min-score 'nan' is not a number"},
        {{"--min-score", "0x1"}, "--min-score '0x1' is not a number"},
        {{"--min-score", "1e"}, "--min-score '1e' is not a number"},
        {{"--min-score", "1e999"}, "--min-score '1e999' is too large"},
        {{"--format", "xml"}, "--format 'xml' is none of: text, json, paths"},
        {{"--limt"},
         "unknown option '--limt', did you mean '--limit'? (see "
         "plainfilm-query --help)"},
        {{"--limti=3"}, "unknown option '--limti', did you mean '--limit'?"},
        {{"--cat"}, "unknown option '--cat', did you mean '--catalog'?"},
        {{"--vers"}, "unknown option '--vers', did you mean '--version'?"},
        {{"--xyz"}, "unknown option '--xyz' (see"},
        {{"--help-option"}, "unknown option '--help-option' (see"}, /* hidden */
        {{"-qx"}, "unknown option '-x'"},
        {{"-5"}, "unknown option '-5'"},
        {{"-\xc3\xa9"}, "unknown option '-?'"},
        {{"--quiet=1"}, "--quiet takes no value"},
        {{"--limit"}, "--limit needs a value (N)"},
        {{"-qc"}, "--catalog needs a value (DIR)"},
        {{"--catalog="}, "--catalog has an empty value"},
        {{"-i", ""}, "--image has an empty value"},
        {{"a", "b", "c"}, "unexpected argument 'c'"},
        {{"--near="}, "--near '' is not a number"},
        {{"--near=a"}, "--near 'a' is not a number"},
        {{"--near=1.1"}, "--near '1.1' is outside 0..1"},
        {{"-yq"}, "--near 'q' is not a number"},
        {{"--twins", "2"}, "--twins '2' is outside 0..1"},
        {{"--twins", "-0.5"}, "unknown option '-0'"},
        {{"--twins=-0.5"}, "--twins '-0.5' is outside 0..1"},
        {{"--twins", "1e999"}, "--twins '1e999' is too large"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pf_err err = PF_ERR_INIT;
        pf_cli_args args;
        assert_refused(parse(&args, cases[i].words, &err), &err, cases[i].message);
        assert_int_equal(err.code, PF_ERR_MISUSE);
        assert_int_equal(pf_exit_of(&err), PF_EXIT_MISUSED);
        assert_null(args.items);
    }
    assert_int_equal(cfg.limit, 10);
}

static void help_wins_and_stores_nothing(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    pf_cli_args args;
    assert_ok(parse(&args, WORDS("-n5", "--help", "--nonsense"), &err), &err);
    assert_int_equal(args.action, PF_CLI_HELP);
    assert_int_equal(cfg.limit, 10);
    assert_ok(parse(&args, WORDS("-qh"), &err), &err);
    assert_int_equal(args.action, PF_CLI_HELP);
    assert_ok(parse(&args, WORDS("--version", "--help"), &err), &err);
    assert_int_equal(args.action, PF_CLI_VERSION);
    assert_ok(parse(&args, WORDS("--help-options"), &err), &err);
    assert_int_equal(args.action, PF_CLI_OPTIONS);
    assert_refused(parse(&args, WORDS("--nonsense", "--help"), &err), &err, "nonsense");
    assert_ok(parse(&args, WORDS("--catalog", "--help"), &err), &err);
    assert_int_equal(args.action, PF_CLI_RUN);
    pf_cli_args_free(&args);
}

/* What `action` writes, to be freed with free(). */
static char *answer(pf_cli_action action)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    assert_non_null(f);
    assert_true(pf_cli_answer(&cli, action, f));
    fclose(f);
    return text;
}

static void help_is_exactly_this(void **state)
{
    (void)state;
    static const char want[] =
        "Usage: plainfilm-query [options] [PHRASE]\n"
        "       plainfilm-query --check\n"
        "\n"
        "Find pictures by what they show.\n"
        "\n"
        "Query:\n"
        "  -i, --image FILE          search with a picture; may be given several "
        "times\n"
        "      --without PHRASE      subtract what the phrase means\n"
        "  -n, --limit N             hits to give (default: 10)\n"
        "      --min-score X         leave out hits below this score, which is a "
        "cosine\n"
        "                            and therefore lies between -1 and 1\n"
        "  -y, --near[=X]            fold what is near (default: 0.75)\n"
        "      --twins[=X]           list twins (default: 0.5)\n"
        "\n"
        "Output:\n"
        "      --format HOW          one of text, json or paths (default: text)\n"
        "  -j, --jobs-that-run-at-once N\n"
        "                            threads (default: all cores)\n"
        "\n"
        "General:\n"
        "  -c, --catalog DIR         the catalog (default: here)\n"
        "  -q, --quiet               no progress on stderr\n"
        "  -v, --verbose             say more\n"
        "  -h, --help                show this help\n"
        "      --version             show the version\n"
        "\n"
        "Examples:\n"
        "  The ten nearest pictures:\n"
        "    plainfilm-query 'right pleural effusion'\n"
        "  Pictures like this one, as JSON:\n"
        "    plainfilm-query --image x.png --format json\n"
        "  Only paths, for another program:\n"
        "    plainfilm-query --format paths nodule\n"
        "\n"
        "Exit status: 0 done, 1 failed, 2 misused, 3 done but some files failed, 75 "
        "the\n"
        "catalog is locked by another indexer.\n";
    char *text = answer(PF_CLI_HELP);
    assert_string_equal(text, want);
    free(text);
}

static void the_dump_has_six_fields_a_line(void **state)
{
    (void)state;
    char *text = answer(PF_CLI_OPTIONS);
    assert_non_null(strstr(text, "limit\tn\tint\tN\t-\thits to give\n"));
    assert_non_null(strstr(text, "format\t-\tchoice\tHOW\ttext,json,paths\tone of\n"));
    assert_non_null(strstr(text, "help\th\tflag\t-\t-\tshow this help\n"));
    assert_null(strstr(text, "help-options"));
    size_t lines = 0, tabs = 0;
    for (const char *c = text; *c; c++) {
        lines += *c == '\n';
        tabs += *c == '\t';
    }
    assert_non_null(strstr(text, "near\ty\tmaybe\tX\t-\tfold what is near\n"));
    assert_int_equal(lines, 13);
    assert_int_equal(tabs, 5 * lines);
    free(text);
    text = answer(PF_CLI_VERSION);
    assert_string_equal(text, "plainfilm-query " PF_VERSION "\n");
    free(text);
    assert_false(pf_cli_answer(&cli, PF_CLI_RUN, stdout));
}

static void unsound_tables_are_noticed(void **state)
{
    (void)state;
    static bool flag;
    static int64_t number = 5;
    static const struct {
        pf_opt row;
        const char *words;
    } cases[] = {
        {{.kind = PF_OPT_FLAG, .name = "help", .to = &flag, .help = "x"},
         "there twice"},
        {{.kind = PF_OPT_FLAG,
          .short_name = 'h',
          .name = "hh",
          .to = &flag,
          .help = "x"},
         "-h is there twice"},
        {{.kind = PF_OPT_FLAG, .name = "Xx", .to = &flag, .help = "x"}, "no name"},
        {{.kind = PF_OPT_FLAG, .name = "xx", .to = &flag}, "has no help"},
        {{.kind = PF_OPT_FLAG, .name = "xx", .help = "x"}, "a place"},
        {{.kind = PF_OPT_FLAG, .name = "xx", .arg = "N", .to = &flag, .help = "x"},
         "only a flag"},
        {{.kind = PF_OPT_LIST, .name = "xx", .arg = "N", .help = "x"}, "has a tag"},
        {{.kind = PF_OPT_CHOICE, .name = "xx", .arg = "N", .to = &number, .help = "x"},
         "choices"},
        {{.kind = PF_OPT_INT,
          .name = "xx",
          .arg = "N",
          .to = &number,
          .min = 6,
          .max = 9,
          .help = "x"},
         "default 5 is outside"},
        {{.kind = PF_OPT_MAYBE,
          .name = "xx",
          .arg = "N",
          .to = &number,
          .max = 1,
          .implied = 2,
          .help = "x"},
         "default 2 is outside"},
        {{.kind = PF_OPT_MAYBE, .name = "xx", .arg = "N", .help = "x"}, "a place"},
        {{.kind = PF_OPT_MAYBE, .name = "xx", .to = &number, .help = "x"},
         "only a flag"},
    };
    pf_err err = PF_ERR_INIT;
    assert_ok(pf_cli_check(&cli, &err), &err);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pf_opt table[2] = {cases[i].row};
        pf_cli bad = cli;
        bad.opts = table;
        assert_refused(pf_cli_check(&bad, &err), &err, cases[i].words);
    }
}

static void failures_have_exit_codes(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    assert_int_equal(pf_exit_of(&err), 0);
    err.code = PF_ERR_IO;
    assert_int_equal(pf_exit_of(&err), 1);
    err.code = PF_ERR_BUSY;
    assert_int_equal(pf_exit_of(&err), 75);
    assert_int_equal(PF_EXIT_PARTLY, 3);
}

static void allocation_may_fail(void **state)
{
    (void)state;
    pf_err err = PF_ERR_INIT;
    pf_cli_args args;
    pf_mem_fail_at(1);
    bool ok = parse(&args, WORDS("-n5"), &err);
    pf_mem_fail_at(0);
    assert_false(ok);
    assert_int_equal(err.code, PF_ERR_NOMEM);
    assert_int_equal(cfg.limit, 10);
}

static void terminals_are_judged(void **state)
{
    (void)state;
    pf_term t = pf_term_judge(true, "xterm", NULL, 132);
    assert_true(t.is_terminal && t.can_redraw && t.has_color);
    assert_int_equal(t.columns, 132);
    t = pf_term_judge(true, "xterm", "1", 0);
    assert_true(t.can_redraw && !t.has_color);
    assert_int_equal(t.columns, 80);
    assert_true(pf_term_judge(true, "xterm", "", 0).has_color);
    t = pf_term_judge(true, "dumb", NULL, -5);
    assert_true(t.is_terminal && !t.can_redraw && !t.has_color);
    assert_int_equal(t.columns, 80);
    assert_false(pf_term_judge(true, NULL, NULL, 0).can_redraw);
    t = pf_term_judge(false, "xterm", NULL, 99999);
    assert_true(!t.is_terminal && !t.can_redraw && !t.has_color);
    assert_int_equal(t.columns, 80);
    FILE *f = tmpfile();
    assert_non_null(f);
    assert_false(pf_term_of(f).is_terminal);
    fclose(f);
}

static void foreign_text_cannot_drive_the_terminal(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"plain \xc3\xa9 \xe8\x83\xb8", "plain \xc3\xa9 \xe8\x83\xb8"},
        {"a\nb\tc\rd", "a b c d"},
        {"\x1b[31mred\x1b[0m", "?red?"},
        {"\x1b[2J\x1b[1;1Hx", "??x"},
        {"\x1b]0;title\x07x", "?]0;title?x"},
        {"\x1b[", "?"},
        {"\x1b[12", "?"},
        {"\x1b[1\nx", "? x"},
        {"\xc2\x9b"
         "31mred",
         "?red"},
        {"\x7f\x01\xc2\x85", "???"},
        {"\xe2\x80\xae"
         "gnp.exe",
         "?gnp.exe"},
        {"a\xff\xc3", "a\xef\xbf\xbd\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *text = NULL;
        size_t n = 0;
        FILE *f = open_memstream(&text, &n);
        assert_non_null(f);
        pf_term_puts(f, rows[i].in);
        fclose(f);
        assert_string_equal(text, rows[i].out);
        free(text);
    }
}

static void characters_have_their_columns(void **state)
{
    (void)state;
    const struct {
        const char *text;
        size_t columns; /* of all of it */
    } rows[] = {
        {"", 0},
        {"abc", 3},
        {"cafe\xCC\x81", 4},               /* a mark over the e */
        {"\xE6\xAD\xA3\xE9\x9D\xA2", 4},   /* two East Asian ones */
        {"\xF0\x9F\xA9\xBB", 2},           /* a pictograph */
        {"\xD7\x93\xD7\x99", 2},           /* right to left */
        {"a\tb\033[31mc\302\2332Jd\a", 8}, /* one '?' for each that escapes */
        {"\xE2\x80\xAEx\xFF", 3},          /* turned round; no UTF-8 */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const size_t n = strlen(rows[i].text), all = rows[i].columns;
        assert_int_equal(pf_term_fitting(rows[i].text, n, all), n);
        if (all > 0)
            assert_true(pf_term_fitting(rows[i].text, n, all - 1) < n);
    }
    assert_int_equal(pf_term_fitting("e\xCC\x81"
                                     "e",
                                     4, 1),
                     3); /* stays together */
}

static void lines_end_between_words(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t columns;
        const char *lines; /* as they come out, parted by '|' */
    } rows[] = {
        {"one two three", 80, "one two three"},
        {"one two three", 7, "one two|three"},
        {"one two three", 6, "one|two|three"},
        {"one  two", 4, "one|two"},
        {"one ", 3, "one"},
        {"  one", 3, "  o|ne"},
        {"one\ntwo", 5, "one|two"},
        {"pneumothorax", 5, "pneum|othor|ax"},
        {"a pneumothorax", 5, "a|pneum|othor|ax"},
        {"\xE6\xAD\xA3\xE9\x9D\xA2", 1, "\xE6\xAD\xA3|\xE9\x9D\xA2"},
        {"e\xCC\x81"
         "e\xCC\x81",
         1, "e\xCC\x81|e\xCC\x81"},
        {"a", 0, "a"},
        {"   ", 1, " "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char got[128] = "";
        const size_t n = strlen(rows[i].text);
        for (size_t at = 0, next; at < n; at += next) {
            const size_t end =
                pf_term_break(rows[i].text + at, n - at, rows[i].columns, &next);
            assert_true(next > 0 && end <= next);
            snprintf(got + strlen(got), sizeof got - strlen(got), "%s%.*s",
                     at > 0 ? "|" : "", (int)end, rows[i].text + at);
        }
        assert_string_equal(got, rows[i].lines);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_spelling_gives_the_value, reset),
        cmocka_unit_test_setup(each_kind_is_stored, reset),
        cmocka_unit_test_setup(a_value_may_be_left_out, reset),
        cmocka_unit_test_setup(lists_and_plain_arguments_keep_their_order, reset),
        cmocka_unit_test_setup(misuse_is_refused_by_name, reset),
        cmocka_unit_test_setup(help_wins_and_stores_nothing, reset),
        cmocka_unit_test_setup(help_is_exactly_this, reset),
        cmocka_unit_test_setup(the_dump_has_six_fields_a_line, reset),
        cmocka_unit_test_setup(unsound_tables_are_noticed, reset),
        cmocka_unit_test_setup(failures_have_exit_codes, reset),
        cmocka_unit_test_setup(allocation_may_fail, reset),
        cmocka_unit_test(terminals_are_judged),
        cmocka_unit_test(foreign_text_cannot_drive_the_terminal),
        cmocka_unit_test(characters_have_their_columns),
        cmocka_unit_test(lines_end_between_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
