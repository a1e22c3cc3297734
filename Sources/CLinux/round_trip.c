// Apart from clinux.h: <netinet/tcp.h> knows an older tcp_info, and does not go together with the kernel's.
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

long cl_least_round_trip(int fd);

long cl_least_round_trip(int fd) {
  struct tcp_info info = {0};
  socklen_t size = sizeof info;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0) return -errno;
  if (size < offsetof(struct tcp_info, tcpi_min_rtt) + sizeof info.tcpi_min_rtt) return -ENOPROTOOPT;
  // All ones, and 0 in old kernels: none was measured.
  return info.tcpi_min_rtt + 1 <= 1 ? -ENODATA : (long)info.tcpi_min_rtt;
}
