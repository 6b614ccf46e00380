/*
 * settings.c - what plainfilm-serve can be told: the option table and its examples, and
 * what of it goes together.
 */
#include "server/serve.h"

#include "cli/tools.h"

#define SEE "(see plainfilm-serve --help)"

serve_options command = {.listen = "127.0.0.1:8723",
                         .upload_mb = 64,
                         .connections = 1024,
                         .per_address = 256};

static const pf_opt options[] = {
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
             "with"},
    {.kind = PF_OPT_STRING,
     .name = "tokenizer",
     .arg = "PATH",
     .to = &command.tokenizer,
     .default_text = "beside the model",
     .help = "the tokenizer's file, or a folder with it"},
    {.kind = PF_OPT_STRING,
     .name = "synonyms",
     .arg = "FILE",
     .to = &command.synonyms,
     .default_text = "a built-in table",
     .help = "other names for the same thing, one group per line; +FILE: beside the "
             "built-in ones"},
    {.kind = PF_OPT_FLAG,
     .name = "no-negation",
     .to = &command.no_negation,
     .help = "find an effusion also where a caption says that there is none"},

    {.kind = PF_OPT_HEADING, .help = "Who may ask"},
    {.kind = PF_OPT_STRING,
     .short_name = 'l',
     .name = "listen",
     .arg = "ADDRESS:PORT",
     .to = &command.listen,
     .help = "where to wait for browsers; any other address than this machine's own "
             "needs --token-file or --behind-proxy. Port 0 is one that is free"},
    {.kind = PF_OPT_STRING,
     .name = "token-file",
     .arg = "FILE",
     .to = &command.token_file,
     .default_text = "one that is made at the start",
     .help = "the file with the token that who asks has to know: a line of 16 to 256 "
             "letters, digits, '-' and '_', for its owner's eyes alone"},
    {.kind = PF_OPT_FLAG,
     .name = "behind-proxy",
     .to = &command.behind_proxy,
     .help = "a proxy in front says who may ask: no token. Needs --root-url"},
    {.kind = PF_OPT_STRING,
     .name = "root-url",
     .arg = "URL",
     .to = &command.root_url,
     .default_text = "http://ADDRESS:PORT/",
     .help = "the address that browsers know, when it is another one"},
    {.kind = PF_OPT_STRING,
     .name = "allow-origin",
     .arg = "URL",
     .to = &command.allow_origin,
     .default_text = "none",
     .help =
         "the one other site whose pages may use the API, as https://viewer.example"},
    {.kind = PF_OPT_FLAG,
     .name = "serve-originals",
     .to = &command.serve_originals,
     .help = "give the files of pictures as they are, with all that is in their "
             "headers; else they are decoded and made anew"},
    {.kind = PF_OPT_FLAG,
     .name = "hide-paths",
     .to = &command.hide_paths,
     .help = "name images by their number where their paths would stand, which may "
             "be names of patients"},

    {.kind = PF_OPT_HEADING, .help = "How much of it"},
    {.kind = PF_OPT_INT,
     .name = "threads",
     .arg = "N",
     .to = &command.threads,
     .max = 256,
     .default_text = "one per core, at least two",
     .help = "questions that are answered at a time"},
    {.kind = PF_OPT_INT,
     .name = "max-upload",
     .arg = "MIB",
     .to = &command.upload_mb,
     .min = 1,
     .max = 256,
     .help = "the largest picture that may be sent"},
    {.kind = PF_OPT_INT,
     .name = "max-connections",
     .arg = "N",
     .to = &command.connections,
     .min = 8,
     .max = 65536,
     .help = "connections that are open at a time"},
    {.kind = PF_OPT_INT,
     .name = "max-per-address",
     .arg = "N",
     .to = &command.per_address,
     .min = 1,
     .max = 65536,
     .help = "of them from one address; --behind-proxy: any number"},

    {.kind = PF_OPT_HEADING, .help = "What to say"},
    {.kind = PF_OPT_FLAG,
     .name = "log-questions",
     .to = &command.log_questions,
     .help = "have the parameters of requests in the log, too, which are what was "
             "asked; else it has none of that"},
    {.kind = PF_OPT_FLAG,
     .short_name = 'q',
     .name = "quiet",
     .to = &command.quiet,
     .help = "no log of requests"},
    {.kind = PF_OPT_END},
};

static const char *const examples[] = {
    "the catalog of this user, for a browser on this machine",
    "plainfilm-serve",
    "a department's, behind nginx, which says who may ask",
    "plainfilm-serve --behind-proxy --root-url "
    "https://films.example/",
    "for programs that know the token",
    "plainfilm-serve --listen 0.0.0.0:8723 --token-file token --root-url "
    "http://films.example:8723/",
    NULL,
};

const pf_cli serve_cli = {
    .name = "plainfilm-serve",
    .usage = "[options]",
    .summary = "Answer questions of a catalog on a page in the browser, and through a "
               "JSON API.",
    .opts = options,
    .max_plain = 0,
    .examples = examples,
};

bool check_command(pf_err *err)
{
    if (command.behind_proxy && command.token_file)
        return pf_cli_fail(
            err, PF_ERR_MISUSE,
            "--behind-proxy asks for no token, --token-file names one " SEE);
    if (command.behind_proxy && !command.root_url)
        return pf_cli_fail(err, PF_ERR_MISUSE,
                           "--behind-proxy needs --root-url, the address that browsers "
                           "know " SEE);
    return true;
}
