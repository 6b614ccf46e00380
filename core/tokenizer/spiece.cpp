/*
 * spiece.cpp - see spiece.h. The one file that includes libsentencepiece, and as little
 * as goes in C++; nothing of it leaves through an exception.
 */
#include <sentencepiece_processor.h>

#include <exception>
#include <new>
#include <string>
#include <vector>

extern "C" {
#include "core/tokenizer/spiece.h"
}

struct pf_spiece {
    sentencepiece::SentencePieceProcessor processor;
};

namespace
{

bool failed(pf_err *err, const sentencepiece::util::Status &status)
{
    return pf_fail(err, PF_ERR_FORMAT, "libsentencepiece: %s",
                   status.ToString().c_str());
}

/* Call `work`, with its exceptions as errors. */
template <typename Work> bool guarded(pf_err *err, const Work &work)
{
    try {
        return work();
    } catch (const std::bad_alloc &) {
        return pf_fail(err, PF_ERR_NOMEM, "out of memory");
    } catch (const std::exception &e) {
        return pf_fail(err, PF_ERR_FORMAT, "libsentencepiece: %s", e.what());
    } catch (...) {
        return pf_fail(err, PF_ERR_FORMAT, "libsentencepiece failed");
    }
}

} // namespace

extern "C" bool pf_spiece_open(pf_spiece **out, const char *model, size_t n,
                               pf_err *err)
{
    pf_spiece *spiece = nullptr;
    *out = nullptr;
    bool ok = guarded(err, [&] {
        spiece = new pf_spiece;
        const std::string bytes(model, n);
        const auto status = spiece->processor.LoadFromSerializedProto(bytes);
        return status.ok() || failed(err, status);
    });
    if (!ok) {
        delete spiece;
        return false;
    }
    *out = spiece;
    return true;
}

extern "C" void pf_spiece_close(pf_spiece *spiece)
{
    delete spiece;
}

extern "C" bool pf_spiece_encode(const pf_spiece *spiece, const char *text, size_t n,
                                 int32_t *ids, size_t room, size_t *n_ids, pf_err *err)
{
    *n_ids = 0;
    return guarded(err, [&] {
        /* Texts first and then their ids, as the original does it: a run of what no
         * piece covers may be a piece that is not used. */
        std::vector<std::string> pieces;
        const auto status = spiece->processor.Encode(std::string(text, n), &pieces);
        if (!status.ok())
            return failed(err, status);
        for (size_t i = 0; i < pieces.size() && i < room; i++)
            ids[i] = spiece->processor.PieceToId(pieces[i]);
        *n_ids = pieces.size();
        return true;
    });
}
