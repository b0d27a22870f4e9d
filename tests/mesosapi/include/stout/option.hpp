// A value that may be absent.

#ifndef STOUT_OPTION_HPP
#define STOUT_OPTION_HPP

#include <optional>
#include <type_traits>
#include <utility>

#include <glog/logging.h>

#include <stout/none.hpp>

template <typename T>
class Option
{
public:
  static Option<T> none() { return Option<T>(); }
  static Option<T> some(const T& t) { return Option<T>(t); }

  Option() = default;
  Option(const None&) {}
  Option(const T& t) : value(t) {}
  Option(T&& t) : value(std::move(t)) {}

  template <
    typename U,
    typename =
      typename std::enable_if<std::is_constructible<T, const U&>::value>::type>
  Option(const U& u) : value(T(u))
  {
  }

  bool isSome() const { return value.has_value(); }
  bool isNone() const { return !value.has_value(); }

  // NOTE: Asking an absent value is a fault of the program; it aborts.
  const T& get() const&
  {
    CHECK(isSome());
    return *value;
  }

  T& get() &
  {
    CHECK(isSome());
    return *value;
  }

  T getOrElse(const T& other) const { return isSome() ? *value : other; }

  const T& operator*() const { return get(); }
  const T* operator->() const { return &get(); }
  T* operator->() { return &get(); }

  bool operator==(const Option<T>& that) const { return value == that.value; }
  bool operator!=(const Option<T>& that) const { return value != that.value; }

private:
  std::optional<T> value;
};

#endif // STOUT_OPTION_HPP
