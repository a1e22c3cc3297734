#define _GNU_SOURCE
#include "clinux.h"
#include <linux/bpf.h>
#include <sys/syscall.h>

// Names of asm-generic/socket.h and linux/bpf.h that headers before Linux 5.14 lack.
#ifndef SO_ATTACH_REUSEPORT_EBPF
#define SO_ATTACH_REUSEPORT_EBPF 52
#endif
enum { SELECT_OR_MIGRATE = 40, PASS = 1 };

int cl_migrate_on_close(int listener) {
  struct bpf_insn program[] = {
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = PASS},
      {.code = BPF_JMP | BPF_EXIT},
  };
  union bpf_attr load;
  memset(&load, 0, sizeof load);
  load.prog_type = BPF_PROG_TYPE_SK_REUSEPORT;
  load.expected_attach_type = SELECT_OR_MIGRATE;
  load.insns = (uintptr_t)program;
  load.insn_cnt = sizeof program / sizeof *program;
  load.license = (uintptr_t) "";
  int loaded = (int)CL_RESULT(syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load));
  if (loaded < 0) return loaded;
  int attached = cl_set_option(listener, SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, loaded);
  cl_close(loaded);
  return attached;
}
