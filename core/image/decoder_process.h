/*
 * decoder_process.h - one running plainfilm-decode: found, started, spoken to, ended.
 *
 * What is said is in core/decoder/protocol.h, what it means in sandbox.c.
 */
#ifndef PF_CORE_IMAGE_DECODER_PROCESS_H
#define PF_CORE_IMAGE_DECODER_PROCESS_H

#include <sys/types.h>

#include "core/base/err.h"
#include "core/decoder/protocol.h"

/* That it may take for one answer: 60. Tests have less patience. */
extern int pf_decoder_seconds;

typedef struct {
    pid_t pid;   /* 0: not started */
    int control; /* our end of the socket */
    int input; /* memory file with the picture's bytes; the decoder can only read it */
    int page_fd;
    pf_decoder_page *page; /* shared with it */
} pf_decoder_process;

void pf_decoder_process_init(pf_decoder_process *p);
void pf_decoder_process_reset(pf_decoder_process *p); /* ends it */

/* See to it that there are `input` and `page`. */
PF_MUST_CHECK bool pf_decoder_process_open(pf_decoder_process *p, pf_err *err);
/* Start the program, which must not run, and wait until it is ready. IO: it is not
 * there, or of another version. */
PF_MUST_CHECK bool pf_decoder_process_start(pf_decoder_process *p, pf_err *err);
/* End it, whatever it is at; its wait status. */
int pf_decoder_process_stop(pf_decoder_process *p);

bool pf_decoder_process_tell(const pf_decoder_process *p, pf_decoder_message what);
/* What it says next; 0 when it has ended, -1 when it takes too long. */
int pf_decoder_process_hear(const pf_decoder_process *p);

#endif
