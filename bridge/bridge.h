// The contract between the module (C++) and the core (Go). This header is the
// specification: it is written by hand and included by the Go file that exports
// these functions, so that a drift between the two stops the build.
//
// Only integers and bytes cross. A buffer belongs to the caller and is not kept
// after the call returns; a descriptor belongs to whoever the comment names.
// Every function may be called from any thread at any time, and none throws,
// exits or changes the calling thread's signal mask. None may be called in a
// forked child.

#ifndef SLUICE_BRIDGE_H
#define SLUICE_BRIDGE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// What kind of failure an error is.
enum sluice_category
{
  SLUICE_OK = 0,
  SLUICE_INVALID = 1, // what the operator or the task asked for cannot be done
  SLUICE_SYSTEM = 2, // a system call failed; error_number says how
  SLUICE_LOCKED = 3, // the state directory belongs to another live process
  SLUICE_TIMEOUT = 4, // the disk did not answer in time
  SLUICE_CLOSED = 5, // the handle is unknown or was closed
  SLUICE_PANIC = 6, // a fault in the core; its log has the stack
};

// An error, in a buffer of the caller's. `text` has room for `capacity` bytes;
// the core writes at most that many, no terminating NUL, and sets `length`.
// A longer text is cut at a character's end.
typedef struct sluice_error
{
  int32_t category;
  int32_t error_number;
  char* text;
  uint32_t capacity;
  uint32_t length;
} sluice_error;

// Bytes of the caller's that the core only reads.
typedef const uint8_t* sluice_bytes;

// Takes one log line (no newline, UTF-8, control characters escaped). Called
// from one thread of the core's, a little after the line was written, so that a
// log that hangs holds up nobody: more than 1024 lines that wait are left out
// and counted in the log. Must not call back into the core.
// `severity`: 0 info, 1 warning, 2 error, as in glog.
typedef void (*sluice_log_fn)(
  int32_t severity, sluice_bytes text, uint64_t length);

// Takes the outcome of sluice_prepare, exactly once, on a thread of the core's.
// On success `error` is NULL and the callee takes both descriptors
// (close-on-exec, opened O_RDWR; what is written into them ends up in the
// sandbox). On failure both are -1 and `error` is valid during the call.
typedef void (*sluice_prepared_fn)(
  uintptr_t context, int32_t stdout_fd, int32_t stderr_fd, sluice_error* error);

// Says where log lines go; NULL stops them (after return none is under way),
// and waits for those before, a second at most.
void sluice_log_to(sluice_log_fn log);

// Validates the module's parameters: a serialised mesos.Parameters. Touches
// nothing outside memory. Gives a handle > 0, or 0 and the error.
int64_t sluice_create(
  sluice_bytes parameters, uint64_t length, sluice_error* error);

// Takes the state directory, recovers the streams found in it and begins to
// serve. Loggers of one process with the same state directory share an engine.
// Returns a sluice_category.
int32_t sluice_initialize(int64_t logger, sluice_error* error);

// Prepares both streams of a container: `launch` is a serialised sluice.Launch.
// Returns at once; the outcome goes to `done` with `context`.
void sluice_prepare(
  int64_t logger,
  sluice_bytes launch,
  uint64_t length,
  sluice_prepared_fn done,
  uintptr_t context);

// Ends a handle. The streams go on in the engine for as long as the process
// lives.
void sluice_destroy(int64_t logger);

// Metrics of all engines of the process, read at one instant.
enum sluice_metric
{
  SLUICE_STREAMS = 0, // gauge: streams that are served
  SLUICE_STREAMS_RECOVERED =
    1, // counter: of them, taken over from a dead owner
  SLUICE_BYTES_IN = 2, // counter: taken out of pipes
  SLUICE_BYTES_WRITTEN = 3, // counter: put into files
  SLUICE_BYTES_DROPPED =
    4, // counter: taken and not kept; in = written + dropped
  SLUICE_ROTATIONS = 5, // counter
  SLUICE_ROTATION_ERRORS = 6, // counter
  SLUICE_WRITE_ERRORS = 7, // counter
  SLUICE_IMPOSTORS = 8, // counter: foreign files moved out of the way
  SLUICE_PANICS = 9, // counter
  SLUICE_WAKEUPS = 10, // counter: times that a stream was looked at
  SLUICE_GOROUTINES = 11, // gauge: of the Go runtime
  SLUICE_LINES_DROPPED = 12, // counter: of the bytes dropped
  SLUICE_COMPRESSIONS_QUEUED =
    13, // gauge: files that are being compressed or wait for it
  SLUICE_STREAMS_BLOCKED =
    14, // gauge: streams whose container a disk holds back
  SLUICE_MEMORY_BYTES = 15, // gauge: what the Go runtime has from the kernel
  SLUICE_FILES_EVICTED =
    16, // counter: rotated files deleted to keep the budget of the node
  SLUICE_BYTES_EVICTED = 17, // counter: of them
  SLUICE_STREAMS_DROPPING = 18, // gauge: streams whose output is dropped
  SLUICE_BYTES_DROPPED_NO_SPACE = 19, // counters: bytes dropped, by cause
  SLUICE_BYTES_DROPPED_QUOTA = 20,
  SLUICE_BYTES_DROPPED_IO_ERROR = 21,
  SLUICE_BYTES_DROPPED_PANIC = 22,
  SLUICE_BYTES_DROPPED_SANDBOX_REMOVED = 23,
  SLUICE_MARKS = 24, // counter: lines in logs that tell of a loss
  SLUICE_BYTES_MARKS = 25, // counter: their length
  SLUICE_FILES = 26, // gauge: files of the series that are served
  SLUICE_BYTES_ON_DISK = 27, // gauge: what they hold
  SLUICE_FILES_MADE_ROOM = 28, // counter: removed by evict_on_full
  SLUICE_BYTES_MADE_ROOM = 29, // counter
  SLUICE_LONGEST_BLOCKED_MS = 30, // gauge: longest time held back by a disk
  SLUICE_BYTES_DROPPED_DISCARDED = 31, // as configured
  SLUICE_LINES_IN =
    32, // counter: ends of lines of the bytes in; -1: not counted
  SLUICE_LINES_WRITTEN = 33, // counter: of the bytes written; -1: not counted
  SLUICE_BYTES_DROPPED_UNRECORDED =
    34, // counter: of streams without a record that can be used
  SLUICE_STREAMS_UNATTENDED =
    35, // counter: streams whose container ended while nobody had the pipe
  SLUICE_METRICS = 36,
};

// Fills `values`, an array of `count` numbers indexed by sluice_metric; a
// shorter array gets the first ones.
void sluice_metrics(int64_t* values, uint32_t count);

#ifdef __cplusplus
}
#endif

#endif // SLUICE_BRIDGE_H
