#define _DEFAULT_SOURCE
#include "clinux.h"
#include <malloc.h>
#include <sys/mman.h>

extern char __executable_start, etext;

void cl_return_free_memory(void) { malloc_trim(0); }

void cl_forget_code(void) {
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
  uintptr_t from = ((uintptr_t)&__executable_start + page) & ~page, to = (uintptr_t)&etext & ~page;
  if (from < to) madvise((void *)from, to - from, MADV_DONTNEED);
}
