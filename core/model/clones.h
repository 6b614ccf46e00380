/*
 * clones.h - PF_CLONES before a function: compiled twice, for any x86-64 and for AVX2;
 * the loader picks. Elsewhere it is compiled once.
 */
#ifndef PF_CORE_MODEL_CLONES_H
#define PF_CORE_MODEL_CLONES_H

#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(PF_SANITIZED)
#define PF_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define PF_CLONES /* sanitizers start after the loader has picked: one version only */
#endif

#endif
