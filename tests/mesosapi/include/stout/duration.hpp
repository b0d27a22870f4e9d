// A length of time with a resolution of nanoseconds.

#ifndef STOUT_DURATION_HPP
#define STOUT_DURATION_HPP

#include <stdint.h>

class Duration
{
public:
  constexpr Duration() : nanos(0) {}

  double secs() const { return static_cast<double>(nanos) / 1e9; }
  int64_t ns() const { return nanos; }

  bool operator==(const Duration& d) const { return nanos == d.nanos; }
  bool operator<(const Duration& d) const { return nanos < d.nanos; }

protected:
  constexpr explicit Duration(int64_t _nanos) : nanos(_nanos) {}

private:
  int64_t nanos;
};


class Milliseconds : public Duration
{
public:
  constexpr explicit Milliseconds(int64_t value) : Duration(value * 1000000) {}
};


class Seconds : public Duration
{
public:
  constexpr explicit Seconds(int64_t value) : Duration(value * 1000000000) {}
};

#endif // STOUT_DURATION_HPP
