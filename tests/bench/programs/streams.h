// Takes streams over a socket: what handover.c gives.

#ifndef BENCH_STREAMS_H
#define BENCH_STREAMS_H

#include "measure.h"

#include <sys/socket.h>
#include <sys/un.h>

// Both streams of a container, or only the first.
enum
{
  STREAMS_AT_A_TIME = 2
};

// Takes the descriptors that come over one connection, at most room of them.
// The connection stays open for the life of this process: its other end, and
// with it the task of the container, lives as long.
static inline int take_from(int listener, int* streams, int room)
{
  int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  if (connection < 0)
    die("accept a stream");

  char byte;
  union
  {
    char bytes[CMSG_SPACE(STREAMS_AT_A_TIME * sizeof(int))];
    struct cmsghdr align;
  } control;
  struct iovec io = {.iov_base = &byte, .iov_len = 1};
  struct msghdr message = {
    .msg_iov = &io,
    .msg_iovlen = 1,
    .msg_control = control.bytes,
    .msg_controllen = sizeof(control.bytes)};
  struct cmsghdr* header;
  if (
    recvmsg(connection, &message, MSG_CMSG_CLOEXEC) != 1 ||
    !(header = CMSG_FIRSTHDR(&message)))
    die("take a stream");

  int count = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
  if (count > room)
    count = room; // the rest is only kept open
  memcpy(streams, CMSG_DATA(header), count * sizeof(int));
  return count;
}

// Takes count streams over a new socket at path; without a path the only stream
// is standard output.
static inline int* take_streams(const char* path, int count)
{
  int* streams = calloc(count, sizeof(int));
  if (!streams)
    die("allocate");
  if (!path) {
    streams[0] = STDOUT_FILENO;
    return streams;
  }

  // Bound under another name first: whoever sees the path can connect.
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof(address.sun_path), "%s.new", path);
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (
    listener < 0 ||
    bind(listener, (struct sockaddr*)&address, sizeof(address)) != 0 ||
    listen(listener, 4096) != 0 || rename(address.sun_path, path) != 0)
    die(path);
  for (int taken = 0; taken < count;)
    taken += take_from(listener, streams + taken, count - taken);
  close(listener);
  return streams;
}

#endif
