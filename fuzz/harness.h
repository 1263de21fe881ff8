/* The entry point of a fuzz harness, as libFuzzer and AFL++ call it; fuzz/replay.c does so too. */
#ifndef GKV_FUZZ_HARNESS_H
#define GKV_FUZZ_HARNESS_H

#include <stddef.h>
#include <stdint.h>

/* Always 0. data is borrowed. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
