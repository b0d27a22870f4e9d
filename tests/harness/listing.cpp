#include "listing.hpp"

#include <grp.h>
#include <pwd.h>

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <iomanip>
#include <sstream>

#include <stout/error.hpp>

namespace fs = std::filesystem;

using std::string;
using std::vector;

namespace harness {

namespace {

string userName(uid_t uid)
{
  const struct passwd* entry = getpwuid(uid);
  return entry == nullptr ? std::to_string(uid) : entry->pw_name;
}


string groupName(gid_t gid)
{
  const struct group* entry = getgrgid(gid);
  return entry == nullptr ? std::to_string(gid) : entry->gr_name;
}


string formatTime(const struct timespec& time)
{
  struct tm local;
  localtime_r(&time.tv_sec, &local);

  char text[32];
  strftime(text, sizeof(text), "%b %d %H:%M", &local);
  return text;
}


void row(
  std::ostream& stream,
  const string& mode,
  const string& nlink,
  const string& uid,
  const string& gid,
  const string& size,
  const string& mtime,
  const string& name)
{
  stream << std::left << std::setw(12) << mode << std::setw(8) << nlink
         << std::setw(10) << uid << std::setw(10) << gid << std::setw(10)
         << size << std::setw(16) << mtime << name << "\n";
}

} // namespace {


Try<vector<File>> listSandbox(const string& sandbox)
{
  vector<File> files;
  std::error_code error;

  for (const auto& entry : fs::directory_iterator(sandbox, error)) {
    struct stat s;
    // A file that rotation took away meanwhile is no error.
    if (::lstat(entry.path().c_str(), &s) != 0) {
      continue;
    }

    files.push_back(
      {s.st_mode,
       s.st_nlink,
       userName(s.st_uid),
       groupName(s.st_gid),
       s.st_size,
       s.st_mtim,
       entry.path().filename().string()});
  }

  if (error) {
    return Error("Failed to list '" + sandbox + "': " + error.message());
  }

  std::sort(files.begin(), files.end(), [](const File& a, const File& b) {
    return a.name < b.name;
  });

  return files;
}


string formatMode(mode_t mode)
{
  const char type = S_ISDIR(mode)    ? 'd'
                    : S_ISLNK(mode)  ? 'l'
                    : S_ISFIFO(mode) ? 'p'
                    : S_ISSOCK(mode) ? 's'
                    : S_ISBLK(mode)  ? 'b'
                    : S_ISCHR(mode)  ? 'c'
                                     : '-';

  string text(1, type);
  for (int bit = 8; bit >= 0; bit--) {
    text += (mode & (1u << bit)) != 0 ? "xwr"[bit % 3] : '-';
  }

  const struct
  {
    mode_t bit;
    size_t at;
    char mark;
  } specials[] = {{S_ISUID, 3, 's'}, {S_ISGID, 6, 's'}, {S_ISVTX, 9, 't'}};

  for (const auto& special : specials) {
    if ((mode & special.bit) != 0) {
      const bool executable = text[special.at] == 'x';
      text[special.at] =
        executable ? special.mark : static_cast<char>(special.mark - 'a' + 'A');
    }
  }

  return text;
}


string formatSize(int64_t sizeBytes)
{
  const char* const units[] = {"B", "KB", "MB", "GB", "TB", "PB"};

  size_t unit = 0;
  while (sizeBytes / 1024 >= 10 && unit + 1 < std::size(units)) {
    sizeBytes /= 1024;
    unit++;
  }

  return std::to_string(sizeBytes) + " " + units[unit];
}


string formatListing(const vector<File>& files)
{
  std::ostringstream stream;
  row(stream, "mode", "nlink", "uid", "gid", "size", "mtime", "");

  for (const File& file : files) {
    row(
      stream,
      formatMode(file.mode),
      std::to_string(file.nlink),
      file.uid,
      file.gid,
      formatSize(file.sizeBytes),
      formatTime(file.mtime),
      file.name);
  }

  return stream.str();
}

} // namespace harness {
