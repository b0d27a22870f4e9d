// The value of an operation that yields none: Try<Nothing>.

#ifndef STOUT_NOTHING_HPP
#define STOUT_NOTHING_HPP

struct Nothing
{
  bool operator==(const Nothing&) const { return true; }
  bool operator!=(const Nothing&) const { return false; }
};

#endif // STOUT_NOTHING_HPP
