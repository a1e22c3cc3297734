// Counts heap allocations by thread. Not part of any product.
#ifndef CALLOCATIONS_H
#define CALLOCATIONS_H
#include <stdint.h>

/// Allocations of this thread so far, without those that libssl and libcrypto make inside themselves.
uint64_t allocation_count(void);
/// Those of libssl and libcrypto on this thread.
uint64_t library_allocation_count(void);
#endif
