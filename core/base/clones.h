/*
 * clones.h - PF_CLONES: a loop is compiled for any x86-64, for AVX2 and for AVX-512,
 * the loader picks.
 *
 * clang before 17 gives the picked version another name ("...ifunc"), which no caller
 * knows; sanitizers start after the loader has picked. Both get one version only.
 */
#ifndef PF_CORE_BASE_CLONES_H
#define PF_CORE_BASE_CLONES_H

#if defined(__clang_major__) && __clang_major__ < 17
#define PF_CLONES
#elif defined(__x86_64__) && defined(__gnu_linux__) && !defined(PF_SANITIZED)
#define PF_CLONES __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#else
#define PF_CLONES
#endif

#endif
