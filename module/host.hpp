// The agent's process, as it was before the Go runtime came into it.

#ifndef SLUICE_MODULE_HOST_HPP
#define SLUICE_MODULE_HOST_HPP

namespace [[gnu::visibility("hidden")]] sluice {

// Puts back what the Go runtime changed for its own use and the library does
// without. To be called when the runtime has started: after any call of the
// core. Once; what the host changes later is its own.
void restoreHost();

} // namespace sluice {

#endif // SLUICE_MODULE_HOST_HPP
