// What the Go runtime must not do to the agent's process.

#ifndef SLUICE_MODULE_HOST_HPP
#define SLUICE_MODULE_HOST_HPP

namespace [[gnu::visibility("hidden")]] sluice {

// From now on, waits when the core starts a thread and the host has too many.
// Before, a failure to start one makes the loading of the library fail.
void waitForThreads();

} // namespace sluice {

#endif // SLUICE_MODULE_HOST_HPP
