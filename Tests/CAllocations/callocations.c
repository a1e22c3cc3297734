#define _GNU_SOURCE
#include "callocations.h"
#include <errno.h>
#include <link.h>
#include <stddef.h>
#include <string.h>

// glibc lets an executable define the allocator's functions; these count and pass on to the real ones.
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static _Thread_local uint64_t own, library;
// Where libssl and libcrypto are mapped: from and to of each.
static uintptr_t ranges[4];
static int range_count;

static int find(struct dl_phdr_info *info, size_t size, void *unused) {
  (void)size, (void)unused;
  if (range_count == 4 || !(strstr(info->dlpi_name, "libcrypto.so") || strstr(info->dlpi_name, "libssl.so"))) return 0;
  uintptr_t end = 0;
  for (int i = 0; i < info->dlpi_phnum; i++)
    if (info->dlpi_phdr[i].p_type == PT_LOAD) {
      uintptr_t to = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;
      if (to > end) end = to;
    }
  ranges[range_count++] = info->dlpi_addr;
  ranges[range_count++] = end;
  return 0;
}

__attribute__((constructor)) static void find_libraries(void) { dl_iterate_phdr(find, NULL); }

uint64_t allocation_count(void) { return own; }
uint64_t library_allocation_count(void) { return library; }

static inline void note(void *caller) {
  uintptr_t at = (uintptr_t)caller;
  for (int i = 0; i < range_count; i += 2)
    if (at >= ranges[i] && at < ranges[i + 1]) {
      library++;
      return;
    }
  own++;
}
#define NOTE note(__builtin_return_address(0))

void *malloc(size_t size) {
  NOTE;
  return __libc_malloc(size);
}
void *calloc(size_t number, size_t size) {
  NOTE;
  return __libc_calloc(number, size);
}
void *realloc(void *old, size_t size) {
  NOTE;
  return __libc_realloc(old, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
  NOTE;
  return __libc_memalign(alignment, size);
}
void *memalign(size_t alignment, size_t size) {
  NOTE;
  return __libc_memalign(alignment, size);
}
int posix_memalign(void **out, size_t alignment, size_t size) {
  NOTE;
  *out = __libc_memalign(alignment, size);
  return *out ? 0 : ENOMEM;
}
