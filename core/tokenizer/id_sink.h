/*
 * id_sink.h - where ids go: those that fit are kept, and one more is counted, so that a
 * cut is noticed and the rest of a long text need not be looked at.
 */
#ifndef PF_CORE_TOKENIZER_ID_SINK_H
#define PF_CORE_TOKENIZER_ID_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    int32_t *ids; /* [room], borrowed */
    size_t n, room;
} pf_id_sink;

static inline void pf_id_put(pf_id_sink *sink, int32_t id)
{
    if (sink->n < sink->room)
        sink->ids[sink->n] = id;
    if (sink->n <= sink->room)
        sink->n++;
}

static inline bool pf_id_sink_is_full(const pf_id_sink *sink)
{
    return sink->n > sink->room;
}

/* Put the mark that ends every text, in the place of the last id when there is no
 * other. True when something was cut. */
static inline bool pf_id_sink_end(pf_id_sink *sink, int32_t end_id)
{
    pf_id_put(sink, end_id);
    bool is_cut = pf_id_sink_is_full(sink);
    if (is_cut)
        sink->n = sink->room;
    sink->ids[sink->n - 1] = end_id;
    return is_cut;
}

#endif
