// What the Go runtime must not do to the agent's process.

#ifndef SLUICE_MODULE_HOST_HPP
#define SLUICE_MODULE_HOST_HPP

namespace [[gnu::visibility("hidden")]] sluice {

// From now on, starting a thread of the core waits while the host may not have
// another one. Until now, such a failure makes loading the library fail.
void waitForThreads();

} // namespace sluice {

#endif // SLUICE_MODULE_HOST_HPP
