/*
 * main.c - plainfilm-query: a phrase, a picture or both in; images, captions or
 * cases out.
 *
 * options.c says what can be asked, question.c makes a request of it, run_once.c and
 * run_batch.c have it answered, run_export.c writes files. stdout is the answer and
 * nothing else.
 */
#include <string.h>

#include "cli/guard.h"
#include "cli/tools.h"
#include "query/query.h"
#include "query/say.h"

/* For a script that reads JSON, what is wrong is JSON, too; lines of a batch say it
 * each for itself. */
static void print_failure(const pf_err *err)
{
    char *json = pf_error_json(err, NULL);
    if (json)
        puts(json);
    pf_free(json);
}

/* An option that cannot be read leaves `command` as it is by default. */
static bool asks_for_json(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--format=json") == 0 ||
            (strcmp(argv[i], "--format") == 0 && i + 1 < argc &&
             strcmp(argv[i + 1], "json") == 0))
            return true;
    }
    return false;
}

int main(int argc, char **argv)
{
    pf_err err = PF_ERR_INIT;
    pf_cli_args args = {0};
    pf_exit status = PF_EXIT_DONE;
    pf_guard_threads(argv);
    pf_guard_begin(query_cli.name);
    pf_use_one_blas_thread();
    bool ok = pf_cli_parse(&args, &query_cli, argc, argv, &err);
    if (!ok && asks_for_json(argc, argv))
        print_failure(&err);
    if (ok && !pf_cli_answer(&query_cli, args.action, stdout)) {
        ok = check_command(&args, &err) &&
             (command.batch    ? run_batch
              : command.export ? run_export
                               : run_once)(&args, &status, &err);
        if (!ok && command.format == FORMAT_JSON && !command.batch)
            print_failure(&err);
    }
    ok = pf_cli_flush(stdout, ok ? &err : NULL) && ok;
    pf_cli_args_free(&args);
    if (ok)
        return (int)status;
    say(err.msg);
    return (int)pf_exit_of(&err);
}
