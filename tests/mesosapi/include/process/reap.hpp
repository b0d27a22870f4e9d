// Waits for child processes.

#ifndef PROCESS_REAP_HPP
#define PROCESS_REAP_HPP

#include <sys/types.h>

#include <process/future.hpp>

#include <stout/option.hpp>

namespace process {

// Gives the status of a child as waitpid(2) does; none where `pid` is no child
// of this process. Waits for that child alone: nobody else's is touched.
Future<Option<int>> reap(pid_t pid);

} // namespace process {

#endif // PROCESS_REAP_HPP
