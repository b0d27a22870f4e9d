// The listing of a sandbox as Mesos' web interface shows it.

#ifndef HARNESS_LISTING_HPP
#define HARNESS_LISTING_HPP

#include <sys/types.h>
#include <time.h>

#include <stdint.h>

#include <string>
#include <vector>

#include <stout/try.hpp>

namespace harness {

struct File
{
  mode_t mode;
  uint64_t nlink;
  std::string uid; // A name where there is one.
  std::string gid;
  int64_t sizeBytes;
  struct timespec mtime;
  std::string name;
};


// Sorted by name; links are not followed.
Try<std::vector<File>> listSandbox(const std::string& sandbox);

// "drwxr-x---", as ls writes it.
std::string formatMode(mode_t mode);

// "169 B", "2047 KB", "12 MB": whole units, rounded down, of the largest unit
// that gives at least ten.
std::string formatSize(int64_t sizeBytes);

// The columns mode, nlink, uid, gid, size, mtime (local time) and name.
std::string formatListing(const std::vector<File>& files);

} // namespace harness {

#endif // HARNESS_LISTING_HPP
