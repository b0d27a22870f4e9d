// Version numbers in the form MAJOR[.MINOR[.PATCH]][-PRERELEASE][+BUILD],
// compared as semver.org says, with labels of a prerelease compared as text.

#ifndef STOUT_VERSION_HPP
#define STOUT_VERSION_HPP

#include <stdint.h>

#include <iosfwd>
#include <string>

#include <stout/try.hpp>

struct Version
{
  static Try<Version> parse(const std::string& input);

  Version(
    uint32_t _majorVersion,
    uint32_t _minorVersion,
    uint32_t _patchVersion,
    const std::string& _prerelease = "",
    const std::string& _build = "")
    : majorVersion(_majorVersion),
      minorVersion(_minorVersion),
      patchVersion(_patchVersion),
      prerelease(_prerelease),
      build(_build)
  {
  }

  // NOTE: The build label plays no part in comparisons.
  bool operator==(const Version& other) const;
  bool operator!=(const Version& other) const { return !(*this == other); }
  bool operator<(const Version& other) const;
  bool operator>(const Version& other) const { return other < *this; }

  uint32_t majorVersion;
  uint32_t minorVersion;
  uint32_t patchVersion;
  std::string prerelease;
  std::string build;
};


std::ostream& operator<<(std::ostream& stream, const Version& version);

#endif // STOUT_VERSION_HPP
