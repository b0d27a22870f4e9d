// Writes numbered lines to one stream as fast as they are taken.
//
//   bench-flatout --bytes=N [--write=N] [--line=N]
//                 [--socket=PATH] [--gate=PATH] [--report=FILE]
//
// --write is the size of one write(2), a multiple of --line (100). Only the
// first line of each write gets a number of its own: the rest of a large block
// stays as it is, so that what is measured is the logger and not the printing
// of digits. The stream comes over --socket (handover.c), or is standard
// output. The FIFOs PATH.begin and PATH.end of --gate are passed before the
// first and after the last byte.

#define _GNU_SOURCE
#include "streams.h"

int main(int argc, char** argv)
{
  int64_t bytes = number_argument(argc, argv, "bytes", 1000000);
  int64_t line = number_argument(argc, argv, "line", 100);
  int64_t size = number_argument(argc, argv, "write", line);
  const char* gate = text_argument(argc, argv, "gate", NULL);
  int stream = take_streams(text_argument(argc, argv, "socket", NULL), 1)[0];
  char* block = make_lines(size, line);

  pass_gate(gate, "begin");
  struct report r = {.begin_ns = now_ns()};
  while (r.bytes < bytes) {
    count_up(block);
    write_all(stream, block, size);
    r.bytes += size;
    r.writes++;
  }
  r.end_ns = now_ns();
  write_report(text_argument(argc, argv, "report", NULL), &r);
  pass_gate(gate, "end");
  return 0;
}
