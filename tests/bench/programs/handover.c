// Is the task of a container: gives its standard output and standard error,
// over a socket, to the one process that writes for all streams of a benchmark,
// and ends with that.
//
//   bench-handover SOCKET

#define _GNU_SOURCE
#include "streams.h"

int main(int argc, char** argv)
{
  errno = EINVAL;
  if (argc != 2)
    die("one argument is expected, the socket");

  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, argv[1], sizeof(address.sun_path) - 1);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (struct sockaddr*)&address, sizeof(address)) != 0)
    die(argv[1]);

  int given[STREAMS_AT_A_TIME] = {STDOUT_FILENO, STDERR_FILENO};
  union
  {
    char bytes[CMSG_SPACE(sizeof(given))];
    struct cmsghdr align;
  } control;
  char byte = 0;
  struct iovec io = {.iov_base = &byte, .iov_len = 1};
  struct msghdr message = {
    .msg_iov = &io,
    .msg_iovlen = 1,
    .msg_control = control.bytes,
    .msg_controllen = sizeof(control.bytes)};
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(given));
  memcpy(CMSG_DATA(header), given, sizeof(given));
  if (sendmsg(fd, &message, 0) != 1)
    die("hand the descriptors over");

  // Until the writer has ended.
  (void)!read(fd, &byte, 1);
  return 0;
}
