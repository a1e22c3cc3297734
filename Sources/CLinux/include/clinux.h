// Kernel interface that Swift cannot import: variadic calls, function-like macros, structs with unions.
// Every function returns a result >= 0, or -errno: errno is read before any other code can disturb it.
#ifndef CLINUX_H
#define CLINUX_H
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

// Not _GNU_SOURCE: it changes fd_set and the enums of shared headers, and then this module cannot be imported next to
// Foundation, whose modules saw them without. What it would have declared:
#ifndef CLONE_NEWNET
#define CLONE_NEWNET 0x40000000
#endif
#ifndef SPLICE_F_MOVE
#define SPLICE_F_MOVE 1
#define SPLICE_F_NONBLOCK 2
#endif
#ifndef SCHED_BATCH
#define SCHED_BATCH 3
#endif
#ifndef F_SETPIPE_SZ
#define F_SETPIPE_SZ 1031
#define F_GETPIPE_SZ 1032
#endif
int setns(int fd, int type);
int accept4(int fd, struct sockaddr *from, socklen_t *size, int flags);
int pipe2(int ends[2], int flags);
int pthread_setname_np(pthread_t thread, const char *name);
long syscall(long number, ...);
ssize_t splice(int from, loff_t *at, int to, loff_t *there, size_t count, unsigned int flags);

#define CL_RESULT(x) ({ long r_ = (long)(x); r_ < 0 ? -(long)errno : r_; })

static inline int cl_setns_network(int fd) { return (int)CL_RESULT(setns(fd, CLONE_NEWNET)); }

static inline int cl_socket(int family, int type, int protocol) {
  return (int)CL_RESULT(socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
}
static inline int cl_accept(int fd, struct sockaddr_storage *from) {
  socklen_t n = sizeof *from;
  return (int)CL_RESULT(accept4(fd, (struct sockaddr *)from, &n, SOCK_NONBLOCK | SOCK_CLOEXEC));
}
static inline int cl_bind(int fd, const struct sockaddr_storage *to, socklen_t n) {
  return (int)CL_RESULT(bind(fd, (const struct sockaddr *)to, n));
}
static inline int cl_connect(int fd, const struct sockaddr_storage *to, socklen_t n) {
  return (int)CL_RESULT(connect(fd, (const struct sockaddr *)to, n));
}
static inline int cl_listen(int fd, int backlog) { return (int)CL_RESULT(listen(fd, backlog)); }
static inline int cl_local_address(int fd, struct sockaddr_storage *out) {
  socklen_t n = sizeof *out;
  return (int)CL_RESULT(getsockname(fd, (struct sockaddr *)out, &n));
}
static inline int cl_original_destination(int fd, int family, struct sockaddr_storage *out) {
  socklen_t n = sizeof *out;
  return (int)CL_RESULT(family == AF_INET6 ? getsockopt(fd, SOL_IPV6, IP6T_SO_ORIGINAL_DST, out, &n)
                                           : getsockopt(fd, SOL_IP, SO_ORIGINAL_DST, out, &n));
}
static inline int cl_set_option(int fd, int level, int option, int value) {
  return (int)CL_RESULT(setsockopt(fd, level, option, &value, sizeof value));
}
static inline int cl_get_option(int fd, int level, int option, int *value) {
  socklen_t n = sizeof *value;
  return (int)CL_RESULT(getsockopt(fd, level, option, value, &n));
}
/// Makes close() send RST instead of FIN.
static inline int cl_set_abortive_close(int fd) {
  struct linger l = {.l_onoff = 1, .l_linger = 0};
  return (int)CL_RESULT(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l));
}
/// Two joined stream sockets of the kernel's own, non-blocking.
static inline int cl_socket_pair(int ends[2]) {
  return (int)CL_RESULT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends));
}
/// The shortest round trip that the connection has seen lately, in microseconds; -ENODATA when none was measured.
long cl_least_round_trip(int fd);
static inline int cl_shutdown_write(int fd) { return (int)CL_RESULT(shutdown(fd, SHUT_WR)); }
static inline int cl_close(int fd) { return (int)CL_RESULT(close(fd)); }
/// Attaches to the SO_REUSEPORT group of a listener a program that chooses nothing (the kernel then does, by hash) but is
/// of the kind that has the kernel move what waits on a closed listener to another one.
int cl_migrate_on_close(int listener);

// The calls of each turn go by their numbers: libc's functions are points where a thread may be cancelled, and in a
// process of several threads say so before and after, for 1 % of a request.
static inline long cl_receive(int fd, void *to, size_t n, int flags) {
  return CL_RESULT(syscall(SYS_recvfrom, fd, to, n, flags, NULL, NULL));
}
static inline long cl_recv(int fd, void *to, size_t n) { return cl_receive(fd, to, n, 0); }
static inline long cl_peek(int fd, void *to, size_t n) { return cl_receive(fd, to, n, MSG_PEEK); }
static inline long cl_send(int fd, const void *from, size_t n) {
  return CL_RESULT(syscall(SYS_sendto, fd, from, n, MSG_NOSIGNAL, NULL, 0));
}
static inline long cl_sendv(int fd, struct iovec *v, size_t count) {
  struct msghdr m = {.msg_iov = v, .msg_iovlen = count};
  return CL_RESULT(syscall(SYS_sendmsg, fd, &m, MSG_NOSIGNAL));
}
static inline long cl_write(int fd, const void *from, size_t n) { return CL_RESULT(write(fd, from, n)); }
static inline void cl_wait(int fd, int writable) {
  struct pollfd p = {.fd = fd, .events = writable ? POLLOUT : POLLIN};
  poll(&p, 1, -1);
}
static inline long cl_splice(int from, int to, size_t n) {
  return CL_RESULT(splice(from, 0, to, 0, n, SPLICE_F_MOVE | SPLICE_F_NONBLOCK));
}
/// A non-blocking pipe of about `capacity` bytes; returns the capacity that the kernel gave.
static inline int cl_pipe(int ends[2], int capacity) {
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) return -errno;
  int given = fcntl(ends[1], F_SETPIPE_SZ, capacity);
  return given > 0 ? given : fcntl(ends[1], F_GETPIPE_SZ);
}

static inline int cl_epoll_create(void) { return (int)CL_RESULT(epoll_create1(EPOLL_CLOEXEC)); }
static inline int cl_epoll_control(int epfd, int operation, int fd, uint32_t events, uint64_t token) {
  struct epoll_event e = {.events = events, .data.u64 = token};
  return (int)CL_RESULT(epoll_ctl(epfd, operation, fd, &e));
}
static inline int cl_epoll_wait(int epfd, struct epoll_event *events, int max, int timeout_ms) {
  return (int)CL_RESULT(syscall(SYS_epoll_pwait, epfd, events, max, timeout_ms, NULL, (size_t)0));
}
static inline uint64_t cl_epoll_token(const struct epoll_event *e) { return e->data.u64; }
static inline int cl_eventfd(void) { return (int)CL_RESULT(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }
static inline int cl_eventfd_signal(int fd) {
  uint64_t one = 1;
  return (int)CL_RESULT(write(fd, &one, sizeof one));
}
static inline int cl_eventfd_clear(int fd) {
  uint64_t n;
  return (int)CL_RESULT(read(fd, &n, sizeof n));
}
static inline uint64_t cl_monotonic_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
/// Microseconds since 1970.
static inline int64_t cl_realtime_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}
/// Raises the soft limit of descriptors to the hard one; returns the limit in force.
static inline long cl_raise_descriptor_limit(void) {
  struct rlimit l;
  if (getrlimit(RLIMIT_NOFILE, &l) < 0) return -errno;
  l.rlim_cur = l.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &l) < 0) return -errno;
  return l.rlim_cur > LONG_MAX ? LONG_MAX : (long)l.rlim_cur;
}
static inline void cl_ignore_broken_pipes(void) { signal(SIGPIPE, SIG_IGN); }
/// Opens /dev/null as each of descriptors 0 to 2 that is closed: the lowest free number is always the one given.
static inline void cl_occupy_standard_descriptors(void) {
  for (int fd = 0; fd < 3; fd++)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0) return;
}

// Network namespaces.
static inline int cl_open_for_reading(const char *path) { return (int)CL_RESULT(open(path, O_RDONLY | O_CLOEXEC)); }
static inline long cl_read(int fd, void *to, size_t n) { return CL_RESULT(read(fd, to, n)); }
/// Device and inode of what a descriptor refers to: for a namespace, its identity.
static inline int cl_identity(int fd, uint64_t *device, uint64_t *inode) {
  struct stat s;
  if (fstat(fd, &s) < 0) return -errno;
  *device = s.st_dev;
  *inode = s.st_ino;
  return 0;
}
/// What tells one content of a path from another without reading it.
static inline int cl_stamp_path(const char *path, uint64_t *device, uint64_t *inode, uint64_t *size,
                                uint64_t *changed) {
  struct stat s;
  if (stat(path, &s) < 0) return -errno;
  *device = s.st_dev;
  *inode = s.st_ino;
  *size = (uint64_t)s.st_size;
  // The change time, not the modification time: rename and chmod count too.
  *changed = (uint64_t)s.st_ctim.tv_sec * 1000000000u + (uint64_t)s.st_ctim.tv_nsec;
  return 0;
}

static inline int cl_inotify(void) { return (int)CL_RESULT(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)); }
static inline int cl_inotify_add(int fd, const char *path, uint32_t events) {
  return (int)CL_RESULT(inotify_add_watch(fd, path, events));
}
/// Waits until `a` or `b` can be read: 1 and 2, added; 0 after `timeout_ms` or a signal.
static inline int cl_poll_two(int a, int b, int timeout_ms) {
  struct pollfd p[2] = {{.fd = a, .events = POLLIN}, {.fd = b, .events = POLLIN}};
  if (poll(p, 2, timeout_ms) <= 0) return 0;
  return (p[0].revents ? 1 : 0) | (p[1].revents ? 2 : 0);
}
static inline long cl_read_link(const char *path, void *to, size_t n) {
  return CL_RESULT(readlink(path, (char *)to, n));
}
static inline int cl_inotify_remove(int fd, int watch) { return (int)CL_RESULT(inotify_rm_watch(fd, watch)); }

/// 1 when the descriptor is a network namespace, else 0. NS_GET_NSTYPE is _IO(0xb7, 3) of linux/nsfs.h.
static inline int cl_is_network_namespace(int fd) { return ioctl(fd, _IO(0xb7, 3)) == CLONE_NEWNET; }

struct cl_visit {
  int fd, refused;
  void (*body)(void *);
  void *context;
};
static inline void *cl_visit_thread(void *argument) {
  struct cl_visit *visit = (struct cl_visit *)argument;
  visit->refused = cl_setns_network(visit->fd);
  if (visit->refused == 0) visit->body(visit->context);
  return NULL;
}
/// Runs `body` on a thread made for it, inside a network namespace, and waits. The thread is never used again,
/// so no thread of the process can be left behind in the namespace. The body did not run when this fails.
static inline int cl_visit_network(int fd, void (*body)(void *), void *context) {
  struct cl_visit visit = {.fd = fd, .body = body, .context = context};
  pthread_t thread;
  int failed = pthread_create(&thread, NULL, cl_visit_thread, &visit);
  if (failed) return -failed;
  failed = pthread_join(thread, NULL);
  return failed ? -failed : visit.refused;
}
/// Waits until `fd` is ready for one of `events`; the events that are, or 0 after `timeout_ms`.
static inline int cl_poll(int fd, short events, int timeout_ms) {
  struct pollfd p = {.fd = fd, .events = events};
  int ready;
  do ready = poll(&p, 1, timeout_ms);
  while (ready < 0 && errno == EINTR);
  return ready < 0 ? -errno : ready == 0 ? 0 : p.revents;
}

/// What sched_getattr(2) and sched_setattr(2) take, as of Linux 3.14; the C library of Debian 12 does not declare it.
struct cl_scheduling {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t slice, deadline, period;
};
/// Asks for slices of `ns` for the calling thread. Linux before 6.12 takes it and goes on as it was.
static inline int cl_set_slice(uint64_t ns) {
  struct cl_scheduling mine = {.size = sizeof mine};
  if (syscall(SYS_sched_getattr, 0, &mine, sizeof mine, 0) < 0) return -errno;
  // The field means something else to deadline scheduling, and nothing to idle and other real-time policies.
  if (mine.policy != SCHED_OTHER && mine.policy != SCHED_BATCH) return -EOPNOTSUPP;
  mine.slice = ns;
  return (int)CL_RESULT(syscall(SYS_sched_setattr, 0, &mine, 0));
}
/// The slice of a thread of this process, in ns; 0 where the kernel does not tell.
static inline int64_t cl_slice(int tid) {
  struct cl_scheduling its = {.size = sizeof its};
  if (syscall(SYS_sched_getattr, tid, &its, sizeof its, 0) < 0) return -errno;
  return (int64_t)its.slice;
}

/// Takes the pages of code and constants, our own and those of libraries, out of this process's memory; the kernel
/// brings back those that are used again from its page cache. They are read-only and backed by files, so nothing can be
/// lost.
void cl_forget_code(void);
/// Gives the free pages of the allocator back to the kernel, in all of its arenas.
void cl_return_free_memory(void);
/// Gives the whole pages within back to the kernel; they are zeroes when they are used again.
void cl_forget(void *base, size_t count);
#endif
