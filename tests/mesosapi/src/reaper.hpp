// The thread that waits for child processes.

#ifndef MESOSAPI_REAPER_HPP
#define MESOSAPI_REAPER_HPP

namespace process {
namespace internal {

// Starts it; later calls do nothing. process::reap() does so by itself.
void startReaper();

} // namespace internal {
} // namespace process {

#endif // MESOSAPI_REAPER_HPP
