/*
 * main.c - plainfilm-query: a phrase, a picture or both in; images, captions or
 * cases out.
 *
 * options.c says what can be asked, run_*.c are the jobs. stdout is the answer and
 * nothing else.
 */
#include <errno.h>

#include "core/model/kernels.h"
#include "query/query.h"
#include "query/say.h"

typedef bool job(const pf_cli_args *args, pf_exit *status, pf_err *err);

static job *chosen_job(void)
{
    if (command.batch)
        return run_batch;
    if (command.embed)
        return run_embed;
    if (command.classify)
        return run_classify;
    if (command.phrases)
        return run_phrases;
    if (command.duplicates >= 0)
        return run_duplicates;
    if (command.evaluate)
        return run_evaluate;
    return run_search;
}

/* An answer that did not get out is no answer. */
static bool finish_output(pf_err *err)
{
    if (fflush(stdout) != 0)
        return pf_fail_errno(err, errno, "cannot write the answer");
    return !ferror(stdout) || pf_fail(err, PF_ERR_IO, "cannot write the answer");
}

int main(int argc, char **argv)
{
    pf_err err = PF_ERR_INIT;
    pf_cli_args args = {0};
    pf_exit status = PF_EXIT_DONE;
    pf_kernels_set_threads(1);
    bool ok = pf_cli_parse(&args, &query_cli, argc, argv, &err);
    if (ok && !pf_cli_answer(&query_cli, args.action, stdout))
        ok = check_command(&args, &err) && chosen_job()(&args, &status, &err);
    ok = ok && finish_output(&err);
    pf_cli_args_free(&args);
    if (ok)
        return (int)status;
    say(err.msg);
    return (int)pf_exit_of(&err);
}
