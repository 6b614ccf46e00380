/* cli_builtin.h - the options every program has; shared by cli.c and cli_help.c. */
#ifndef PF_CLI_CLI_BUILTIN_H
#define PF_CLI_CLI_BUILTIN_H

#include "cli/cli.h"

/* --help, --version, --help-options; the last has no help, which keeps it hidden. */
extern const pf_opt pf_cli_builtins[];

#endif
