// The runtime of Mesos' actors. The slice has none: what is left of an agent's
// start is that SIGPIPE is ignored and child processes are waited for.

#ifndef PROCESS_PROCESS_HPP
#define PROCESS_PROCESS_HPP

#include <string>

#include <stout/none.hpp>
#include <stout/option.hpp>

namespace process {

// Gives false where it was called before.
bool initialize(const Option<std::string>& delegate = None());

} // namespace process {

#endif // PROCESS_PROCESS_HPP
