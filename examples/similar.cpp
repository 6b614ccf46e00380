/*
 * similar.cpp - the images of a catalog that look like a picture.
 *
 *     similar CATALOG PICTURE [FILTER...]      e.g. similar films new.png modality=CT
 *
 * The library is C; in C++ its handles go into unique_ptr and its errors become
 * exceptions. All it takes is a deleter per handle and two small functions, which turn
 * `bool f(handle **out, ..., pf_err *err)` into "a handle, or throws".
 */
#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>

#include <plainfilm.h>

namespace
{

template <auto free_function> struct deleter {
    template <class T> void operator()(T *handle) const
    {
        free_function(handle);
    }
};
using engine_ptr = std::unique_ptr<pf_engine, deleter<pf_engine_close>>;
using reader_ptr = std::unique_ptr<pf_reader, deleter<pf_reader_close>>;
using request_ptr = std::unique_ptr<pf_request, deleter<pf_request_free>>;
using answer_ptr = std::unique_ptr<pf_answer, deleter<pf_answer_free>>;

template <class Function> void check(Function call)
{
    pf_err err = PF_ERR_INIT;
    if (!call(&err))
        throw std::runtime_error(err.msg);
}

template <class Pointer, class Function> Pointer make(Function call)
{
    typename Pointer::pointer handle = nullptr;
    check([&](pf_err *err) { return call(&handle, err); });
    return Pointer(handle);
}

void find_similar(const char *catalog, const char *picture, char **filters)
{
    pf_engine_options options = PF_ENGINE_OPTIONS_INIT;
    options.catalog = catalog;
    /* Destroyed from the last to the first: the reader goes before its engine. */
    const auto engine = make<engine_ptr>(
        [&](auto out, auto err) { return pf_engine_open(out, &options, err); });
    const auto reader = make<reader_ptr>(
        [&](auto out, auto err) { return pf_reader_open(out, engine.get(), err); });

    const auto request = make<request_ptr>(pf_request_new);
    check([&](auto err) {
        return pf_request_add_picture_file(request.get(), picture, 1, err);
    });
    for (; *filters; filters++)
        check([&](auto err) {
            return pf_request_add_filter(request.get(), *filters, err);
        });

    const auto answer = make<answer_ptr>([&](auto out, auto err) {
        return pf_reader_ask(reader.get(), request.get(), nullptr, out, err);
    });
    for (size_t i = 0; i < pf_answer_count(answer.get()); i++) {
        const pf_hit *hit = pf_answer_hit(answer.get(), i);
        std::printf("%.3f  %s\n", hit->score, hit->path);
    }
}

} // namespace

int main(int argc, char **argv)
{
    if (argc < 3) {
        std::fprintf(stderr, "usage: similar CATALOG PICTURE [FILTER...]\n");
        return 2;
    }
    try {
        find_similar(argv[1], argv[2], argv + 3);
    } catch (const std::exception &failure) {
        std::fprintf(stderr, "similar: %s\n", failure.what());
        return 1;
    }
    return 0;
}
