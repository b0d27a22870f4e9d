// The manifest of modules: text to mesos::Modules.

#ifndef HARNESS_MANIFEST_HPP
#define HARNESS_MANIFEST_HPP

#include <string>

#include <mesos/module/module.hpp>

#include <stout/try.hpp>

namespace harness {

// Parses JSON strictly: RFC 8259 with nothing behind it, every field known and
// of the right type. (An agent passes over fields that it does not know.)
Try<mesos::Modules> parseManifest(const std::string& json);

// Takes the value of --modules: file:///PATH, /PATH, or JSON.
Try<mesos::Modules> readManifest(const std::string& value);

} // namespace harness {

#endif // HARNESS_MANIFEST_HPP
