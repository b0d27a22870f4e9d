#include <ctype.h>
#include <stdlib.h>

#include <ostream>
#include <tuple>

#include <stout/version.hpp>

namespace {

// Takes one number from the front of `text`.
Try<uint32_t> takeNumber(std::string& text)
{
  size_t length = 0;
  while (length < text.size() && isdigit(text[length])) {
    length++;
  }

  if (length == 0 || length > 9) {
    return Error("Invalid version component '" + text + "'");
  }

  const uint32_t number =
    static_cast<uint32_t>(strtoul(text.substr(0, length).c_str(), nullptr, 10));

  text.erase(0, length);
  return number;
}


// Takes the label behind `mark` from the end of `text`; empty where none is.
std::string takeLabel(std::string& text, char mark)
{
  const size_t at = text.find(mark);
  if (at == std::string::npos) {
    return "";
  }

  const std::string label = text.substr(at + 1);
  text.erase(at);
  return label;
}

} // namespace {


Try<Version> Version::parse(const std::string& input)
{
  std::string rest = input;
  const std::string build = takeLabel(rest, '+');
  const std::string prerelease = takeLabel(rest, '-');

  uint32_t numbers[3] = {0, 0, 0};
  for (size_t i = 0; i < 3; i++) {
    Try<uint32_t> number = takeNumber(rest);
    if (number.isError()) {
      return Error(number.error());
    }

    numbers[i] = number.get();
    if (rest.empty()) {
      return Version(numbers[0], numbers[1], numbers[2], prerelease, build);
    }

    if (rest.front() != '.') {
      break;
    }

    rest.erase(0, 1);
  }

  return Error("Version '" + input + "' is not of the form 1.2.3");
}


bool Version::operator==(const Version& other) const
{
  return std::tie(majorVersion, minorVersion, patchVersion, prerelease) ==
         std::tie(
           other.majorVersion,
           other.minorVersion,
           other.patchVersion,
           other.prerelease);
}


bool Version::operator<(const Version& other) const
{
  const auto numbers = std::tie(majorVersion, minorVersion, patchVersion);
  const auto others =
    std::tie(other.majorVersion, other.minorVersion, other.patchVersion);

  if (numbers != others) {
    return numbers < others;
  }

  // A prerelease comes before its release.
  if (prerelease.empty() != other.prerelease.empty()) {
    return !prerelease.empty();
  }

  return prerelease < other.prerelease;
}


std::ostream& operator<<(std::ostream& stream, const Version& version)
{
  stream << version.majorVersion << "." << version.minorVersion << "."
         << version.patchVersion;

  if (!version.prerelease.empty()) {
    stream << "-" << version.prerelease;
  }

  if (!version.build.empty()) {
    stream << "+" << version.build;
  }

  return stream;
}
