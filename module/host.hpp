// The agent's process, as the Go runtime must not treat it.

#ifndef SLUICE_MODULE_HOST_HPP
#define SLUICE_MODULE_HOST_HPP

namespace [[gnu::visibility("hidden")]] sluice {

// Has threads that the core starts from now on waited for where the host may
// not have more: before, their failure is the failure of loading the library.
void waitForThreads();

} // namespace sluice {

#endif // SLUICE_MODULE_HOST_HPP
