#define _GNU_SOURCE
#include "clinux.h"
#include <link.h>
#include <malloc.h>
#include <sys/mman.h>

void cl_return_free_memory(void) { malloc_trim(0); }

void cl_forget(void *base, size_t count) {
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
  uintptr_t begin = ((uintptr_t)base + page) & ~page, end = ((uintptr_t)base + count) & ~page;
  if (begin < end) madvise((void *)begin, end - begin, MADV_DONTNEED);
}

/// Whether the dynamic linker wrote into the object's read-only parts: those pages exist nowhere else.
static int has_text_relocations(const struct dl_phdr_info *object) {
  for (int i = 0; i < object->dlpi_phnum; i++) {
    if (object->dlpi_phdr[i].p_type != PT_DYNAMIC) continue;
    const ElfW(Dyn) *entry = (const void *)(object->dlpi_addr + object->dlpi_phdr[i].p_vaddr);
    for (; entry->d_tag != DT_NULL; entry++)
      if (entry->d_tag == DT_TEXTREL || (entry->d_tag == DT_FLAGS && entry->d_un.d_val & DF_TEXTREL)) return 1;
  }
  return 0;
}

static int forget_object(struct dl_phdr_info *object, size_t size, void *unused) {
  (void)size, (void)unused;
  if (has_text_relocations(object)) return 0;
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr) *part = &object->dlpi_phdr[i];
    if (part->p_type != PT_LOAD || part->p_flags & PF_W) continue;
    // Whole pages alone: the last one may be the first of a part that is written.
    cl_forget((void *)(object->dlpi_addr + part->p_vaddr), part->p_filesz);
  }
  return 0;
}

void cl_forget_code(void) { dl_iterate_phdr(forget_object, 0); }
