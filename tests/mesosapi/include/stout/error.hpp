// Why an operation failed, as text.

#ifndef STOUT_ERROR_HPP
#define STOUT_ERROR_HPP

#include <errno.h>

#include <string>
#include <system_error>

class Error
{
public:
  explicit Error(const std::string& _message) : message(_message) {}

  std::string message;
};


// Appends the text of a system call's error: that of `errno` at construction
// unless a code is given.
class ErrnoError : public Error
{
public:
  ErrnoError() : ErrnoError(errno) {}

  explicit ErrnoError(int _code)
    : Error(std::generic_category().message(_code)), code(_code)
  {
  }

  explicit ErrnoError(const std::string& message) : ErrnoError(errno, message)
  {
  }

  ErrnoError(int _code, const std::string& message)
    : Error(message + ": " + std::generic_category().message(_code)),
      code(_code)
  {
  }

  const int code;
};

#endif // STOUT_ERROR_HPP
